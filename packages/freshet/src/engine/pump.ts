import { isCounted, type LogRecord } from "../core/record.ts";
import type { Clock } from "./port/clock.ts";
import type { CommittedBatch } from "./port/log.ts";

export interface PumpOptions {
  readonly clock: Pick<Clock, "yield">;
  readonly sliceRecordsMax: number;
  reduce(record: LogRecord, offset: number): void;
  /** How many timers the reducer has fired so far. */
  timersFired(): number;
  /** A slice is over. */
  sliced(): void;
}

/**
 * Hands what the log has committed to the reducer, in order and in slices, between which requests have the thread.
 *
 * - Q1 acknowledgements go first: the append that wrote a batch resolves before the batch is reduced.
 * - Q2 nothing is reduced while somebody holds it.
 * - Q3 a slice has a number of records, or fewer where these fire many timers, as those of another plan do.
 */
export class Pump {
  readonly #options: PumpOptions;
  #queue: CommittedBatch[] = [];
  /** Records in the queue that the ledger counts. */
  counted = 0;
  #isRunning = false;
  #isStopped = false;
  #hold: Promise<void> | null = null;

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  /** The first of them may be reduced in part. */
  get batches(): readonly CommittedBatch[] {
    return this.#queue;
  }

  get recordCount(): number {
    return this.#queue.reduce((sum, { records }) => sum + records.length, 0);
  }

  take(batch: CommittedBatch): void {
    if (this.#isStopped) return;
    this.#queue.push(batch);
    for (const record of batch.records) if (isCounted(record)) this.counted++;
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** Keeps Q2 while the work lasts. One at a time. */
  async holdDuring<T>(work: () => Promise<T>): Promise<T> {
    let release = () => {};
    this.#hold = new Promise((resolve) => {
      release = resolve;
    });
    try {
      return await work();
    } finally {
      this.#hold = null;
      release();
    }
  }

  /** For good: what is queued stays as it is. */
  stop(): void {
    this.#isStopped = true;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  async #run(): Promise<void> {
    await this.#breathe();
    while (!this.#isStopped) {
      const [batch] = this.#queue;
      if (batch === undefined) break;
      for (let from = 0; from < batch.records.length; from = this.#reduceSlice(batch, from))
        if (from > 0) await this.#breathe();
      this.#queue.shift();
      if (this.#queue.length > 0) await this.#breathe();
    }
    this.#isRunning = false;
  }

  async #breathe(): Promise<void> {
    await this.#options.clock.yield();
    while (this.#hold !== null) await this.#hold;
  }

  /** Gives the index of the first record that is left. */
  #reduceSlice({ firstOffset, records }: CommittedBatch, from: number): number {
    const { sliceRecordsMax, timersFired, reduce, sliced } = this.#options;
    const to = Math.min(from + sliceRecordsMax, records.length);
    const timersMax = timersFired() + sliceTimersMax;
    let index = from;
    for (; index < to && timersFired() < timersMax; index++) {
      const record = records[index] as LogRecord;
      reduce(record, firstOffset + index);
      if (isCounted(record)) this.counted--;
    }
    sliced();
    return index;
  }
}

/** A slice that has fired so many ends with the record at hand. */
const sliceTimersMax = 100;
