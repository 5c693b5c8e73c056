/**
 * A circuit breaker as data: failures in a row open it; past `until`, one send at a time may try. Not the one of
 * `cockatiel`, which reads the machine's clock inside: simulation could not drive it, and a run could not be replayed.
 */
export type Breaker =
  | { readonly kind: "closed"; readonly failures: number }
  | { readonly kind: "open"; readonly until: number };

export const closedBreaker: Breaker = { kind: "closed", failures: 0 };

export interface BreakerLimits {
  readonly breakerFailures: number;
  readonly breakerMs: number;
}

/** A late failure of a send that began before it opened changes nothing. */
export function afterFailure(breaker: Breaker, now: number, limits: BreakerLimits): Breaker {
  switch (breaker.kind) {
    case "closed": {
      const failures = breaker.failures + 1;
      if (failures < limits.breakerFailures) return { kind: "closed", failures };
      return { kind: "open", until: now + limits.breakerMs };
    }
    case "open":
      return now < breaker.until ? breaker : { kind: "open", until: now + limits.breakerMs };
  }
}

/** How many sends may run at once. */
export function roomOf(breaker: Breaker, now: number, concurrencyMax: number): number {
  switch (breaker.kind) {
    case "closed":
      return concurrencyMax;
    case "open":
      return now < breaker.until ? 0 : 1;
  }
}
