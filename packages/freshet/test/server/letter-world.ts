import { Writable } from "node:stream";
import type { Json } from "@freshet/protocol";
import {
  type AcceptContext,
  acceptEvents,
  type Source,
  sourcesOf,
} from "../../src/accept/index.ts";
import { strictMsgpackCodec, utf8 } from "../../src/adapters/codec/msgpack.ts";
import { openMemoryLog } from "../../src/adapters/log/memory.ts";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import * as p from "../../src/core/plan/index.ts";
import type { LogRecord } from "../../src/core/record.ts";
import { ProfileView } from "../../src/core/view.ts";
import { Engine } from "../../src/engine/engine.ts";
import { type EngineLimits, engineLimits } from "../../src/engine/options.ts";
import { silentListener } from "../../src/engine/port/listener.ts";
import { type AcceptState, createAcceptState } from "../../src/server/accept-state.ts";
import { LetterRunner } from "../../src/server/letter/runner.ts";
import { serverLimits } from "../../src/server/limits.ts";
import { Schemas } from "../../src/server/schemas.ts";
import { createLogger } from "../../src/telemetry/index.ts";
import type { Random } from "../../src/testing/random.ts";
import { VirtualClock, type VirtualProcess } from "../../src/testing/virtual-clock.ts";

const paid = p.event("Paid", { cents: "integer" });
const payments = p.count("payments", paid);
const cents = p.sum("cents", paid, paid.prop.cents);

/** Refuses what costs 13, as a plan whose function has a mistake. */
export const plan = compilePlan(
  p.definePlan({
    name: "letters",
    events: [paid],
    features: [payments, cents],
    filters: [
      p.transform("noThirteen", [paid], ({ properties }) => {
        if (properties.cents === 13) throw new Error("thirteen");
        return properties;
      }),
    ],
  }),
);

export const source: Source = { name: "web", writeKey: "WK", kind: "server" };

/** A server's engine, accept and runner over a disk that outlives them, in virtual time. */
export class LetterWorld {
  readonly clock = new VirtualClock();
  readonly disk: MemoryDisk;
  readonly #limits: EngineLimits;
  #process: VirtualProcess | null = null;
  #engine: Engine | null = null;
  #runner: LetterRunner | null = null;
  #acceptState: AcceptState | null = null;
  #isStopping = { now: false };
  #ids = 0;

  constructor(random: Random, limits: Partial<EngineLimits> = {}) {
    this.disk = new MemoryDisk({ clock: this.clock, random: () => random.next() });
    this.disk.faults = { ...this.disk.faults, delayMsMin: 0, delayMsMax: 8 };
    this.#limits = { ...engineLimits, partitions: 4, checkpointMs: 30, ...limits };
  }

  get isUp(): boolean {
    return this.#engine !== null;
  }
  get engine(): Engine {
    if (this.#engine === null) throw new Error("nothing runs");
    return this.#engine;
  }
  get runner(): LetterRunner {
    if (this.#runner === null) throw new Error("nothing runs");
    return this.#runner;
  }

  async open(): Promise<void> {
    const process = this.clock.process();
    const isStopping = { now: false };
    const log = await openMemoryLog(this.disk);
    const store = await openMemoryState(this.disk);
    const engine = await Engine.open({
      ...{ log, store, clock: process, codec: strictMsgpackCodec(), text: utf8, plan },
      listener: silentListener,
      loadPlan: async () => plan,
      limits: this.#limits,
    });
    const randomId = () => `random-${this.#ids++}`;
    const acceptState = createAcceptState({
      plan: () => engine.plan,
      tables: () => engine.tables,
      partitions: () => engine.partitions,
      sources: sourcesOf([source]),
      clock: process,
      randomId,
    });
    const destination = new Writable({ write: (_chunk, _encoding, done) => done() });
    this.#process = process;
    this.#isStopping = isStopping;
    this.#engine = engine;
    this.#acceptState = acceptState;
    this.#runner = new LetterRunner({
      ...{ engine, acceptState, clock: process, randomId },
      gate: { hold: async () => {} },
      schemas: new Schemas({ registry: undefined, clock: process, limits: serverLimits }),
      logger: createLogger({ level: "fatal", destination }),
      isStopping: () => isStopping.now,
    });
    this.#runner.resume();
  }

  /** Everything that was not synced may be gone. */
  crash(): void {
    this.#process?.kill();
    this.#isStopping.now = true;
    this.#engine = null;
    this.#runner = null;
    this.disk.crash();
  }

  context(): AcceptContext {
    if (this.#acceptState === null) throw new Error("nothing runs");
    return this.#acceptState.context();
  }

  /** What the event of one request becomes. */
  recordOf(event: Json): LogRecord {
    const input = { shape: "native", events: [event], source } as const;
    const [record] = acceptEvents(input, this.context()).records;
    if (record === undefined) throw new Error("accept gave nothing");
    return record;
  }

  value(userId: string, feature: string): Json {
    const found = this.engine.profile(`user:${userId}`);
    if (found === null) return 0;
    return new ProfileView(plan, found.state, this.clock.now()).feature(feature);
  }
}

export const paidEvent = (id: string, userId: string, amount: Json, timestamp: number) => ({
  ...{ event_id: id, event_type: "Paid", user_id: userId, timestamp },
  metadata: { cents: amount },
});
