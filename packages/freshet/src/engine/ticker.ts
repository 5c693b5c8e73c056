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
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.after(this.#options.limits.tickMs, () => {
      void this.#tick().finally(() => this.start());
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #tick(): Promise<void> {
    const { clock, log, listener } = this.#options;
    const { timers, state } = this.#parts;
    const now = clock.now();
    if (timers.needsMore(now)) timers.extend(now, state.dirtyTimers());
    const due = this.#parts.partitions.filter((partition) => this.#isDue(partition, now));
    if (due.length === 0 || this.#stopped) return;
    try {
      await log.append(due.map(({ index }) => ({ kind: "tick", partition: index, at: now })));
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
