/** Every limit of the queue. Units are in the names; those of the server are in `protocol`. */
export interface QueueLimits {
  /** An event waits this long for others to share its request. */
  readonly lingerMs: number;
  /** Events in one request. So many are sent at once. */
  readonly batchEventsMax: number;
  /** Text of the events of one request, in bytes of UTF-8. One event may always go alone. */
  readonly batchBytesMax: number;
  /** One event as JSON. The server refuses a larger one, so it is not even taken. */
  readonly eventBytesMax: number;
  /** Requests that are open at once. */
  readonly openMax: number;
  /** Events that wait or are in open requests; the oldest make room. */
  readonly eventsMax: number;
  readonly bytesMax: number;
  /** The wait after the first failure. It doubles with each that follows. */
  readonly retryMsMin: number;
  readonly retryMsMax: number;
  /** The longest `Retry-After` that is believed: nobody's events wait for hours because of one answer. */
  readonly retryAfterMsMax: number;
}

/** What both shells begin with. */
export const sharedLimits = {
  lingerMs: 500,
  batchEventsMax: 50,
  eventBytesMax: 32 * 1024,
  openMax: 1,
  retryMsMin: 500,
  retryMsMax: 60_000,
  retryAfterMsMax: 300_000,
};
