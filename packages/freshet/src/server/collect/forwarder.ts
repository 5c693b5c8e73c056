import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FreshetError } from "@freshet/protocol";
import { Pool } from "undici";
import { errorAnswer, retryHeaders } from "../error.ts";
import type { TrustProxy } from "../options.ts";
import { forwardedHeaders } from "./forwarded.ts";

export interface ForwarderOptions {
  /** Where the thread behind listens: a Unix socket, or a named pipe. */
  readonly socketPath: string;
  readonly trustProxy: TrustProxy;
}

/**
 * Hands requests on to the thread behind, as they came, and its answers back.
 *
 * - F1 neither body is gathered: both flow, and the slower side holds the other one up.
 * - F2 who goes away takes the other side with it: a page that closes its stream ends it behind as well.
 * - F3 nothing is sent twice: what the thread behind did not answer is the client's to repeat.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  /** No limits of its own: the listener in front and the thread behind have theirs. */
  readonly #pool: Pool;
  readonly #sockets = new Set<Duplex>();

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#pool = new Pool("http://behind", {
      socketPath: options.socketPath,
      connections: null,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  async request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const leave = new AbortController();
    response.once("close", () => leave.abort());
    try {
      const answer = await this.#pool.request({
        method: request.method as "GET",
        path: request.url ?? "/",
        headers: forwardedHeaders(request, { proxies: this.#options.trustProxy, upgrade: false }),
        body: hasBody(request) ? request : null,
        signal: leave.signal,
        responseHeaders: "raw",
      });
      response.writeHead(answer.statusCode, withoutConnection(answer.headers));
      // The head of a stream is not to wait for its first event.
      response.flushHeaders();
      await pipeline(answer.body, response);
    } catch {
      refuse(response);
    }
  }

  /** From here on bytes go both ways unread. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { socketPath, trustProxy: proxies } = this.#options;
    const behind = connect(socketPath);
    const headers = forwardedHeaders(request, { proxies, upgrade: true });
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
    behind.write(Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"));
    if (head.length > 0) behind.write(head);
    for (const [from, to] of [
      [socket, behind],
      [behind, socket],
    ] as const) {
      this.#sockets.add(from);
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }

  /** Connections that were upgraded end here; requests under way have been answered by now. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.#pool.destroy();
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Raw headers as undici gives them: names and values in turns, as bytes. */
function withoutConnection(raw: unknown): string[] {
  const headers = (raw as readonly (Buffer | string)[]).map((text) => text.toString("latin1"));
  return headers.filter((_, at) => {
    const name = (headers[at - (at % 2)] ?? "").toLowerCase();
    return name !== "connection" && name !== "keep-alive" && name !== "transfer-encoding";
  });
}

/** What was written of an answer cannot be taken back: its end is cut off, so that nobody takes it for whole. */
function refuse(response: ServerResponse): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const error = new FreshetError("notReady", "the server did not answer");
  response.writeHead(error.status, {
    ...retryHeaders(error.code),
    "content-type": "application/json; charset=utf-8",
  });
  response.end(JSON.stringify(errorAnswer(error)));
}
