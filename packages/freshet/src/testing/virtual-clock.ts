import type { Clock } from "../engine/port/clock.ts";

/**
 * Time that stands still unless a test moves it. The same calls in the same order give the same run.
 *
 * - V1 what is due runs by (time, order in which it was asked for), one at a time.
 * - V2 between two of these every promise that can settle does, so that no result depends on how many turns of
 *   the event loop something takes. Nothing that runs on this clock may wait for real time or real I/O.
 * - V3 `yield` takes a small, whole share of a millisecond: who yields in a loop until something happens does
 *   not keep it from happening. `now` tells whole milliseconds all the same.
 */
export class VirtualClock implements Clock {
  #time: number;
  #sequence = 0;
  #heap: Entry[] = [];

  /** @param start milliseconds since 1970 */
  constructor(start = 1_790_000_000_000) {
    this.#time = start;
  }

  now(): number {
    return Math.floor(this.#time);
  }

  after(delayMs: number, callback: () => void): () => void {
    const entry: Entry = {
      time: this.#time + Math.max(0, delayMs),
      sequence: this.#sequence++,
      callback,
    };
    push(this.#heap, entry);
    return () => {
      entry.callback = null;
    };
  }

  yield(): Promise<void> {
    return new Promise((resolve) => this.after(yieldMs, resolve));
  }

  /** How many callbacks wait. */
  get waiting(): number {
    return this.#heap.filter((entry) => entry.callback !== null).length;
  }

  /** Runs everything that falls due within the next `ms`, and ends exactly there. */
  async advance(ms: number): Promise<void> {
    const end = this.now() + ms;
    await settle();
    while (await this.#runNext(end));
    this.#time = Math.max(this.#time, end);
  }

  /** Runs as much as it takes for `work` to settle, and hands its result on. */
  async run<Result>(work: Promise<Result>): Promise<Result> {
    let isSettled = false;
    const done = () => {
      isSettled = true;
    };
    work.then(done, done);
    await settle();
    while (!isSettled)
      if (!(await this.#runNext(Number.POSITIVE_INFINITY)))
        throw new Error("waiting for something that nothing on the virtual clock will do");
    return work;
  }

  /** The clock as one process sees it: with `kill`, everything that it waits for is gone, for good. */
  process(): VirtualProcess {
    return new VirtualProcess(this);
  }

  async #runNext(end: number): Promise<boolean> {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.time > end) return false;
      pop(this.#heap);
      const { callback } = next;
      if (callback === null) continue;
      this.#time = Math.max(this.#time, next.time);
      next.callback = null;
      callback();
      await settle();
      return true;
    }
  }
}

/** A clock whose timers end with the process that set them. */
export class VirtualProcess implements Clock {
  readonly #clock: VirtualClock;
  #isAlive = true;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#clock.after(delayMs, () => {
      if (this.#isAlive) callback();
    });
  }

  yield(): Promise<void> {
    return new Promise((resolve) => this.after(yieldMs, resolve));
  }

  kill(): void {
    this.#isAlive = false;
  }
}

/** A power of two, so that adding it up is exact. */
const yieldMs = 1 / 32;

/** A turn of the event loop comes only when no promise has anything left to do (V2). */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface Entry {
  readonly time: number;
  readonly sequence: number;
  callback: (() => void) | null;
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence);
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(entry, heap[parent] as Entry)) break;
    heap[at] = heap[parent] as Entry;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry))
      child++;
    if (!isBefore(heap[child] as Entry, last)) break;
    heap[at] = heap[child] as Entry;
    at = child;
  }
  heap[at] = last;
}
