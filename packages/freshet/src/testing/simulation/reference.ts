import type { SendEffect } from "../../core/effect.ts";
import { packEntity, packProfile, unpackProfile } from "../../core/pack.ts";
import type { LogRecord, SelfRecord } from "../../core/record.ts";
import { step } from "../../core/step.ts";
import { Engine } from "../../engine/engine.ts";
import type { ManifestEntry } from "../../engine/manifest.ts";
import { type EngineLimits, engineLimits } from "../../engine/options.ts";
import { partitionOf } from "../../engine/partition.ts";
import { silentListener } from "../../engine/port/listener.ts";
import type { StateStore } from "../../engine/port/state-store.ts";
import type { Random } from "../random.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { planByHash } from "./plan.ts";
import { ReplayLog } from "./replay-log.ts";
import type { SimulationPorts } from "./world.ts";

/** What a run comes to, in texts that can be compared. */
export interface Result {
  /** Key -> its packed state, with what is due by its partition's clock fired. */
  readonly states: ReadonlyMap<string, string>;
  readonly effects: ReadonlyMap<string, string>;
  readonly heard: ReadonlySet<string>;
  readonly selfRecords: ReadonlyMap<string, string>;
}

export interface ReferenceOptions {
  readonly ports: SimulationPorts;
  readonly random: Random;
  readonly records: readonly LogRecord[];
  readonly manifest: readonly ManifestEntry[];
  readonly partitions: number;
  /** Keys to be compared. */
  readonly keys: readonly string[];
  readonly start: number;
}

/**
 * The same log once more from its beginning, in one life: no crashes, other batches, other checkpoints, other keys
 * held live, nothing lost or late. P7 says that the result is the same.
 */
export async function referenceOf(options: ReferenceOptions): Promise<Result> {
  const { ports, random, records, manifest } = options;
  const clock = new VirtualClock(options.start);
  const disk = ports.makeDisk(clock, () => random.next());
  disk.setFaults({ failureShare: 0, delayMsMin: 0, delayMsMax: 0 });
  const store = await disk.openStore();
  const log = new ReplayLog("reference");
  const heard = new Set<string>();
  let now = options.start;
  const limits: EngineLimits = {
    ...engineLimits,
    partitions: options.partitions,
    liveKeysMax: random.pick([1, 3, 8, 5000]),
    checkpointMs: 1e12,
    tickMs: 1e12,
    timerHorizonMs: random.pick([1000, 30_000, 3_600_000]),
  };
  const first = manifest[0] as ManifestEntry;
  const engine = await clock.run(
    Engine.open({
      log,
      store,
      // It tells the moments at which the plans were switched, and nothing else: work takes no time here.
      clock: {
        now: () => now,
        after: (delayMs, callback) => clock.after(delayMs, callback),
        yield: () => clock.yield(),
      },
      codec: ports.codec,
      text: ports.text,
      listener: {
        ...silentListener,
        pushed: (effect) => heard.add(JSON.stringify(effect)),
        segmentChanged: (effect) => heard.add(JSON.stringify(effect)),
      },
      plan: planOfEntry(first),
      loadPlan: async () => null,
      limits,
    }),
  );
  for (const [index, entry] of manifest.entries()) {
    if (index > 0) {
      now = entry.at;
      await clock.run(engine.switchPlan(planOfEntry(entry)));
    }
    const end = manifest[index + 1]?.fromOffset ?? records.length;
    while (log.next < end) {
      const size = 1 + random.below(random.pick([2, 30, 300]));
      log.feed(records.slice(log.next, Math.min(end, log.next + size)));
      if (random.chance(0.4)) await clock.run(engine.checkpoint());
      else await clock.run(engine.drain());
    }
    await clock.run(engine.drain());
  }
  await clock.run(engine.checkpoint());
  const effects = new Map<string, string>();
  for (const destination of engine.outbox.destinations())
    for (;;) {
      const entry = engine.outbox.peek(destination);
      if (entry === null) break;
      effects.set(entry.effect.id, JSON.stringify(entry.effect));
      engine.outbox.acknowledge(entry);
    }
  const result = resultOf({ engine, store, records, keys: options.keys, ports });
  return {
    states: result.states,
    effects: new Map([...effects, ...result.effects]),
    heard,
    selfRecords: new Map(log.selfRecords.map(originAndText)),
  };
}

function planOfEntry(entry: ManifestEntry) {
  const plan = planByHash(entry.hash);
  if (plan === null) throw new Error(`plan ${entry.hash} is none of the simulation`);
  return plan;
}

export function originAndText({ from, key, body }: SelfRecord): [string, string] {
  return [
    [from.epoch, from.partition, from.offset, from.ordinal].join("/"),
    JSON.stringify([key, from, body]),
  ];
}

/**
 * Packed states after firing what is due, and the effects of that: when a timer physically runs must not matter,
 * and under a new plan a profile that nobody touched has some that are due.
 */
export function resultOf(options: {
  readonly engine: Engine;
  readonly store: StateStore;
  readonly records: readonly LogRecord[];
  readonly keys: readonly string[];
  readonly ports: SimulationPorts;
}): { readonly states: Map<string, string>; readonly effects: Map<string, string> } {
  const { engine, records, keys, ports } = options;
  const clocks = new Array<number>(engine.partitions).fill(0);
  for (const { partition, at } of records) clocks[partition] = Math.max(clocks[partition] ?? 0, at);
  const states = new Map<string, string>();
  const effects = new Map<string, string>();
  // Through the codec, as the store would have it; as text, so that a difference can be read.
  const textOf = (packed: unknown) =>
    JSON.stringify(ports.codec.decode(ports.codec.encode(packed)));
  for (const key of keys) {
    if (key.startsWith("entity:")) {
      const [, name = "", of = ""] = key.split(":");
      const entity = engine.entity(name, of);
      states.set(key, entity === null ? "" : textOf(packEntity(entity)));
      continue;
    }
    const found = engine.profile(key);
    if (found?.profileId !== key) continue;
    const copy = unpackProfile(
      ports.codec.decode(ports.codec.encode(packProfile(found.state))) as [],
    );
    const at = clocks[partitionOf(key, engine.partitions)] ?? 0;
    const result = step(engine.plan, key, copy, { kind: "timer", at });
    if (result.state !== null) states.set(key, textOf(packProfile(result.state)));
    for (const effect of result.effects)
      if (effect.kind === "send") effects.set(effect.id, JSON.stringify(effect as SendEffect));
  }
  return { states, effects };
}
