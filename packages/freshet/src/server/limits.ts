/** Limits of one server that depend on its machine; what a client must know is in `protocol`. */
export interface ServerLimits {
  /** Request bodies held in memory; past it requests wait unread (spill before shed). */
  readonly requestBytesMax: number;
  /** Past this even bodies that are being read are refused: the end of memory for requests. */
  readonly requestBytesEnd: number;
  /** Events on disk that are not reduced yet; past it capture waits, so that the queue stays in memory. */
  readonly eventsInFlightMax: number;
  /** Longest wait of a held request. Half of the 10 s after which node's SDK sends again. */
  readonly holdMsMax: number;
  /** Requests that may be held; each costs its head and a socket. */
  readonly requestsHeldMax: number;
  /** Time for the head of a request: what a slow client can occupy a socket with. */
  readonly headersTimeoutMs: number;
  /** Time for the whole request, held time included; a 1 MiB body at 300 kbit/s. */
  readonly requestTimeoutMs: number;
  /** Silence after which a socket is closed; above the heartbeat of streams. */
  readonly connectionTimeoutMs: number;
  /** Above the 60 s of common load balancers, which must be the ones to close first. */
  readonly keepAliveTimeoutMs: number;
  readonly connectionsMax: number;
  /** Bytes of all headers of one request; a 512-character id and a token fit many times. */
  readonly headerBytesMax: number;
  /** After an early refusal the rest of the body is thrown away this long, so that the client reads the answer. */
  readonly lingerMs: number;
  /** Time for requests under way when the server closes; orchestrators kill after 30 s, and a checkpoint follows. */
  readonly drainMsMax: number;
  readonly streamsMax: number;
  /** Unsent bytes of one stream; a reader that is further behind is cut and comes again. */
  readonly streamBytesMax: number;
  readonly streamHeartbeatMs: number;
  /** Profile changes of one stream are gathered this long. */
  readonly streamGatherMs: number;
  /** What a page waits before it connects again. */
  readonly streamRetryMs: number;
  /** Each may hold a message that is not complete: up to 128 KiB of it are not counted. */
  readonly socketsMax: number;
  /** Bytes of one socket's messages that wait; past it the socket is not read. */
  readonly socketBytesMax: number;
  /** Time for a hello: what a silent client can occupy a socket with. */
  readonly socketHelloMsMax: number;
  /** Time between pings, below the 60 s of common load balancers; who has not answered the last one is let go. */
  readonly socketPingMs: number;
  /** How long a client may leave its acknowledgements unread. */
  readonly socketFlushMsMax: number;
  /** Time for the client to close after it was told to. */
  readonly socketCloseMsMax: number;
  /** Streams whose last acknowledgement is remembered; nothing rests on it. */
  readonly socketStreamsMax: number;
  /** Schemas that are kept compiled: hundreds of subjects with some versions each that still come. */
  readonly schemasMax: number;
  /** Their texts together, with what they refer to; compiled they take some ten times as much. */
  readonly schemaCharsMax: number;
  /** How long an id is believed to be unknown: one that does not exist must not be asked for with every event. */
  readonly schemaUnknownMs: number;
  /** Longest wait of a request for its schemas: half of the 10 s after which clients send again. */
  readonly schemaWaitMsMax: number;
  /** Questions to the schema registry under way. */
  readonly schemaLookupsMax: number;
  /** Questions that wait for their turn; past it clients are told to come later. */
  readonly schemaLookupsWaitingMax: number;
  readonly tokenSecondsDefault: number;
  readonly tokenSecondsMax: number;
  /** Rows in one answer of a list. */
  readonly listRowsMax: number;
}

export const serverLimits: ServerLimits = {
  requestBytesMax: 128 * 1024 ** 2,
  requestBytesEnd: 256 * 1024 ** 2,
  eventsInFlightMax: 50_000,
  holdMsMax: 5000,
  requestsHeldMax: 2000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  connectionTimeoutMs: 60_000,
  keepAliveTimeoutMs: 72_000,
  connectionsMax: 20_000,
  headerBytesMax: 16 * 1024,
  lingerMs: 500,
  drainMsMax: 10_000,
  streamsMax: 5000,
  streamBytesMax: 256 * 1024,
  streamHeartbeatMs: 15_000,
  streamGatherMs: 50,
  streamRetryMs: 2000,
  socketsMax: 2000,
  socketBytesMax: 2 * 1024 ** 2,
  socketHelloMsMax: 10_000,
  socketPingMs: 25_000,
  socketFlushMsMax: 30_000,
  socketCloseMsMax: 1000,
  socketStreamsMax: 10_000,
  schemasMax: 1000,
  schemaCharsMax: 8 * 1024 * 1024,
  schemaUnknownMs: 1000,
  schemaWaitMsMax: 5000,
  schemaLookupsMax: 16,
  schemaLookupsWaitingMax: 1000,
  tokenSecondsDefault: 15 * 60,
  tokenSecondsMax: 24 * 3600,
  listRowsMax: 200,
};
