import { FreshetError } from "@freshet/protocol";
import type { Clock } from "../engine/port/clock.ts";
import type { ServerLimits } from "./limits.ts";

/**
 * Back-pressure: what the machine cannot take now waits in its sockets, and is refused only after that.
 *
 * - B1 the bodies of requests take at most `requestBytesEnd`, whoever sends them and however slowly.
 * - B2 past `requestBytesMax` or `eventsInFlightMax` a request waits before its body is read, in order of arrival.
 * - B3 a wait ends after `holdMsMax`, and at most `requestsHeldMax` wait; the others are told to come later.
 */
export class Gate {
  readonly #limits: ServerLimits;
  readonly #clock: Clock;
  readonly #eventsInFlight: () => number;
  #bytes = 0;
  #held: Held[] = [];
  #isPolling = false;

  constructor(options: {
    readonly limits: ServerLimits;
    readonly clock: Clock;
    readonly eventsInFlight: () => number;
  }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#eventsInFlight = options.eventsInFlight;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get held(): number {
    return this.#held.length;
  }

  /** Resolves when there is room (B2); rejects with `overloaded` when there is none in time (B3). */
  async hold(): Promise<void> {
    if (this.#held.length === 0 && this.#hasRoom()) return;
    if (this.#held.length >= this.#limits.requestsHeldMax)
      throw overloaded("too many requests wait");
    const until = this.#clock.now() + this.#limits.holdMsMax;
    const admitted = new Promise<void>((resolve, reject) => {
      this.#held.push({ until, resolve, reject });
    });
    this.#poll();
    await admitted;
  }

  /** Counts bytes of a body as they come (B1). */
  charge(bytes: number): void {
    if (this.#bytes + bytes > this.#limits.requestBytesEnd)
      throw overloaded("memory for requests is full");
    this.#bytes += bytes;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }

  #hasRoom(): boolean {
    return (
      this.#bytes < this.#limits.requestBytesMax &&
      this.#eventsInFlight() < this.#limits.eventsInFlightMax
    );
  }

  #poll(): void {
    if (this.#isPolling) return;
    this.#isPolling = true;
    this.#clock.after(pollMs, () => {
      this.#isPolling = false;
      this.#admit();
      if (this.#held.length > 0) this.#poll();
    });
  }

  /** A few at a time: what they bring is only counted once they read it. */
  #admit(): void {
    if (this.#hasRoom()) for (const held of this.#held.splice(0, admittedMax)) held.resolve();
    const now = this.#clock.now();
    while (this.#held[0] !== undefined && this.#held[0].until <= now) {
      this.#held.shift()?.reject(overloaded("there was no room in time"));
    }
  }
}

const pollMs = 10;
const admittedMax = 32;

interface Held {
  readonly until: number;
  readonly resolve: () => void;
  readonly reject: (error: FreshetError) => void;
}

function overloaded(why: string): FreshetError {
  return new FreshetError("overloaded", `the server takes no more at the moment: ${why}`);
}
