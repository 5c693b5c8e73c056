import { setTimeout as sleep } from "node:timers/promises";
import { limits, type Rejection, readJson } from "@freshet/protocol";
import type { History, HistoryRow } from "../../server/route/history.ts";
import { UsageError } from "../usage-error.ts";
import type { ImportTarget, SentBatch } from "./target.ts";

export interface ServerOptions {
  readonly url: string;
  readonly secretKey: string;
  readonly signal?: AbortSignal;
}

/** A running server: rows go through `POST /v1/history`. */
export function openServerTarget(options: ServerOptions): ImportTarget {
  let before: Promise<unknown> = Promise.resolve();
  const server: Server = { ...options, hasAnswered: false };
  return {
    place: options.url,
    room: async () => {},
    send(history) {
      // One after the other: rows of one customer keep their order.
      const sent = before.then(() => sendAll(server, history));
      before = sent.catch(() => {});
      return sent;
    },
    settle: async () => null,
    close: async () => {},
  };
}

interface Server extends ServerOptions {
  /** One that was there once may come back; one that never was is an address that is wrong. */
  hasAnswered: boolean;
}

/** Room for the name and the brackets around the rows. */
const bodyCharsMax = limits.bodyBytesMax * 0.9;

async function sendAll(server: Server, history: History): Promise<SentBatch> {
  const all = { accepted: 0, rejected: [] as Rejection[] };
  for (const rows of bodies(history.rows)) {
    const body = `{${headOf(history)},"rows":[${rows.join(",")}]}`;
    const { accepted, rejected } = await post(server, body);
    all.accepted += accepted;
    all.rejected.push(...rejected);
  }
  return { ...all, offset: null };
}

function headOf({ name, source }: History): string {
  const named = `"name":${JSON.stringify(name)}`;
  return source === undefined ? named : `${named},"source":${JSON.stringify(source)}`;
}

/** Rows as JSON, in portions that a request may have. */
function bodies(rows: readonly HistoryRow[]): string[][] {
  const portions: string[][] = [[]];
  let bytes = 0;
  for (const row of rows) {
    const text = JSON.stringify("event" in row ? { ...row.event, row: row.row, id: row.id } : row);
    const size = Buffer.byteLength(text) + 1;
    if (bytes + size > bodyCharsMax && bytes > 0) {
      portions.push([]);
      bytes = 0;
    }
    bytes += size;
    portions.at(-1)?.push(text);
  }
  return portions;
}

interface Answer {
  readonly accepted: number;
  readonly rejected: readonly Rejection[];
}

/** Sends until it is taken; what the server cannot take now is sent again, rows that came through count once. */
async function post(server: Server, body: string): Promise<Answer> {
  const { url, secretKey, signal } = server;
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(new URL("/v1/history", url), {
      method: "POST",
      headers: { authorization: `Bearer ${secretKey}`, "content-type": "application/json" },
      body,
    }).catch((cause: unknown) => ({ cause }));
    if ("cause" in answer) {
      const most = server.hasAnswered ? attemptsMax : attemptsMaxAtFirst;
      if (attempt >= most || signal?.aborted === true) throw unreachable(url, answer.cause);
      await sleep(retryMs * attempt);
      continue;
    }
    server.hasAnswered = true;
    // The server's own answer: its shape is that of the route.
    if (answer.ok) return readJson(await answer.text()) as Answer;
    const text = await answer.text();
    const isBusy = answer.status === 429 || answer.status === 503;
    if (!isBusy || attempt >= attemptsMax) throw refused(url, answer.status, text);
    await sleep(1000 * Number(answer.headers.get("retry-after") ?? 1));
  }
}

const attemptsMax = 30;
const attemptsMaxAtFirst = 3;
const retryMs = 100;

function unreachable(url: string, cause: unknown): UsageError {
  const reason =
    (cause as { readonly cause?: { readonly code?: string } }).cause?.code ?? String(cause);
  return new UsageError(
    `"${url}" does not answer (${reason})`,
    "name the server that has the data folder with --url; what was sent is kept, run the same command again to continue",
    1,
  );
}

function refused(url: string, status: number, text: string): UsageError {
  let described: { readonly message?: string; readonly hint?: string } = {};
  try {
    described = (readJson(text) as { readonly error?: typeof described }).error ?? {};
  } catch {
    // Something else than Freshet answered; the status says what there is to say.
  }
  return new UsageError(
    `${url} answered ${status}${described.message === undefined ? "" : `: ${described.message}`}`,
    described.hint ?? "check that the address is that of a Freshet server",
    1,
  );
}
