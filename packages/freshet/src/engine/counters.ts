/** Counts that are part of every checkpoint, so that they hold across restarts (DESIGN 2, "What counts"). */
export interface Counters {
  /** The ledger: received = applied + duplicate + rejected + in flight. */
  applied: number;
  duplicate: number;
  rejected: number;
  /** Among the applied ones: kept out by the plan. */
  filtered: number;
  /** Among the applied ones: refused before, corrected and sent again. */
  corrected: number;
  /** Among the rejected ones: the plan's own function threw. */
  failed: number;
  /** Records that the system wrote to itself; never part of the ledger. */
  selfApplied: number;
  selfDropped: number;
  timersFired: number;
  effectsSent: number;
  effectsPushed: number;
  segmentsEntered: number;
  segmentsLeft: number;
}

export function emptyCounters(): Counters {
  return {
    applied: 0,
    duplicate: 0,
    rejected: 0,
    filtered: 0,
    corrected: 0,
    failed: 0,
    selfApplied: 0,
    selfDropped: 0,
    timersFired: 0,
    effectsSent: 0,
    effectsPushed: 0,
    segmentsEntered: 0,
    segmentsLeft: 0,
  };
}

/** What `/metrics` and every check of conservation look at. */
export interface Ledger {
  readonly received: number;
  readonly applied: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly inFlight: number;
}
