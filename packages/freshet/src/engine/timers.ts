import { TimerHeap } from "./heap.ts";
import type { StateStore } from "./port/state-store.ts";
import { hexTime } from "./store-key.ts";

/**
 * Which key has a timer when. The store's index has all of them; only those up to a horizon are held in
 * memory, so that profiles which sleep for weeks cost nothing.
 *
 * - T1 a timer before the horizon is in the heap of its partition.
 * - T2 a heap entry may be out of date: whoever pops it asks the state. There is about one entry a key, because
 *   a key whose timer moves later is put back only when its earlier entry is popped.
 */
export class Timers {
  readonly #store: StateStore;
  readonly #partitionOf: (key: string) => number;
  readonly #heaps: readonly TimerHeap[];
  /** How far ahead timers are held in memory. */
  readonly #horizonMs: number;
  #horizon = 0;

  constructor(store: StateStore, options: TimersOptions) {
    this.#store = store;
    this.#partitionOf = options.partitionOf;
    this.#heaps = Array.from({ length: options.partitions }, () => new TimerHeap());
    this.#horizonMs = options.horizonMs;
  }

  /** True when the entry was put into the heap. */
  set(key: string, partition: number, time: number): boolean {
    if (time >= this.#horizon) return false;
    this.#heapOf(partition).push(time, key);
    return true;
  }

  /** Key of the next entry that is due at `clock`, or null. */
  next(partition: number, clock: number): string | null {
    const heap = this.#heapOf(partition);
    const time = heap.peek();
    return time === null || time > clock ? null : heap.pop();
  }

  /** Earliest entry of a partition inside the horizon. */
  earliest(partition: number): number | null {
    return this.#heapOf(partition).peek();
  }

  /** Entries of the store's index before this time are in the heaps. */
  get horizon(): number {
    return this.#horizon;
  }

  needsMore(clock: number): boolean {
    return clock >= this.#horizon;
  }

  /** Loads what is due up to `clock` plus the horizon; `unsaved` are timers that the store does not know yet. */
  extend(clock: number, unsaved: Iterable<readonly [key: string, time: number]>): void {
    const [from, to] = [this.#horizon, clock + this.#horizonMs];
    this.#horizon = to;
    for (const [entry] of this.#store.scan("timer", { from: hexTime(from), to: hexTime(to) })) {
      const key = entry.slice(entry.indexOf("/") + 1);
      this.#heapOf(this.#partitionOf(key)).push(Number.parseInt(entry, 16), key);
    }
    for (const [key, time] of unsaved)
      if (time >= from && time < to) this.#heapOf(this.#partitionOf(key)).push(time, key);
  }

  #heapOf(partition: number): TimerHeap {
    const heap = this.#heaps[partition];
    if (heap === undefined) throw new Error(`partition ${partition} does not exist`);
    return heap;
  }
}

export interface TimersOptions {
  readonly partitions: number;
  readonly horizonMs: number;
  partitionOf(key: string): number;
}
