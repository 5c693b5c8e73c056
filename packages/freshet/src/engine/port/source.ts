/**
 * The source port: brings messages of a system that keeps each until it is told that it is safe elsewhere (a broker of
 * MQTT, a topic of Kafka, a stream of Kinesis). Called by the feed alone, which turns messages into records, appends
 * them to the log and acknowledges what is on disk.
 *
 * - R1 `start` is called once and resolves when the source works by itself: connected, or trying to be. It rejects with
 *   SourceConfigError where it could never work; the process then does not start.
 * - R2 Messages are handed over one by one, in the order of the system. `receive` returns at once and never throws.
 * - R3 A source acknowledges nothing by itself. `acknowledge` is called at most once for each message, in the order in
 *   which they were received, after the log has on disk what became of it (events, or a dead letter). From then on
 *   the system may forget it; until then it brings it again after a crash, a lost connection or a stop.
 * - R4 At most `inFlightMax` messages and about `inFlightBytesMax` bytes are handed over and not acknowledged. Past
 *   that the source stops reading, so that what waits, waits in the system. A feed that cannot append (the disk is
 *   full) does not acknowledge, tries again, and so holds the source.
 * - R5 What the world does is no error: the source connects again by itself after growing pauses, for ever, and tells
 *   `problem` once each time it goes wrong. An acknowledgement for a connection that is gone is dropped: the message
 *   comes again, under the same id.
 * - R6 `id` is the same each time the same message comes, as far as the system lets it be told, and never that of
 *   another message; null where messages come once at most. It is at most 100 characters long.
 * - R7 After `stop` resolved nothing is handed over; acknowledgements for what was before still go out. `close` lets
 *   go of the connection and is called after the last acknowledgement; what was not acknowledged stays in the system.
 *   Both may be called twice, and before `start`.
 */
export interface Source {
  /** As configuration, metrics and logs name it. */
  readonly name: string;
  start(receiver: SourceReceiver): Promise<void>;
  status(): SourceStatus;
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** The feed's side: where a source hands messages over. */
export interface SourceReceiver {
  receive(message: SourceMessage): void;
  /** For the log of the process: what went wrong, without any secret. */
  problem(message: string): void;
}

/** One message as the system has it. The feed reads its payload. */
export interface SourceMessage {
  /** Where it was published: topic, stream. */
  readonly topic: string;
  readonly payload: Uint8Array;
  /** R6. */
  readonly id: string | null;
  /** R3. Never throws. */
  acknowledge(): void;
}

/** What a source has done since it was started. */
export interface SourceStatus {
  readonly isConnected: boolean;
  /** Handed over, those that came again among them. */
  readonly received: number;
  readonly acknowledged: number;
  /** Handed over and neither acknowledged nor given back with their connection. */
  readonly inFlight: number;
  /** Not handed over, as the configuration wants it: retained messages, messages that say nothing. */
  readonly ignored: number;
  /** Connections after the first one. */
  readonly reconnects: number;
}

/** A source cannot be made from what the configuration says. `message` names the source, never a secret. */
export class SourceConfigError extends Error {
  readonly code = "sourceConfig";
  readonly retryable = false;
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = "SourceConfigError";
    this.hint = hint;
  }
}
