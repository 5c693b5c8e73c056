/** How hard the dispatcher tries, and when it gives up. */
export interface DispatchLimits {
  /** Sends of one destination that run at once. */
  readonly concurrencyMax: number;
  /** A send that has not settled by then is cancelled and counts as failed. Above any sink's own limit. */
  readonly sendMsMax: number;
  /** Delay before the n-th retry: random, below `retryMs * 2^(n-1)`, at most `retryMsMax`. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** Longest pause that a destination can ask for. */
  readonly pauseMsMax: number;
  /** A failed effect is abandoned at this age, counted from when it began to wait. */
  readonly ageMsMax: number;
  /** And after this many attempts of one process. */
  readonly attemptsMax: number;
  /** Failures in a row that open the breaker. */
  readonly breakerFailures: number;
  /** An open breaker lets one send try after this time. */
  readonly breakerMs: number;
  /** How long `stop` lets sends under way finish. */
  readonly stopMsMax: number;
}

export const dispatchLimits: DispatchLimits = {
  concurrencyMax: 10,
  sendMsMax: 30_000,
  retryMs: 1000,
  // With the mean at half of it, a destination that is down for a day sees each effect about 290 times.
  retryMsMax: 600_000,
  // A mistaken header must not silence a destination for good.
  pauseMsMax: 3_600_000,
  ageMsMax: 24 * 3_600_000,
  // The age comes first, unless delays are set shorter.
  attemptsMax: 1000,
  breakerFailures: 5,
  breakerMs: 30_000,
  stopMsMax: 10_000,
};

/**
 * Delay before the next attempt, in whole milliseconds: exponential with full jitter.
 * Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function retryDelayMs(
  attempts: number,
  limits: Pick<DispatchLimits, "retryMs" | "retryMsMax">,
  random: () => number,
): number {
  return Math.floor(random() * Math.min(limits.retryMsMax, limits.retryMs * 2 ** (attempts - 1)));
}
