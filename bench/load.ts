/** Load over HTTP: as fast as it is answered, or on a schedule. */
import { Pool } from "undici";
import { type LoadedServer, writeKey } from "./server.ts";
import { type Batch, batchEvents, profileName, randomOf, zipf } from "./shape.ts";

const connections = 64;
const authorization = `Basic ${Buffer.from(`${writeKey}:`).toString("base64")}`;
const headers = { "content-type": "application/json" };

/** Of so many batches one is followed by a decision: enough of them for a percentile, few beside the batches. */
const askedEvery = 5;

let sequence = 0;

async function sendBatch(pool: Pool, batch: Batch): Promise<string> {
  const { statusCode, body } = await pool.request({
    method: "POST",
    path: "/v1/batch",
    headers,
    body: batch.stamp(sequence++),
  });
  const answer = (await body.json()) as { readonly accepted: number; readonly receipt: string };
  if (statusCode !== 200 || answer.accepted !== batchEvents)
    throw new Error(`answer ${statusCode}: ${JSON.stringify(answer)}`);
  return answer.receipt;
}

/** Durable and applied events per second. */
export async function measureThroughput(
  server: LoadedServer,
  batches: readonly Batch[],
  seconds: number,
): Promise<number> {
  const pool = new Pool(server.url, { connections, pipelining: 1 });
  const before = await appliedOf(server);
  const began = performance.now();
  const end = began + seconds * 1000;
  let sent = 0;
  const run = async () => {
    while (performance.now() < end) {
      await sendBatch(pool, batches[sent % batches.length] as Batch);
      sent++;
    }
  };
  await Promise.all(Array.from({ length: connections }, run));
  while ((await appliedOf(server)) - before < sent * batchEvents) await sleep(20);
  const rate = (sent * batchEvents) / ((performance.now() - began) / 1000);
  await pool.close();
  return rate;
}

async function appliedOf(server: LoadedServer): Promise<number> {
  return (await server.metrics()).get("freshet_events_applied_total") ?? 0;
}

export interface Latencies {
  /** Milliseconds, sorted. */
  readonly ack: readonly number[];
  readonly visible: readonly number[];
  readonly decide: readonly number[];
  readonly sentPerSecond: number;
}

/** Batches are due at a fixed rate, whether or not earlier ones were answered. */
export async function measureLatencies(
  server: LoadedServer,
  batches: readonly Batch[],
  load: { readonly eventsPerSecond: number; readonly seconds: number },
): Promise<Latencies> {
  const pool = new Pool(server.url, { connections: 64, pipelining: 1 });
  const deciders = new Pool(server.url, { connections: 4, pipelining: 1 });
  const ack: number[] = [];
  const visible: number[] = [];
  const decide: number[] = [];
  const open = new Set<Promise<void>>();
  const everyMs = (batchEvents / load.eventsPerSecond) * 1000;
  const began = performance.now();
  const end = began + load.seconds * 1000;
  let count = 0;
  const one = async (due: number, index: number) => {
    const batch = batches[index % batches.length] as Batch;
    const receipt = await sendBatch(pool, batch);
    const acknowledged = performance.now();
    ack.push(acknowledged - due);
    if (index % askedEvery !== 0) return;
    const stale = await askDecision(deciders, batch.firstProfile, receipt);
    if (stale) throw new Error("a decision was stale");
    visible.push(performance.now() - acknowledged);
  };
  const random = randomOf(3);
  const decideLoop = (async () => {
    while (performance.now() < end) {
      const start = performance.now();
      await askDecision(deciders, profileName(zipf(random)));
      decide.push(performance.now() - start);
      await sleep(5);
    }
  })();
  while (performance.now() < end) {
    const due = began + count * everyMs;
    const wait = due - performance.now();
    if (wait > 1) await sleep(wait);
    else if (wait > 0) await new Promise((resolve) => setImmediate(resolve));
    const task = one(due, count++).finally(() => open.delete(task));
    open.add(task);
  }
  await Promise.all([...open, decideLoop]);
  const sentPerSecond = (count * batchEvents) / ((performance.now() - began) / 1000);
  await pool.close();
  await deciders.close();
  return {
    ack: ack.sort(ascending),
    visible: visible.sort(ascending),
    decide: decide.sort(ascending),
    sentPerSecond,
  };
}

async function askDecision(pool: Pool, anonymousId: string, atLeast?: string): Promise<boolean> {
  const body = JSON.stringify({
    anonymousId,
    placements: ["homeBanner", "recommended"],
    ...(atLeast === undefined ? {} : { atLeast }),
  });
  const answer = await pool.request({
    method: "POST",
    path: "/v1/decide",
    headers: { ...headers, authorization },
    body,
  });
  const decision = (await answer.body.json()) as { readonly stale: boolean };
  if (answer.statusCode !== 200)
    throw new Error(`decide answered ${answer.statusCode}: ${JSON.stringify(decision)}`);
  return decision.stale;
}

const ascending = (a: number, b: number) => a - b;
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile([...values].sort(ascending), 0.5);
}
