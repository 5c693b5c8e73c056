import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { FreshetError, limits } from "@freshet/protocol";
import { WebSocketServer } from "ws";
import type { ServerContext } from "../context.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { Streams } from "./streams.ts";

/** A connection whose client asked for another protocol. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What came behind the request's head already. */
  readonly head: Buffer;
}

export type SocketClient = Pick<
  ConnectionOptions,
  "source" | "remoteAddress" | "origin" | "userAgent" | "identityToken"
>;

/** Open sockets of capture. */
export class SocketHub {
  readonly #connections = new Set<Connection>();
  readonly #streams: Streams;
  readonly #socketsMax: number;
  #isClosed = false;
  /** Compression is off: what one client could make of a few bytes would be counted too late. */
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.bodyBytesMax,
  });

  constructor(options: { readonly socketsMax: number; readonly socketStreamsMax: number }) {
    this.#socketsMax = options.socketsMax;
    this.#streams = new Streams(options.socketStreamsMax);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Throws where no more can be served. To be called before anything is answered. */
  admit(): void {
    if (this.#isClosed) throw new FreshetError("shuttingDown", "the server is stopping");
    const { size } = this.#connections;
    if (size >= this.#socketsMax)
      throw new FreshetError("overloaded", `${size} sockets are open, which is the limit`);
  }

  /** Takes over a connection; what is wrong with its handshake, `ws` answers. */
  connect(upgrade: Upgrade, server: ServerContext, client: SocketClient): void {
    const { request, socket, head } = upgrade;
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new Connection(webSocket, {
        server,
        streams: this.#streams,
        ...client,
        onClosed: () => this.#connections.delete(connection),
      });
      this.#connections.add(connection);
      // Before the reader's own, so that a message that ends in this part is counted with it.
      socket.prependListener("data", (chunk: Buffer) => connection.countPart(chunk.length));
      connection.open();
      if (this.#isClosed) void connection.finish(stopping());
    });
  }

  /** What is under way is acknowledged, then all are told to connect again, to another process. */
  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#connections]) void connection.finish(stopping());
  }
}

function stopping(): FreshetError {
  return new FreshetError("shuttingDown", "the server is stopping");
}
