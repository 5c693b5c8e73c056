import { request } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Fixture } from "./fixture.ts";

/** Starts to listen on a free port of this machine. */
export async function listen({ app }: Fixture): Promise<number> {
  await app.listen({ host: "127.0.0.1", port: 0 });
  return (app.server.address() as AddressInfo).port;
}

export interface RawConversation {
  readonly socket: Socket;
  /** Everything that came back so far. */
  received(): string;
  readonly closed: Promise<void>;
}

/** A connection on which a test writes what it likes. */
export function converse(port: number): RawConversation {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.on("data", (chunk) => {
    received += String(chunk);
  });
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  return { socket, received: () => received, closed };
}

export interface StreamEvent {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field, which is the check.
  readonly data: any;
}

export interface EventStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly events: StreamEvent[];
  readonly text: () => string;
  readonly ended: Promise<void>;
  close(): void;
}

/** Server-sent events as a page would read them. */
export function openStream(
  port: number,
  token: string,
  headers: Record<string, string> = {},
): Promise<EventStream> {
  return new Promise((resolve, reject) => {
    const path = `/v1/stream?token=${encodeURIComponent(token)}`;
    const sent = request({ port, host: "127.0.0.1", path, headers }, (response) => {
      const events: StreamEvent[] = [];
      let text = "";
      let rest = "";
      response.on("data", (chunk) => {
        text += String(chunk);
        rest += String(chunk);
        const blocks = rest.split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) {
          const match = /^event: (.+)\ndata: (.+)$/.exec(block);
          if (match !== null)
            events.push({ event: match[1] ?? "", data: JSON.parse(match[2] ?? "") });
        }
      });
      response.on("error", () => {});
      const ended = new Promise<void>((done) => response.on("close", () => done()));
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        events,
        text: () => text,
        ended,
        close: () => sent.destroy(),
      });
    });
    sent.on("error", reject);
    sent.end();
  });
}
