import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Exchange, RawRequest } from "./case.ts";

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  /** Names in small letters; of headers that came twice, all values with commas between. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Segment's client for Ruby gives an answer up after 8 s, those for Node after 10 s: a later one makes duplicates. */
export const answerMsMax = 8000;

/**
 * Sends requests over one connection, each after the answer to the one before, and returns their answers; null for
 * one that was cut. Rejects where an answer does not come, says why, and leaves no connection behind.
 */
export async function converse(
  url: URL,
  exchanges: readonly Exchange[],
): Promise<readonly (RawAnswer | null)[]> {
  const socket = open(url);
  socket.setTimeout(answerMsMax, () => socket.destroy());
  const reader = readerOf(socket);
  try {
    const answers: (RawAnswer | null)[] = [];
    for (const { request, answer } of exchanges) {
      // A server that refuses early may stop to read, or close, before all is written: its answer is what counts.
      const written = write(socket, bytesOf(request, url)).catch(() => {});
      if (answer === null) await written;
      answers.push(answer === null ? null : await reader.answer(request.method));
    }
    return answers;
  } finally {
    socket.destroy();
  }
}

function open(url: URL): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol === "https:")
    return connectTls({
      host,
      port: Number(url.port || 443),
      // An address is no name, which TLS insists on.
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
  return connect({ host, port: Number(url.port || 80) });
}

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/** The request as it goes over the connection. */
export function bytesOf(request: RawRequest, url: URL): Buffer {
  const { method, headers, transfer } = request;
  const body = Buffer.from(request.body ?? "");
  const path = url.pathname.replace(/\/+$/, "") + request.path;
  const length =
    request.body === undefined
      ? []
      : transfer?.kind === "chunked"
        ? [["Transfer-Encoding", "chunked"] as const]
        : [["Content-Length", String(body.length)] as const];
  const lines = [["Host", url.host] as const, ...headers, ...length];
  const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  return Buffer.concat([Buffer.from(head), payloadOf(body, transfer)]);
}

function payloadOf(body: Buffer, transfer: RawRequest["transfer"]): Buffer {
  switch (transfer?.kind) {
    case undefined:
      return body;
    case "cut":
      return body.subarray(0, transfer.bytes);
    case "chunked": {
      const chunks: Buffer[] = [];
      for (let from = 0; from < body.length; from += transfer.bytes) {
        const chunk = body.subarray(from, from + transfer.bytes);
        chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
      }
      return Buffer.concat([...chunks, Buffer.from("0\r\n\r\n")]);
    }
  }
}

interface Reader {
  answer(method: string): Promise<RawAnswer>;
}

function readerOf(socket: Socket): Reader {
  let received: Buffer = Buffer.alloc(0);
  let ended: string | null = null;
  let look = () => {};
  const end = (why: string) => {
    ended ??= why;
    look();
  };
  socket
    .on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      look();
    })
    .on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
    .on("end", () => end("the server closed the connection"))
    .on("close", () => end("the connection is closed"));
  return {
    answer: (method) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`no answer within ${answerMsMax / 1000} s`)),
          answerMsMax,
        );
        look = () => {
          const found = readAnswer(received, { method, isEnded: ended !== null });
          if (found === null && ended === null) return;
          clearTimeout(timer);
          if (found === null) return reject(new Error(`no answer: ${ended}`));
          received = received.subarray(found.bytes);
          resolve(found.answer);
        };
        look();
      }),
  };
}

interface ReadOptions {
  readonly method: string;
  readonly isEnded: boolean;
}

interface ReadAnswer {
  readonly answer: RawAnswer;
  /** Where the next answer begins. */
  readonly bytes: number;
}

/** The first answer in what came so far, or null while it is not complete. `100 Continue` is none. */
export function readAnswer(received: Buffer, options: ReadOptions): ReadAnswer | null {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const [first = "", ...lines] = received.toString("latin1", 0, headEnd).split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);
  const from = headEnd + 4;
  if (status >= 100 && status < 200) {
    const next = readAnswer(received.subarray(from), options);
    return next === null ? null : { ...next, bytes: from + next.bytes };
  }
  const headers = headersOf(lines);
  const body = readBody(received.subarray(from), { ...options, status, headers });
  if (body === null) return null;
  return {
    answer: { status, headers, body: body.content.toString("utf8") },
    bytes: from + body.bytes,
  };
}

function headersOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

interface Body {
  readonly content: Buffer;
  readonly bytes: number;
}

function readBody(
  rest: Buffer,
  head: ReadOptions & Pick<RawAnswer, "status" | "headers">,
): Body | null {
  const { method, status, headers, isEnded } = head;
  if (method === "HEAD" || status === 204 || status === 304)
    return { content: Buffer.alloc(0), bytes: 0 };
  if (/chunked/i.test(headers.get("transfer-encoding") ?? "")) return readChunks(rest);
  const length = headers.get("content-length");
  if (length === undefined) return isEnded ? { content: rest, bytes: rest.length } : null;
  const bytes = Number(length);
  return rest.length < bytes ? null : { content: rest.subarray(0, bytes), bytes };
}

function readChunks(rest: Buffer): Body | null {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(rest.toString("latin1", at, lineEnd), 16);
    const from = lineEnd + 2;
    if (rest.length < from + size + 2) return null;
    if (!(size > 0)) return { content: Buffer.concat(chunks), bytes: from + 2 };
    chunks.push(rest.subarray(from, from + size));
    at = from + size + 2;
  }
}
