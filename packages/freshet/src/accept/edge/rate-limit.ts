import { FreshetError } from "@freshet/protocol";
import { edgeLimits } from "./limits.ts";
import type { RateLimitPolicy } from "./policy.ts";

/** Events come back with time, up to `burst`. */
export interface BucketOptions {
  readonly eventsPerSecond: number;
  readonly burst?: number | undefined;
}

/** Thousandths of events: a rate in events a second is a whole number of them a millisecond, and sums stay exact. */
interface Bucket {
  tokens: number;
  /** When `tokens` held, in milliseconds since 1970. */
  at: number;
}

/**
 * Token buckets, one for each key.
 *
 * - R1 over any time `t` a key takes at most `burst + rate * t` tokens, plus what one request takes beyond `burst`.
 * - R2 a request of more events than `burst` passes when the bucket is full, and leaves it in debt: it could not pass
 *   otherwise, and clients do not split what they send.
 * - R3 a refused request takes nothing, so that trying again does not make the wait longer.
 * - R4 at most `bucketsMax` keys are remembered; the one used longest ago is forgotten first, and begins full again.
 */
export class TokenBuckets {
  readonly #rate: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, Bucket>();
  readonly #countMax: number;

  constructor(options: BucketOptions, countMax: number = edgeLimits.bucketsMax) {
    this.#rate = options.eventsPerSecond;
    this.#burst =
      thousandths * (options.burst ?? Math.max(1, options.eventsPerSecond * burstSecondsDefault));
    this.#countMax = countMax;
  }

  /** 0 when there is room for so many events, else the milliseconds until there is. Takes nothing (R3). */
  waitMs(key: string, events: number, now: number): number {
    const missing = Math.min(events * thousandths, this.#burst) - this.#fill(key, now).tokens;
    return missing <= 0 ? 0 : Math.ceil(missing / this.#rate);
  }

  take(key: string, events: number, now: number): void {
    const bucket = this.#fill(key, now);
    bucket.tokens -= events * thousandths;
    // Asked for again means used last (R4).
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#countMax) this.#forgetOldest();
  }

  get size(): number {
    return this.#buckets.size;
  }

  #fill(key: string, now: number): Bucket {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return { tokens: this.#burst, at: now };
    // A clock that was set back gives nothing and takes nothing.
    const elapsed = Math.max(0, now - bucket.at);
    bucket.tokens = Math.min(this.#burst, bucket.tokens + elapsed * this.#rate);
    bucket.at = now;
    return bucket;
  }

  #forgetOldest(): void {
    for (const key of this.#buckets.keys()) {
      this.#buckets.delete(key);
      return;
    }
  }
}

const thousandths = 1000;
const burstSecondsDefault = 10;

/** How much a source and each address may send. */
export interface RateGate {
  /** Throws `rateLimited` where there is no room for the request; takes nothing. */
  check(request: RateRequest): void;
  /** Throws `rateLimited` where there is no room, and takes what the request needs otherwise. */
  take(request: RateRequest): void;
}

export interface RateRequest {
  readonly events: number;
  /** Address of the connection. */
  readonly address: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Both buckets must have room; nothing is taken from either otherwise (R3). */
export function createRateGate(policy: RateLimitPolicy, source: string): RateGate {
  const whole = new TokenBuckets(policy, 1);
  const single = policy.perAddress === undefined ? undefined : new TokenBuckets(policy.perAddress);
  const check = ({ events, address, now }: RateRequest) => {
    const sourceMs = whole.waitMs("", events, now);
    const addressMs = address === undefined ? 0 : (single?.waitMs(address, events, now) ?? 0);
    if (sourceMs > 0 || addressMs > 0) throw tooFast(source, sourceMs, addressMs);
  };
  return {
    check,
    take(request) {
      const { events, address, now } = request;
      check(request);
      whole.take("", events, now);
      if (address !== undefined) single?.take(address, events, now);
    },
  };
}

function tooFast(source: string, sourceMs: number, addressMs: number): FreshetError {
  const who = addressMs > sourceMs ? "this address" : "this source";
  const retryAfterSeconds = Math.max(1, Math.ceil(Math.max(sourceMs, addressMs) / 1000));
  const message = `${who} sends more events than "${source}" allows; wait ${retryAfterSeconds} s`;
  return new FreshetError("rateLimited", message, { retryAfterSeconds });
}
