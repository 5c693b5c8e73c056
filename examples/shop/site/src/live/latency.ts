/**
 * Measures from the visitor's hand to the change of the profile on this page: the click, the SDK,
 * the way in, the log, the reducer and the stream back.
 */
export interface LatencyMeter {
  /** An event leaves the page. */
  sent(): void;
  /** The profile changed; gives the milliseconds since the oldest event under way. */
  visible(): number | undefined;
  /** What is under way will not be seen here: another profile, or a silent stream. */
  drop(): void;
}

/** A click further back did not cause the event: a timer or an answer did. */
const CAUSE_MS_MAX = 250;
/** An event that was never seen again (refused, offline) must not spoil the next figure. */
const PENDING_MS_MAX = 10_000;

export function latencyMeter(): LatencyMeter {
  let clickedAt = Number.NEGATIVE_INFINITY;
  let pending: number | undefined;
  for (const kind of ["click", "submit"]) {
    window.addEventListener(kind, (event) => (clickedAt = event.timeStamp), { capture: true });
  }
  return {
    sent() {
      const now = performance.now();
      if (pending !== undefined && now - pending < PENDING_MS_MAX) return;
      pending = now - clickedAt < CAUSE_MS_MAX ? clickedAt : now;
      // One click is one cause: going back a moment later is not its doing.
      clickedAt = Number.NEGATIVE_INFINITY;
    },
    visible() {
      const since = pending;
      pending = undefined;
      const ms = since === undefined ? undefined : performance.now() - since;
      return ms !== undefined && ms < PENDING_MS_MAX ? ms : undefined;
    },
    drop() {
      pending = undefined;
    },
  };
}
