/**
 * A disk in memory that outlives what is opened on it, for tests and simulation: crash it, open
 * again, and what is there is what a real disk might have kept.
 *
 * Boundary: holds bytes only. The log and the state store on it encode and decode as the real ones
 * do.
 *
 * - M1 Writes reach the disk in the order in which they were submitted, each as a whole and synced
 *   when its promise resolves. A write that failed left nothing.
 * - M2 A crash keeps every resolved write and a prefix of the others; the first one that is not
 *   kept may leave a torn piece where its writer says what that looks like. Promises that were
 *   waiting never settle, as those of a process that is gone.
 * - M3 With a given clock and random source every run is the same.
 */
import type { Clock } from "../../engine/port/clock.ts";
import type { StateTable } from "../../engine/port/state-store.ts";

export interface DiskFaults {
  /** Share of writes that fail, 0 to 1. */
  readonly failureShare: number;
  /** Share of crashes that leave a torn piece of the first write that is lost, 0 to 1. */
  readonly tornShare: number;
  /** Share of waiting writes that a crash keeps although nobody was told, 0 to 1. */
  readonly survivalShare: number;
  readonly delayMsMin: number;
  readonly delayMsMax: number;
}

export interface DiskWrite {
  readonly apply: () => void;
  /**
   * What a write that was cut leaves; absent where the medium is atomic. `share` says how much
   * arrived.
   */
  readonly tear?: (share: number) => void;
}

export interface MemoryDiskOptions {
  readonly clock?: Pick<Clock, "after">;
  /** 0 (included) to 1 (excluded). */
  readonly random?: () => number;
  readonly faults?: Partial<DiskFaults>;
}

interface Waiting {
  readonly write: DiskWrite;
  readonly settle: (error?: Error) => void;
}

const noFaults: DiskFaults = {
  failureShare: 0,
  tornShare: 0.5,
  survivalShare: 0.5,
  delayMsMin: 0,
  delayMsMax: 0,
};

/** Where no clock is given, delays are real and no delay means the next turn of the event loop. */
const realClock: Pick<Clock, "after"> = {
  after(delayMs, callback) {
    if (delayMs > 0) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    }
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  },
};

export class MemoryDisk {
  /** May be changed at any time; writes that are under way keep their delay. */
  faults: DiskFaults;
  /** Synced batches of the log by first offset, in order. */
  readonly batches = new Map<number, Uint8Array>();
  /** Synced rows of the log's schemas by id. */
  readonly schemas = new Map<number, string>();
  readonly tables = new Map<StateTable, Map<string, Uint8Array>>();
  readonly logId: string;
  readonly #clock: Pick<Clock, "after">;
  readonly #random: () => number;
  readonly #locks = new Set<string>();
  readonly #timers = new Set<() => void>();
  #waiting: Waiting[] = [];
  #epoch = 0;

  constructor(options: MemoryDiskOptions = {}) {
    this.#clock = options.clock ?? realClock;
    this.#random = options.random ?? (() => 0.5);
    this.faults = { ...noFaults, ...options.faults };
    this.logId = Math.floor(this.#random() * 2 ** 48).toString(36);
  }

  /** Rises with every crash; what was opened under an older one is dead. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Resolves when the write is synced (M1). Never settles if the disk crashes first (M2). */
  submit(write: DiskWrite): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => (error === undefined ? resolve() : reject(error));
      this.#waiting.push({ write, settle });
      this.soon(() => this.#finishOldest());
    });
  }

  /** Calls back after the disk's delay, unless it crashes before. */
  soon(callback: () => void): void {
    const { delayMsMin, delayMsMax } = this.faults;
    const delayMs = delayMsMin + Math.floor(this.#random() * (delayMsMax - delayMsMin + 1));
    const cancel = this.#clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }

  /** The process dies here: waiting writes are kept or lost, locks are free (M2). */
  crash(): void {
    this.#epoch += 1;
    this.#locks.clear();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { write } of waiting) {
      if (this.#random() >= this.faults.survivalShare) {
        if (this.#random() < this.faults.tornShare) write.tear?.(this.#random());
        return;
      }
      write.apply();
    }
  }

  /** False while somebody holds it. */
  lock(name: string): boolean {
    if (this.#locks.has(name)) return false;
    this.#locks.add(name);
    return true;
  }

  unlock(name: string): void {
    this.#locks.delete(name);
  }

  /** Oldest first, whichever delay ran out (M1). */
  #finishOldest(): void {
    const oldest = this.#waiting.shift();
    if (oldest === undefined) return;
    if (this.#random() < this.faults.failureShare) {
      oldest.settle(new Error("no space left on the memory disk"));
      return;
    }
    oldest.write.apply();
    oldest.settle();
  }
}
