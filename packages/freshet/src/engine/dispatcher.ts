import type { SendEffect } from "../core/effect.ts";
import type { AbandonedEffect } from "./dispatcher-abandoned.ts";
import { type ActivationAlert, type DestinationStatus, Lane } from "./dispatcher-lane.ts";
import { type DispatchLimits, dispatchLimits } from "./dispatcher-limits.ts";
import type { Outbox } from "./outbox.ts";
import type { Clock } from "./port/clock.ts";
import type { Sink } from "./port/sink.ts";

export interface DispatcherOptions {
  readonly outbox: Outbox;
  /** One for each destination, by its name. They stay the caller's: close them after `stop`. */
  readonly sinks: readonly Sink[];
  readonly clock: Clock;
  /** 0 (included) to 1 (excluded): spreads retries. */
  readonly random: () => number;
  readonly alert: (name: ActivationAlert, message: string) => void;
  readonly limits?: Partial<DispatchLimits>;
  /** Asked when an effect leaves: why it must not, by the profile's consent of now; null lets it go. */
  readonly withhold?: (effect: SendEffect) => string | null;
}

/**
 * Takes effects from the outbox to their destinations, in one isolated queue each (`Lane`).
 *
 * Boundary: it sends what checkpoints hold and nothing else. A replay, dry run, backfill or import makes an outbox
 * like any other and never starts a dispatcher over it. Stop it before the engine closes, so that the last
 * checkpoint holds what was delivered.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #unknown = new Set<string>();
  #state: "new" | "running" | "stopped" = "new";

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { outbox, clock, random, alert } = options;
    const limits = { ...dispatchLimits, ...options.limits };
    const withhold = options.withhold ?? (() => null);
    for (const sink of options.sinks) {
      if (this.#lanes.has(sink.name)) throw new Error(`two sinks are named "${sink.name}"`);
      this.#lanes.set(
        sink.name,
        new Lane(sink, { outbox, clock, random, alert, limits, withhold }),
      );
    }
  }

  start(): void {
    if (this.#state !== "new") throw new Error("a dispatcher starts once");
    this.#state = "running";
    this.#options.outbox.onReady((destination) => this.#wake(destination));
    for (const destination of this.#options.outbox.destinations()) this.#wake(destination);
  }

  /** Takes nothing more; sends under way may finish within `stopMsMax`, then they are cancelled and wait on. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    await Promise.all([...this.#lanes.values()].map((lane) => lane.stop()));
  }

  /** Every destination that is configured or has effects waiting. */
  status(): DestinationStatus[] {
    const known = [...this.#lanes.values()].map((lane) => lane.status());
    const { outbox, clock } = this.#options;
    const unknown = outbox.destinations().filter((destination) => !this.#lanes.has(destination));
    return [
      ...known,
      ...unknown.map((destination): DestinationStatus => {
        const oldest = outbox.peek(destination);
        return {
          ...nothingSent,
          destination,
          waiting: outbox.waiting(destination),
          oldestMs: oldest === null ? null : Math.max(0, clock.now() - oldest.since),
        };
      }),
    ];
  }

  /** Effects that no destination took, newest first. */
  deadEffects(limit: number): AbandonedEffect[] {
    return this.#options.outbox.listAbandoned(limit);
  }

  /** Sends an abandoned effect again, with the same id, after the next checkpoint. False where there is none. */
  retryAbandoned(id: string): boolean {
    return this.#options.outbox.retryAbandoned(id, this.#options.clock.now());
  }

  #wake(destination: string): void {
    if (this.#state !== "running") return;
    const lane = this.#lanes.get(destination);
    lane?.pump();
    if (lane !== undefined || this.#unknown.has(destination)) return;
    this.#unknown.add(destination);
    this.#options.alert(
      "destinationUnknown",
      `the plan sends to destination "${destination}", which the configuration does not have: its effects wait`,
    );
  }
}

const nothingSent = {
  condition: "unknown",
  breaker: "closed",
  inFlight: 0,
  delivered: 0,
  retried: 0,
  abandoned: 0,
  lastError: null,
} as const;
