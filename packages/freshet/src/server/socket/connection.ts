import { FreshetError, limits as wire } from "@freshet/protocol";
import type { RawData, WebSocket } from "ws";
import {
  type Accepted,
  acceptEvents,
  requireOrigin,
  type Source,
  sourceOfKey,
} from "../../accept/index.ts";
import type { ServerContext } from "../context.ts";
import { toFreshetError } from "../error.ts";
import {
  ackFrame,
  closeCodeOf,
  errorFrame,
  type Hello,
  type Message,
  readHello,
  readMessage,
  welcomeFrame,
  wrong,
} from "./frame.ts";
import { Inbox } from "./inbox.ts";
import type { Stream, Streams } from "./streams.ts";

export interface ConnectionOptions {
  readonly server: ServerContext;
  readonly streams: Streams;
  /** Known where the key came with the upgrade. */
  readonly source: Source | undefined;
  readonly remoteAddress: string;
  readonly origin: string | undefined;
  /** Of the request that opened it. */
  readonly userAgent: string | undefined;
  readonly identityToken: string | undefined;
  readonly onClosed: () => void;
}

/**
 * One socket: ordered, acknowledged, resumable.
 *
 * - K1 a message is acknowledged after the log has it on disk (P1), in the order of `seq`.
 * - K2 one append is under way at a time; what comes meanwhile goes into the next one together. So the log has the
 *   order of `seq` even where an append fails: nothing behind it was begun.
 * - K3 past `socketWindowMessages` or `socketBytesMax` that wait, or while the gate is full, the socket is not read.
 *   All that waits is counted by the gate, a large message from its first part.
 * - K4 a stream has one connection: a newer one takes over when the older one's append has ended.
 * - K5 a client that answers no ping, says no hello or reads no answer is let go.
 */
export class Connection {
  readonly #socket: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #inbox: Inbox;
  #phase: "greeting" | "joining" | "open" | "ending" = "greeting";
  #session: Session | undefined;
  #lastSeq: number | null = null;
  #pumping: Promise<void> | null = null;
  #isPaused = false;
  #isAnswering = true;
  #cancelTimer: () => void = () => {};

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    const { gate, limits } = options.server;
    this.#inbox = new Inbox(gate, limits.socketBytesMax);
  }

  open(): void {
    const { limits, clock } = this.#options.server;
    this.#socket
      .on("message", (data, isBinary) => this.#receive(data, isBinary))
      .on("pong", () => {
        this.#isAnswering = true;
      })
      // What is wrong with a frame as such, `ws` answers itself: 1002, 1007, 1009.
      .on("error", () => {})
      .on("close", () => this.#closed());
    this.#cancelTimer = clock.after(limits.socketHelloMsMax, () =>
      this.#end(new FreshetError("requestTimeout", "the hello did not come in time")),
    );
  }

  /** Bytes as the connection gets them, before they are a message (K3). */
  countPart(bytes: number): void {
    if (this.#phase === "ending") return;
    try {
      this.#inbox.countPart(bytes);
    } catch (error) {
      this.#end(error);
    }
  }

  /** Nothing new is begun; resolves when the append under way has ended, with its messages acknowledged. */
  async finish(error: FreshetError): Promise<void> {
    if (this.#phase !== "ending") this.#socket.pause();
    this.#phase = "ending";
    await this.#pumping;
    this.#goodbye(error);
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#isAnswering = true;
    this.#inbox.endPart();
    if (this.#phase === "ending") return;
    try {
      if (isBinary) throw wrong("frames should be text, but one came as binary");
      // The default binary type gives every message as one buffer.
      const bytes = data as Buffer;
      if (this.#phase === "greeting") {
        this.#phase = "joining";
        this.#greet(bytes).catch((error: unknown) => this.#end(error));
        return;
      }
      this.#inbox.push(bytes);
      this.#pauseOrResume();
      this.#pump();
    } catch (error) {
      this.#end(error);
    }
  }

  async #greet(bytes: Buffer): Promise<void> {
    const { server, streams, origin } = this.#options;
    const hello = readHello(bytes);
    const source = this.#options.source ?? sourceOfKey(hello.writeKey, server.sources);
    requireOrigin(source, origin);
    const stream = await streams.join(source.name, hello.stream, this);
    if (this.#phase !== "joining") return stream.leave(this);
    this.#phase = "open";
    this.#session = { source, hello, stream };
    this.#cancelTimer();
    this.#schedulePing();
    this.#socket.send(welcomeFrame({ stream: hello.stream, acknowledged: stream.acknowledged }));
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping !== null || this.#phase !== "open") return;
    this.#pumping = this.#run()
      .catch((error: unknown) => this.#end(error))
      .finally(() => {
        this.#pumping = null;
        if (!this.#inbox.isEmpty) this.#pump();
      });
  }

  async #run(): Promise<void> {
    while (!this.#inbox.isEmpty && this.#phase === "open") {
      await this.#room();
      if (this.#phase !== "open") return;
      const { taken, bytes, failure } = this.#take();
      try {
        await this.#keep(taken);
      } finally {
        this.#inbox.release(bytes);
        this.#pauseOrResume();
      }
      if (failure !== undefined) return this.#end(failure.error, failure.seq);
      await this.#flushed();
    }
  }

  /** Held back like every request, but never refused: what is not read waits at the client (K3). */
  async #room(): Promise<void> {
    const { gate, clock } = this.#options.server;
    while (this.#phase === "open") {
      try {
        return await gate.hold();
      } catch {
        await new Promise<void>((resolve) => clock.after(roomPollMs, resolve));
      }
    }
  }

  /** As many as fit one append; a message that cannot be kept ends the connection after those before it. */
  #take(): Taken {
    const taken: Kept[] = [];
    let bytes = 0;
    let events = 0;
    while (events <= wire.batchEventsMax) {
      const next = this.#inbox.shift(wire.bodyBytesMax - bytes);
      if (next === undefined) break;
      bytes += next.length;
      let seq: number | undefined;
      try {
        const message = readMessage(next, this.#lastSeq);
        seq = message.seq;
        taken.push({ seq, accepted: this.#accept(message) });
        this.#lastSeq = seq;
        events += message.events.length;
      } catch (error) {
        return { taken, bytes, failure: { error, seq } };
      }
    }
    return { taken, bytes, failure: undefined };
  }

  #accept({ seq, events, context, sentAt, surrogatesPossible }: Message): Accepted {
    const { server, remoteAddress, userAgent, identityToken } = this.#options;
    const { source, hello } = this.#greeted();
    return acceptEvents(
      {
        shape: hello.shape === "segment" ? "segment-batch" : "native",
        events,
        source,
        remoteAddress,
        userAgent,
        ...(identityToken === undefined ? {} : { identityToken }),
        surrogatesPossible,
        idBase: `${hello.stream}:${seq}`,
        ...(context === undefined ? {} : { context }),
        ...(sentAt === undefined ? {} : { sentAt }),
      },
      server.acceptState.context(),
    );
  }

  async #keep(taken: readonly Kept[]): Promise<void> {
    if (taken.length === 0) return;
    const records = taken.flatMap(({ accepted }) => accepted.records);
    const receipt = await this.#options.server.engine.append(records);
    const { stream } = this.#greeted();
    for (const { seq, accepted } of taken) {
      stream.acknowledged = Math.max(stream.acknowledged, seq);
      this.#socket.send(ackFrame({ seq, receipt, ...accepted }));
    }
  }

  /** Answers that the client does not read hold up its next messages, and in the end its connection. */
  async #flushed(): Promise<void> {
    const { clock, limits } = this.#options.server;
    const until = clock.now() + limits.socketFlushMsMax;
    while (this.#phase === "open" && this.#socket.bufferedAmount > unsentBytesMax) {
      if (clock.now() > until) return this.#socket.terminate();
      await new Promise<void>((resolve) => clock.after(flushPollMs, resolve));
    }
  }

  /** Only an open connection begins anything, and it is open once it has this. */
  #greeted(): Session {
    if (this.#session === undefined) throw new Error("the connection has not been greeted");
    return this.#session;
  }

  #pauseOrResume(): void {
    const { isFull } = this.#inbox;
    if (isFull === this.#isPaused || this.#phase === "ending") return;
    this.#isPaused = isFull;
    if (isFull) this.#socket.pause();
    else this.#socket.resume();
  }

  #schedulePing(): void {
    const { clock, limits } = this.#options.server;
    this.#cancelTimer = clock.after(limits.socketPingMs, () => {
      // Behind a pause of ours the answer waits unread.
      if (!this.#isAnswering && !this.#isPaused) return this.#socket.terminate();
      this.#isAnswering = false;
      this.#socket.ping();
      this.#schedulePing();
    });
  }

  #end(thrown: unknown, seq?: number): void {
    const { logger, randomId } = this.#options.server;
    this.#phase = "ending";
    this.#goodbye(toFreshetError(thrown, logger, randomId), seq);
  }

  /**
   * Says why, and closes. What was not begun was not acknowledged: the client has it still. What comes now is read and
   * forgotten until the client has closed too.
   */
  #goodbye(error: FreshetError, seq?: number): void {
    this.#inbox.clear();
    const { clock, limits } = this.#options.server;
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#cancelTimer();
    this.#socket.resume();
    this.#socket.send(errorFrame(error, seq));
    this.#socket.close(closeCodeOf(error), error.code);
    this.#cancelTimer = clock.after(limits.socketCloseMsMax, () => this.#socket.terminate());
  }

  #closed(): void {
    this.#phase = "ending";
    this.#cancelTimer();
    this.#inbox.clear();
    this.#session?.stream.leave(this);
    this.#options.onClosed();
  }
}

interface Session {
  readonly source: Source;
  readonly hello: Hello;
  readonly stream: Stream;
}

interface Kept {
  readonly seq: number;
  readonly accepted: Accepted;
}

interface Taken {
  readonly taken: readonly Kept[];
  readonly bytes: number;
  /** Of the message after them, which cannot be kept. */
  readonly failure: { readonly error: unknown; readonly seq: number | undefined } | undefined;
}

const unsentBytesMax = 256 * 1024;
const flushPollMs = 5;
/** After the gate has given up on this socket's wait, which was long enough. */
const roomPollMs = 250;
