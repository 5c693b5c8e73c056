/** Every limit that a client can meet, with its reason. Units are in the names. */
export const limits = {
  /** Inflated size of a request body. Real batches end at 500 KB; twice that leaves room for wrong counters. */
  bodyBytesMax: 1024 * 1024,
  /** One event as JSON. Segment's own limit; past it that event is rejected alone. */
  eventBytesMax: 32 * 1024,
  /** Events in one request. 1 MiB of the smallest possible events stays below it. */
  batchEventsMax: 10_000,
  /** Schemas that the messages of one body may be of: each may have to be asked for. */
  bodySchemasMax: 64,
  /** The values of one body of messages as JSON: what is written as a byte may stand for a long text of its schema. */
  bodyDecodedCharsMax: 16 * 1024 * 1024,
  /**
   * Context and integrations of a batch, times its events: each event is stored with them. 1 KiB for each of the
   * most events fits.
   */
  batchSharedCharsMax: 16 * 1024 * 1024,
  /** A dead letter keeps an event of up to this many characters of JSON whole, and that much of a larger one. */
  deadLetterCharsMax: 256 * 1024,
  /** Levels of objects and arrays inside one event: protects every later walk over it. */
  eventDepthMax: 32,
  /** Length of a user id, anonymous id, message id or event name, in UTF-16 units. */
  identifierCharsMax: 512,
  /** Event times before this are refused as wrong clocks: 2000-01-01. */
  eventTimeMsMin: 946_684_800_000,
  /** Clock skew below this is not corrected: it is network delay, not a wrong clock. */
  clockSkewMsDeadBand: 5 * 60 * 1000,
  /** Length of a pixel's query. Mail clients and proxies cut addresses well below it. */
  pixelQueryCharsMax: 8 * 1024,
  /** Length of a socket's stream id: with sequence and place it makes a message id. */
  socketStreamCharsMax: 128,
  /** Messages of one socket that are not acknowledged yet; past it the server stops reading. */
  socketWindowMessages: 256,
  /** Age of a signed delivery, and how far its clock may be ahead: the time in which it could be replayed. */
  hookToleranceSeconds: 300,
  /** Longest wait of a read that carries a receipt. */
  atLeastWaitMsMax: 2000,
  /** Receipts that one read may carry. */
  receiptsMax: 64,
  /** Placements that one decision request may ask for. */
  placementsMax: 32,
  /** Ids are told apart over this much log time. */
  deduplicationWindowMs: 7 * 24 * 60 * 60 * 1000,
} as const;
