import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { msgpackCodec, utf8 } from "../../src/adapters/codec/msgpack.ts";
import { openLmdbLog } from "../../src/adapters/log/lmdb.ts";
import { openLmdbState } from "../../src/adapters/state/lmdb.ts";
import { logFolder, markFolder, stateFolder } from "../../src/app/folder.ts";
import { type AcceptedEvent, partOf } from "../../src/core/event.ts";
import { type CompiledPlan, compilePlan } from "../../src/core/plan/compile.ts";
import type { EventRecord, LogRecord } from "../../src/core/record.ts";
import { Engine } from "../../src/engine/engine.ts";
import { engineLimits } from "../../src/engine/options.ts";
import { partitionOf } from "../../src/engine/partition.ts";
import type { Clock } from "../../src/engine/port/clock.ts";
import { silentListener } from "../../src/engine/port/listener.ts";
import plan, { second, third } from "./replay-plan.ts";

/** Time that a test moves; what waits on it runs soon, whatever it waits for. */
export class HandClock implements Clock {
  time = Date.parse("2026-05-04T00:00:00Z");
  now(): number {
    return this.time;
  }
  after(delayMs: number, callback: () => void): () => void {
    const timer = setTimeout(callback, Math.min(delayMs, 4));
    return () => clearTimeout(timer);
  }
  yield(): Promise<void> {
    return systemClock().yield();
  }
}

export const plans = {
  first: compilePlan(plan),
  second: compilePlan(second),
  third: compilePlan(third),
};
const byHash = new Map(Object.values(plans).map((compiled) => [compiled.plan.hash, compiled]));

export interface Opened {
  readonly engine: Engine;
  close(): Promise<void>;
}

export async function openAt(data: string, clock: Clock, compiled: CompiledPlan): Promise<Opened> {
  markFolder(data);
  const log = await openLmdbLog({ folder: logFolder(data) });
  const store = await openLmdbState({ folder: stateFolder(data) });
  const engine = await Engine.open({
    log,
    store,
    clock,
    codec: msgpackCodec(),
    text: utf8,
    listener: silentListener,
    plan: compiled,
    loadPlan: async ({ hash }) => byHash.get(hash) ?? null,
    limits: { ...engineLimits, partitions: 4, liveKeysMax: 40 },
  });
  return {
    engine,
    async close() {
      await rest(engine);
      await engine.close();
      await store.close();
      await log.close();
    },
  };
}

/** Until nothing comes into the log any more: records to other keys, ticks, and what those set off. */
export async function rest(engine: Engine): Promise<void> {
  let seen = -1;
  while (seen < engine.status().nextOffset) {
    seen = engine.status().nextOffset;
    await engine.drain();
    await engine.checkpoint();
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "freshet-replay-"));
}

/** mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Visitors who look, sign in, share devices, buy, come late and send twice; each record as accept would make it. */
export class Traffic {
  readonly #random: () => number;
  readonly sent: EventRecord[] = [];
  #count = 0;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
  }

  next(now: number): LogRecord {
    const chance = this.#random();
    if (chance < 0.05 && this.sent.length > 0) return { ...this.#pick(this.sent), at: now };
    const id = `m${this.#count++}`;
    if (chance < 0.08) {
      const letter = {
        id,
        code: "contractViolated",
        message: "broken",
        source: "web",
        at: now,
        event: {},
      };
      return { kind: "deadLetter", partition: partitionOf(id, 4), at: now, letter };
    }
    const record = toRecord(this.#event(id, now), now);
    this.sent.push(record);
    return record;
  }

  #event(id: string, now: number): AcceptedEvent {
    const who = Math.floor(this.#random() * 60);
    const [user, anonymous] = [`u${who % 40}`, `a${who}`];
    const isBuying = this.#random() < 0.2;
    const time = this.#random() < 0.1 ? now - Math.floor(this.#random() * 3_600_000) : now;
    const identity = this.#random();
    return {
      id,
      type: "track",
      name: isBuying ? "bought" : "viewed",
      time,
      source: "web",
      properties: isBuying
        ? { total: Math.floor(this.#random() * 4000) / 100 }
        : { item: `i${Math.floor(this.#random() * 12)}` },
      ...(identity < 0.6 ? { userId: user } : {}),
      ...(identity > 0.45 ? { anonymousId: anonymous } : {}),
    };
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T;
  }
}

export function toRecord(event: AcceptedEvent, at: number): EventRecord {
  const key = partOf(event);
  return { kind: "event", partition: partitionOf(key, 4), at, key, event };
}

/** Lives through `count` records with restarts, and a change of plan halfway. */
export async function liveThrough(
  data: string,
  seed: number,
  count: number,
  clock = new HandClock(),
): Promise<Traffic> {
  const traffic = new Traffic(seed);
  const random = randomFrom(seed + 1);
  let compiled: CompiledPlan = plans.first;
  let opened = await openAt(data, clock, compiled);
  for (let index = 0; index < count; index += 10) {
    clock.time += Math.floor(random() * 600_000);
    await opened.engine.append(Array.from({ length: 10 }, () => traffic.next(clock.now())));
    if (random() < 0.3) await opened.engine.drain();
    if (random() < 0.1) await new Promise((resolve) => setTimeout(resolve, 12));
    if (random() < 0.03) {
      await opened.close();
      opened = await openAt(data, clock, compiled);
    }
    if (compiled === plans.first && index >= count / 2) {
      compiled = plans.second;
      await opened.engine.switchPlan(compiled);
    }
  }
  await opened.close();
  return traffic;
}
