/**
 * Requests per second of the schema registry, over HTTP with 16 connections. Alone: `node bench/registry.ts`, after
 * `npm run build`.
 */
import { Pool } from "undici";
import { median, percentile } from "./load.ts";
import { type ServerProcess, secretKey, startServer } from "./server.ts";

export interface RegistrySpeed {
  /** Each in requests per second, with the p99 in milliseconds. */
  readonly getById: Measured;
  readonly registerExisting: Measured;
  /** Each is on disk before it is answered, with a sync of its own. */
  readonly registerNew: Measured;
}

export interface Measured {
  readonly perSecond: number;
  readonly p99Ms: number;
}

const connections = 16;
const rounds = 3;
const subjects = 200;

export async function measureRegistry(url: string, seconds: number): Promise<RegistrySpeed> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  try {
    const ids = await Promise.all(
      Array.from({ length: subjects }, (_, n) => post(pool, `seed-${n}`, schemaOf(`seed${n}`))),
    );
    let made = 0;
    const measure = (ask: (n: number) => Promise<unknown>) => medianOf(ask, seconds);
    const getById = await measure((n) => get(pool, ids[n % subjects] ?? 1));
    const registerExisting = await measure((n) =>
      post(pool, `seed-${n % subjects}`, schemaOf(`seed${n % subjects}`)),
    );
    const registerNew = await measure(() => {
      const n = made++;
      return post(pool, `new-${n % 2000}`, schemaOf(`new${n}`));
    });
    return { getById, registerExisting, registerNew };
  } finally {
    await pool.close();
  }
}

async function medianOf(ask: (n: number) => Promise<unknown>, seconds: number): Promise<Measured> {
  await measureOnce(ask, Math.min(1, seconds));
  const found: Measured[] = [];
  for (let round = 0; round < rounds; round++) found.push(await measureOnce(ask, seconds));
  return {
    perSecond: median(found.map((one) => one.perSecond)),
    p99Ms: median(found.map((one) => one.p99Ms)),
  };
}

async function measureOnce(
  ask: (n: number) => Promise<unknown>,
  seconds: number,
): Promise<Measured> {
  const began = performance.now();
  const until = began + seconds * 1000;
  const latencies: number[] = [];
  let next = 0;
  const worker = async () => {
    while (performance.now() < until) {
      const asked = performance.now();
      await ask(next++);
      latencies.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  const perSecond = latencies.length / ((performance.now() - began) / 1000);
  return {
    perSecond,
    p99Ms: percentile(
      latencies.sort((a, b) => a - b),
      0.99,
    ),
  };
}

const headers = {
  authorization: `Basic ${Buffer.from(`bench:${secretKey}`).toString("base64")}`,
  "content-type": "application/vnd.schemaregistry.v1+json",
};

async function get(pool: Pool, id: number): Promise<void> {
  const answer = await pool.request({ method: "GET", path: `/schemas/ids/${id}`, headers });
  if (answer.statusCode !== 200) throw new Error(await answer.body.text());
  await answer.body.dump();
}

async function post(pool: Pool, subject: string, schema: string): Promise<number> {
  const path = `/subjects/${subject}/versions`;
  const body = JSON.stringify({ schema });
  const answer = await pool.request({ method: "POST", path, headers, body });
  const said = (await answer.body.json()) as { readonly id?: number };
  if (said.id === undefined) throw new Error(JSON.stringify(said));
  return said.id;
}

/** A record of ten fields; each with a default, so that each version can follow each. */
function schemaOf(name: string): string {
  const fields = Array.from({ length: 10 }, (_, n) => ({
    name: `${name}_${n}`,
    type: "string",
    default: "",
  }));
  return JSON.stringify({ type: "record", name: "Bench", fields });
}

export function registryMarkdown({
  getById,
  registerExisting,
  registerNew,
}: RegistrySpeed): string {
  const row = (what: string, { perSecond, p99Ms }: Measured) =>
    `| ${what} | ${Math.round(perSecond).toLocaleString("en-GB")} | ${p99Ms.toFixed(1)} ms |`;
  return `| schema registry, ${connections} connections | requests/s | p99 |
| --- | ---: | ---: |
${row("schema by id", getById)}
${row("register what is there", registerExisting)}
${row("register a new version, on disk", registerNew)}
`;
}

if (process.argv[1] === import.meta.filename) {
  const server: ServerProcess = await startServer();
  try {
    const seconds = Number(process.env["BENCH_SECONDS"] ?? 3);
    process.stdout.write(registryMarkdown(await measureRegistry(server.url, seconds)));
  } finally {
    await server.stop();
  }
}
