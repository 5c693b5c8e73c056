import type { DeadLetters } from "./dead-letters.ts";
import type { DedupJournal } from "./journal.ts";
import type { KeyedState, Snapshot } from "./keyed-state.ts";
import { type MetaUpdate, metaChanges } from "./meta.ts";
import type { EngineOptions } from "./options.ts";
import type { Outbox } from "./outbox.ts";
import type { StateChange } from "./port/state-store.ts";
import type { SelfSender } from "./self-sender.ts";

export interface CheckpointParts {
  readonly state: KeyedState;
  readonly outbox: Outbox;
  readonly deadLetters: DeadLetters;
  readonly journal: DedupJournal;
  readonly selfSender: SelfSender;
  /** Position, clocks and counters at this moment; called in the same turn as the snapshots begin. */
  collect(): MetaUpdate;
  /** The last `collect` is on disk. */
  collected(update: MetaUpdate): void;
  dedupStart(): number;
}

/**
 * Writes everything that the reducer has made since the last checkpoint, in one transaction, several times a second.
 *
 * - C1 all parts are frozen in one turn, at one log position.
 * - C2 the transaction is committed only when the records for other keys that were made before it are in the log.
 * - C3 one checkpoint is under way at a time; one that fails loses nothing: the next one holds it too.
 * - C4 encoding breathes between slices, so a checkpoint never holds up a request for long; what is encoded goes to the
 *   store at once, so that the disk has it in small portions too, and the commit has little left to write.
 */
export class Checkpointer {
  readonly #options: EngineOptions;
  readonly #parts: CheckpointParts;
  #running: Promise<void> | null = null;
  #cancel: () => void = () => {};
  #closed = false;
  /** How many wait for a checkpoint. */
  #awaited = 0;
  position: number;
  count = 0;
  lastMs = 0;
  /** Position and time of checkpoints, for retention by time. */
  #history: { readonly offset: number; readonly at: number }[] = [];

  constructor(options: EngineOptions, parts: CheckpointParts, position: number) {
    this.#options = options;
    this.#parts = parts;
    this.position = position;
  }

  start(): void {
    if (this.#closed) return;
    this.#cancel = this.#options.clock.after(this.#pauseMs(), () => {
      void this.#next()
        .catch((error) => this.#options.listener.alert("checkpointFailed", String(error)))
        .finally(() => this.start());
    });
  }

  /**
   * As many keys as it takes to be done in time, however long requests take between two slices. What changes meanwhile
   * is encoded by itself (K1): most of it at once, and the busiest profiles are the largest. So slices of a large
   * snapshot begin slowly (`spreadPower`), which keeps the work about the same from beginning to end.
   */
  #sliceKeys({ keys, awaited }: Snapshot, began: number): number {
    const { clock, limits } = this.#options;
    const { checkpointSpreadMs, sliceKeysMin, sliceRestMs } = limits;
    const share = Math.min(1, (clock.now() - began) / checkpointSpreadMs);
    const behind = awaited - Math.floor(keys.length * (1 - share ** spreadPower));
    const smallMax = (sliceKeysMin * checkpointSpreadMs) / (2 * sliceRestMs);
    const isSmall = keys.length <= smallMax || this.#awaited > 0;
    return Math.max(behind, isSmall ? sliceKeysMin : 0);
  }

  /** Between slices requests have the processor to themselves, unless somebody waits for this checkpoint. */
  #rest(): Promise<void> {
    const { clock, limits } = this.#options;
    if (this.#awaited > 0 || limits.sliceRestMs === 0) return clock.yield();
    return new Promise((resolve) => clock.after(limits.sliceRestMs, () => resolve()));
  }

  /** A checkpoint is under way half of the time at most, while that keeps it frequent enough. */
  #pauseMs(): number {
    const { checkpointMs, checkpointMsMax } = this.#options.limits;
    return Math.max(checkpointMs, Math.min(checkpointMsMax, this.lastMs * pausePerCheckpoint));
  }

  /** Resolves when a checkpoint that holds everything reduced before this call is on disk. */
  async run(): Promise<void> {
    this.#awaited++;
    try {
      await this.#next();
    } finally {
      this.#awaited--;
    }
  }

  async #next(): Promise<void> {
    if (this.#running !== null) await this.#running.catch(() => {});
    this.#running ??= this.#write().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.run();
  }

  async #write(): Promise<void> {
    const { clock, store, text, limits } = this.#options;
    const { state, outbox, deadLetters, journal, selfSender } = this.#parts;
    const began = clock.now();
    const snapshot = state.beginSnapshot();
    // Before the counts are collected: what it drops is not counted any more.
    const letters = deadLetters.beginSnapshot();
    const update = this.#parts.collect();
    const changes: StateChange[] = [
      ...outbox.beginSnapshot(),
      ...letters.changes,
      ...journal.beginSnapshot(this.#parts.dedupStart()),
      ...metaChanges(update, text),
      ...this.#forgetSent(began),
    ];
    const settled = selfSender.settled();
    // It is awaited further down; until then a rejection must not pass for one that nobody handles.
    settled.catch(() => {});
    let outcome: "committed" | "failed" = "failed";
    try {
      while (state.encodeSlice(this.#sliceKeys(snapshot, began))) {
        store.stage(snapshot.changes.splice(0));
        await this.#rest();
      }
      await settled;
      await store.commit([...snapshot.changes, ...changes]);
      outcome = "committed";
    } finally {
      if (outcome === "failed") await store.unstage();
      state.endSnapshot(outcome);
      outbox.endSnapshot(outcome);
      deadLetters.endSnapshot(outcome);
      journal.endSnapshot(outcome);
      // Committed or not: what a failed commit held is encoded again.
      this.#options.codec.recycle();
    }
    if (letters.dropped > 0)
      this.#options.listener.alert(
        "deadLettersDropped",
        `${letters.dropped} of the oldest dead letters were dropped: ${limits.deadLettersMax} are kept, and ${limits.deadLetterBytesMax} bytes of them`,
      );
    this.#parts.collected(update);
    this.position = update.position.position;
    this.count++;
    this.lastMs = clock.now() - began;
    await this.#trim(began);
  }

  /** Once in a while: it reads the store. */
  #forgetSent(now: number): StateChange[] {
    if (this.count % 256 !== 255) return [];
    return this.#parts.outbox.forgetSentBefore(now - this.#options.limits.sentMemoryMs, 1000);
  }

  /** Never past the checkpoint, and whole batches only. */
  async #trim(now: number): Promise<void> {
    const { log, limits } = this.#options;
    const last = this.#history[this.#history.length - 1];
    if (last === undefined || now - last.at >= historyStepMs)
      this.#history.push({ offset: this.position, at: now });
    let keepFrom = log.first;
    while (this.#history.length > 1 && (this.#history[1]?.at ?? now) < now - limits.retentionMs) {
      this.#history.shift();
      keepFrom = this.#history[0]?.offset ?? keepFrom;
    }
    if (log.bytes > limits.retentionBytes) {
      const share = (log.bytes - limits.retentionBytes) / log.bytes;
      keepFrom = Math.max(keepFrom, log.first + Math.ceil((log.next - log.first) * share));
    }
    keepFrom = Math.min(keepFrom, this.position);
    if (keepFrom > log.first) await log.trim(keepFrom);
  }
}

const historyStepMs = 60_000;

/** By `share ** spreadPower` of the time, so much is encoded: measured with the shop's plan (decision 0026). */
const spreadPower = 1.5;

/** Time between two checkpoints, as a multiple of what the last one took. */
const pausePerCheckpoint = 1;
