import type { Engine } from "../../engine/engine.ts";
import type { TextCodec } from "../../engine/outbox.ts";
import type { Clock } from "../../engine/port/clock.ts";
import type { StateCodec } from "../../engine/port/codec.ts";
import type { Log } from "../../engine/port/log.ts";
import type { StateStore } from "../../engine/port/state-store.ts";

/** A disk that outlives what is opened on it, and loses what was not synced when it crashes. */
export interface SimulatedDisk {
  openLog(): Promise<Log>;
  openStore(): Promise<StateStore>;
  crash(): void;
  /** Share of writes that fail from now on, and how long each takes. */
  setFaults(faults: { failureShare: number; delayMsMin: number; delayMsMax: number }): void;
}

/** What the simulation cannot make itself: it knows no adapter. */
export interface SimulationPorts {
  makeDisk(clock: Pick<Clock, "after">, random: () => number): SimulatedDisk;
  readonly codec: StateCodec;
  readonly text: TextCodec;
}

/** Breaks a promise on purpose: proves that the ledger finds it. */
export interface Sabotage {
  readonly log?: (log: Log, clock: Clock) => Log;
  readonly store?: (store: StateStore) => StateStore;
  readonly engine?: (engine: Engine) => Engine;
  /** What the sink hears in place of the effect id that the engine sends. */
  readonly effectIds?: (id: string, count: number) => readonly string[];
}

export interface SimulationOptions {
  readonly ports: SimulationPorts;
  /** Each state is encoded and decoded after each step. */
  readonly roundTripStates?: boolean;
  readonly sabotage?: Sabotage;
}

export interface SimulationReport {
  readonly seed: number;
  /** Broken promises, each beginning with its name (P1 to P7). Empty where all were kept. */
  readonly faults: readonly string[];
  /** Of the final state: equal for equal seeds. */
  readonly digest: string;
  readonly counts: { readonly [what: string]: number };
}

/** How this seed's world is: drawn once, so that worlds differ in kind and not only in detail. */
export interface Weather {
  readonly partitions: number;
  readonly people: number;
  readonly devices: number;
  readonly trafficMs: number;
  readonly pauseMsMax: number;
  readonly checkpointMs: number;
  readonly tickMs: number;
  readonly liveKeysMax: number;
  readonly sliceRecordsMax: number;
  readonly sliceKeysMin: number;
  readonly sliceRestMs: number;
  readonly checkpointSpreadMs: number;
  readonly timerHorizonMs: number;
  readonly diskDelayMsMax: number;
  readonly failureShare: number;
  readonly crashEveryMs: number;
  readonly planChanges: boolean;
  readonly latencyMsMax: number;
  readonly lossShare: number;
  readonly doubleShare: number;
  readonly lateMsMax: number;
  readonly sinkFailureShare: number;
  readonly sinkDelayMsMax: number;
  readonly idleMs: number;
  readonly trims: boolean;
}
