import type { CompiledPlan } from "../core/plan/compile.ts";
import type { ManifestEntry } from "./manifest.ts";
import type { TextCodec } from "./outbox.ts";
import type { Clock } from "./port/clock.ts";
import type { StateCodec } from "./port/codec.ts";
import type { EngineListener } from "./port/listener.ts";
import type { Log } from "./port/log.ts";
import type { StateStore } from "./port/state-store.ts";

export interface EngineOptions {
  readonly log: Log;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly codec: StateCodec;
  readonly text: TextCodec;
  readonly listener: EngineListener;
  /** The plan that is to hold from now on. */
  readonly plan: CompiledPlan;
  /** The plan of an earlier manifest entry, code and all, for a tail that it accepted. Null: not kept. */
  readonly loadPlan: (entry: ManifestEntry) => Promise<CompiledPlan | null>;
  readonly limits: EngineLimits;
  /** For tests: each state goes through the codec after each step, and must not become another. */
  readonly roundTripStates?: boolean;
}

export interface EngineLimits {
  /** Logical partitions of a new folder; an existing one keeps its number. */
  readonly partitions: number;
  /** Time between checkpoints: bounds what recovery has to reduce again, and how long an effect waits to leave. */
  readonly checkpointMs: number;
  /**
   * Under load the time between checkpoints grows with what the last one took, up to this: a hot profile is then
   * written once instead of several times.
   */
  readonly checkpointMsMax: number;
  /** How often ticks are considered: bounds the age of gathered contributions and of due timers. */
  readonly tickMs: number;
  /**
   * Records reduced before the process breathes: bounds how long a request can be held up, some 20 ms. With fewer,
   * what comes in between them outruns what is reduced, and all that waits has to be kept and moved by the collector.
   */
  readonly sliceRecordsMax: number;
  /** Encoding for a checkpoint is spread over this time: in one go it would hold up every request while it lasts. */
  readonly checkpointSpreadMs: number;
  /** Keys encoded before the process breathes; more, or fewer, where the time for spreading asks for it. */
  readonly sliceKeysMin: number;
  /** Rest between two such slices. */
  readonly sliceRestMs: number;
  /** Clean keys held in memory, live or packed; bounds it. */
  readonly liveKeysMax: number;
  /** How far ahead timers are held in memory; those behind it wait in the store. */
  readonly timerHorizonMs: number;
  /** How far back ids are told apart: clients retry for hours, offline queues for days (DESIGN 3, rule 4). */
  readonly deduplicationMs: number;
  /** Ids held; past it the window shrinks and says so. */
  readonly deduplicationIdsMax: number;
  /**
   * Dead letters kept; past it the oldest go, with an alert: first those that were sent or discarded, then those that
   * wait. Enough for a day of one bad event a second.
   */
  readonly deadLettersMax: number;
  /** What they may take together, as JSON: a few of 256 Ki characters must not fill the disk. */
  readonly deadLetterBytesMax: number;
  /** The log is trimmed to this age and size, never past the checkpoint. */
  readonly retentionMs: number;
  readonly retentionBytes: number;
  /** Delivered effect ids are remembered this long. */
  readonly sentMemoryMs: number;
}

export const engineLimits: EngineLimits = {
  partitions: 8,
  checkpointMs: 250,
  checkpointMsMax: 1000,
  tickMs: 250,
  sliceRecordsMax: 1000,
  checkpointSpreadMs: 1000,
  sliceKeysMin: 25,
  sliceRestMs: 2,
  liveKeysMax: 100_000,
  timerHorizonMs: 3_600_000,
  deduplicationMs: 7 * 24 * 3_600_000,
  deduplicationIdsMax: 10_000_000,
  deadLettersMax: 100_000,
  deadLetterBytesMax: 512 * 1024 ** 2,
  retentionMs: 30 * 24 * 3_600_000,
  retentionBytes: 20 * 1024 ** 3,
  sentMemoryMs: 24 * 3_600_000,
};
