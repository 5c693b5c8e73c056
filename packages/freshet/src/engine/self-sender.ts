import type { SelfOrigin, SelfRecord } from "../core/record.ts";
import type { Clock } from "./port/clock.ts";
import type { Log } from "./port/log.ts";

export interface SelfSenderOptions {
  readonly log: Log;
  readonly clock: Clock;
  onFailure(message: string): void;
}

/**
 * Brings records for other keys into the log, in the order they were made.
 *
 * - X1 one append is under way at a time, so the log has them in order of their origin within a source partition.
 * - X2 nothing is given up: what the log refuses is appended again.
 * - X3 a checkpoint waits for what was made before it (`settled`), so a crash finds either the record in the log
 *   or its origin after the checkpoint, which makes it again.
 * - X4 in recovery, what was made again and stands in the log already is not appended a second time.
 */
export class SelfSender {
  readonly #options: SelfSenderOptions;
  #waiting: Omit<SelfRecord, "at">[] = [];
  #sending: Promise<void> | null = null;
  #started = false;
  #stopped = false;
  #isLeaving = false;
  /** How many were made, and how many of them are on disk. */
  #made = 0;
  #durable = 0;
  readonly #seen = new Map<string, readonly [offset: number, ordinal: number]>();

  constructor(options: SelfSenderOptions) {
    this.#options = options;
  }

  add(record: Omit<SelfRecord, "at">): void {
    this.#waiting.push(record);
    this.#made++;
  }

  /** Recovery met this origin in the log. */
  seen(from: SelfOrigin): void {
    const key = `${from.partition}/${from.epoch}`;
    const known = this.#seen.get(key);
    if (known === undefined || isAfter(from, known))
      this.#seen.set(key, [from.offset, from.ordinal]);
  }

  /** Ends recovery. */
  start(): void {
    this.#started = true;
    this.#waiting = this.#waiting.filter(({ from }) => {
      const known = this.#seen.get(`${from.partition}/${from.epoch}`);
      return known === undefined || isAfter(from, known);
    });
    this.#made = this.#waiting.length;
    this.#seen.clear();
    this.flush();
  }

  flush(): void {
    if (!this.#started || this.#stopped || this.#sending !== null || this.#waiting.length === 0)
      return;
    this.#sending = this.#send().finally(() => {
      this.#sending = null;
      this.flush();
    });
  }

  /** Resolves when everything made before this call is on disk. Before `start` nothing is waited for. */
  async settled(): Promise<void> {
    const target = this.#made;
    while (this.#started && !this.#stopped && this.#durable < target) {
      this.flush();
      await this.#sending;
    }
    if (this.#durable < target && this.#started)
      throw new Error("records to other keys could not be appended before the log was closed");
  }

  /** The process is about to end: what the log refuses from now on is left to recovery, which makes it again. */
  retryNoMore(): void {
    this.#isLeaving = true;
  }

  /** Appends nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  async #send(): Promise<void> {
    const { log, clock } = this.#options;
    const records = this.#waiting;
    this.#waiting = [];
    for (;;) {
      try {
        const at = clock.now();
        await log.append(records.map((record) => ({ ...record, at })));
        this.#durable += records.length;
        return;
      } catch (error) {
        this.#options.onFailure(`records to other keys could not be appended: ${String(error)}`);
        if (this.#isLeaving) this.#stopped = true;
        if (this.#stopped) return;
        await new Promise<void>((resolve) => clock.after(retryMs, () => resolve()));
      }
    }
  }
}

const retryMs = 250;

function isAfter(from: SelfOrigin, known: readonly [number, number]): boolean {
  return from.offset > known[0] || (from.offset === known[0] && from.ordinal > known[1]);
}
