import type { KeyedState } from "./keyed-state.ts";
import type { EngineOptions } from "./options.ts";
import type { Partition } from "./partition.ts";
import type { Timers } from "./timers.ts";

export interface TickerParts {
  readonly partitions: readonly Partition[];
  readonly timers: Timers;
  readonly state: KeyedState;
}

/**
 * Writes ticks: log records that move a partition's clock where nothing else does and a timer is due, and that send
 * what was gathered (DESIGN 3, rule 2). A tick that the log refuses is written again with the next round.
 *
 * Where much was gathered the ticks of a round are spread over it: a few hundred records at once would be some
 * milliseconds in which everybody else waits.
 */
export class Ticker {
  readonly #options: EngineOptions;
  readonly #parts: TickerParts;
  #cancel: () => void = () => {};
  #stopped = false;

  constructor(options: EngineOptions, parts: TickerParts) {
    this.#options = options;
    this.#parts = parts;
  }

  start(): void {
    this.#startAfter(this.#options.limits.tickMs);
  }

  #startAfter(delayMs: number): void {
    if (this.#stopped) return;
    const { clock, limits } = this.#options;
    this.#cancel = clock.after(delayMs, () => {
      const began = clock.now();
      void this.#tick().finally(() =>
        this.#startAfter(Math.max(1, limits.tickMs - (clock.now() - began))),
      );
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #tick(): Promise<void> {
    const { clock, limits } = this.#options;
    const { timers, state, partitions } = this.#parts;
    const now = clock.now();
    if (timers.needsMore(now)) timers.extend(now, state.dirtyTimers());
    const due = partitions.filter((partition) => this.#isDue(partition, now));
    if (due.length === 0) return;
    const gathered = due.reduce((sum, { gatheredCount }) => sum + gatheredCount, 0);
    if (gathered <= gatheredAtOnceMax) return this.#append(due, now);
    for (const [index, partition] of due.entries()) {
      if (index > 0) await this.#rest(limits.tickMs / due.length);
      if (this.#isDue(partition, clock.now())) await this.#append([partition], clock.now());
    }
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#cancel = this.#options.clock.after(ms, resolve);
    });
  }

  async #append(due: readonly Partition[], at: number): Promise<void> {
    const { log, listener } = this.#options;
    if (this.#stopped) return;
    try {
      await log.append(due.map(({ index }) => ({ kind: "tick", partition: index, at })));
    } catch (error) {
      listener.alert("logAppendFailed", String(error));
    }
  }

  #isDue(partition: Partition, now: number): boolean {
    if (partition.hasGathered) return true;
    const earliest = this.#parts.timers.earliest(partition.index);
    return earliest !== null && earliest <= now && partition.clock < now;
  }
}

/** Keys whose gathered items go out at once: they take about a millisecond. */
const gatheredAtOnceMax = 50;
