/** Requests to a running server, and answers looked at field by field. */

import { setTimeout as sleep } from "node:timers/promises";
import { readJson } from "@freshet/protocol";
import { secretKey, writeKey } from "./server.ts";

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field, which is the check.
  readonly body: any;
  readonly headers: Headers;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON unless it is text or bytes. */
  readonly body?: unknown;
}

/** One request, given up after the 10 s of Segment's own clients. */
export async function ask(url: string, sent: Sent = {}): Promise<Answer> {
  const { body } = sent;
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const response = await fetch(url, {
    method: sent.method ?? (body === undefined ? "GET" : "POST"),
    headers: { "content-type": "application/json", ...sent.headers },
    ...(body === undefined ? {} : { body: isRaw ? Buffer.from(body) : JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? readJson(text) : text,
  };
}

export const basic = { authorization: `Basic ${btoa(`${writeKey}:`)}` };
export const secret = { authorization: `Bearer ${secretKey}` };

/** The product view of Segment's e-commerce specification. */
export function view(messageId: string, who: object = { userId: "ana" }): object {
  const properties = { product_id: "cer-01" };
  return { type: "track", event: "Product Viewed", messageId, properties, ...who };
}

export function sendBatch(url: string, batch: readonly unknown[]): Promise<Answer> {
  const body = { batch, sentAt: new Date().toISOString() };
  return ask(`${url}/v1/batch`, { body, headers: basic });
}

/** Waits for the receipts given. */
export function readProfile(
  url: string,
  id: string,
  ...receipts: readonly string[]
): Promise<Answer> {
  const query = receipts.map((receipt) => `atLeast=${encodeURIComponent(receipt)}`).join("&");
  return ask(`${url}/v1/profiles/${encodeURIComponent(id)}?${query}`, { headers: secret });
}

export function readJourney(url: string, messageId: string): Promise<Answer> {
  return ask(`${url}/v1/events/${encodeURIComponent(messageId)}`, { headers: secret });
}

/** Samples without labels, and those with labels under their whole name. */
export async function readMetrics(url: string): Promise<ReadonlyMap<string, number>> {
  const { body } = await ask(`${url}/metrics`);
  const lines = String(body)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

export interface Ledger {
  readonly received: number;
  readonly applied: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly inFlight: number;
}

export function ledgerOf(metrics: ReadonlyMap<string, number>): Ledger {
  const of = (name: string) => metrics.get(`freshet_events_${name}`) ?? Number.NaN;
  return {
    received: of("received_total"),
    applied: of("applied_total"),
    duplicate: of("duplicate_total"),
    rejected: of("rejected_total"),
    inFlight: of("in_flight"),
  };
}

/** What was received and is in none of the other four; 0 where nothing was lost. */
export function missingIn({ received, applied, duplicate, rejected, inFlight }: Ledger): number {
  return received - applied - duplicate - rejected - inFlight;
}

/** Calls until the answer is there; what it last threw or said is in the failure. */
export async function eventually<T>(
  what: string,
  attempt: () => Promise<T | undefined | false>,
  msMax = 30_000,
): Promise<T> {
  const until = Date.now() + msMax;
  let last: unknown;
  while (Date.now() < until) {
    try {
      const found = await attempt();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      last = error;
    }
    await sleep(30);
  }
  throw new Error(`${what}: not within ${msMax} ms`, { cause: last });
}

/** Waits until all that was taken is reduced. */
export const settled = (url: string, msMax = 20_000): Promise<Ledger> =>
  eventually(
    "nothing in flight",
    async () => {
      const ledger = ledgerOf(await readMetrics(url));
      return ledger.inFlight === 0 && ledger;
    },
    msMax,
  );
