import {
  Agent,
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { FreshetError } from "@freshet/protocol";
import { corsHeaders } from "../../../src/server/cors.ts";
import { errorAnswer, retryHeaders } from "../../../src/server/error.ts";
import type { Certificate } from "./certificate.ts";

/** What the network does to one request. */
export type Fault =
  | { readonly kind: "none" }
  /** The server's own refusal, with its headers; nothing reaches the server. */
  | { readonly kind: "refuse"; readonly code: "overloaded" | "logUnavailable" }
  | { readonly kind: "cutRequest" }
  /** Half of the body goes on; then both connections are cut. */
  | { readonly kind: "cutBody" }
  /** The server has answered, and the client never hears it; the caller is told. */
  | { readonly kind: "cutAnswer"; readonly lost?: () => void }
  | { readonly kind: "delay"; readonly ms: number }
  /** The server has the request at once, and the client its answer late. */
  | { readonly kind: "lateAnswer"; readonly ms: number }
  /** The same bytes go to the server twice. */
  | { readonly kind: "double" };

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  readonly fault: Fault["kind"];
}

/** A bad network between clients and a server that may come and go, at an address that stays. */
export interface BadNetwork {
  readonly url: string;
  /** What came so far, in order. */
  readonly seen: readonly Seen[];
  /** Null: nobody is there. */
  target(port: number | null): void;
  /** Asked for each request that carries events. Nothing happens to the others. */
  plan(next: (seen: Omit<Seen, "fault">) => Fault): void;
  close(): Promise<void>;
}

const noFault: Fault = { kind: "none" };

/** With a certificate it is spoken to as https; the server behind it never is. */
export async function openBadNetwork(certificate?: Certificate): Promise<BadNetwork> {
  let port: number | null = null;
  let next: Parameters<BadNetwork["plan"]>[0] = () => noFault;
  const seen: Seen[] = [];
  const serve: RequestListener = async (incoming, outgoing) => {
    const { method = "", url: path = "", headers } = incoming;
    outgoing.on("error", () => {});
    const body = await bodyOf(incoming).catch(() => null);
    if (body === null) return;
    const came = { method, path, headers, body };
    const fault = method === "POST" ? next(came) : noFault;
    seen.push({ ...came, fault: fault.kind });
    await pass({ ...came, fault: fault.kind }, { fault, port, outgoing }).catch(() =>
      outgoing.destroy(),
    );
  };
  const server =
    certificate === undefined ? createServer(serve) : createTlsServer(certificate, serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `${certificate === undefined ? "http" : "https"}://127.0.0.1:${own}`,
    seen,
    target(to) {
      port = to;
    },
    plan(to) {
      next = to;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

interface Way {
  readonly fault: Fault;
  readonly port: number | null;
  readonly outgoing: ServerResponse;
}

async function pass(seen: Seen, { fault, port, outgoing }: Way): Promise<void> {
  if (port === null) return void outgoing.destroy();
  switch (fault.kind) {
    case "refuse":
      return refuse(seen, fault.code, outgoing);
    case "cutRequest":
      return void outgoing.destroy();
    case "cutBody":
      await ask(seen, port, Math.floor(seen.body.length / 2)).catch(() => {});
      return void outgoing.destroy();
    case "cutAnswer":
      await ask(seen, port);
      fault.lost?.();
      return void outgoing.destroy();
    case "delay":
      await sleep(fault.ms);
      return give(await ask(seen, port), outgoing);
    case "lateAnswer": {
      const answer = await ask(seen, port);
      await sleep(fault.ms);
      return give(answer, outgoing);
    }
    case "double": {
      const [answer] = await Promise.all([ask(seen, port), ask(seen, port)]);
      return give(answer, outgoing);
    }
    case "none":
      return give(await ask(seen, port), outgoing);
  }
}

function refuse(
  { headers }: Seen,
  code: "overloaded" | "logUnavailable",
  outgoing: ServerResponse,
): void {
  const error = new FreshetError(code, "the network of the tests refuses");
  outgoing.writeHead(error.status, {
    "content-type": "application/json; charset=utf-8",
    ...corsHeaders(headers.origin),
    ...retryHeaders(code),
  });
  outgoing.end(JSON.stringify(errorAnswer(error)));
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Connections are not kept, so that one that died with the server is never used again. */
const agent = new Agent({ keepAlive: false });

function ask({ method, path, headers, body }: Seen, port: number, cutAt?: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { "transfer-encoding": _chunked, connection: _connection, ...kept } = headers;
    const length = body.length > 0 ? { "content-length": body.length } : {};
    const sent = request(
      { host: "127.0.0.1", port, method, path, agent, headers: { ...kept, ...length } },
      async (answer) => {
        const received = await bodyOf(answer).catch(reject);
        if (received !== undefined)
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: received });
      },
    );
    sent.on("error", reject);
    if (cutAt === undefined) return void sent.end(body);
    sent.write(body.subarray(0, cutAt), () => sent.destroy(new Error("cut")));
  });
}

function give({ status, headers, body }: Answer, outgoing: ServerResponse): void {
  const { "transfer-encoding": _chunked, connection: _connection, ...kept } = headers;
  outgoing.writeHead(status, kept).end(body);
}
