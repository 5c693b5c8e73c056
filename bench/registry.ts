/**
 * Requests per second of the schema registry, over HTTP with 16 connections, and how long the event loop stands still
 * while it checks a large schema. Alone: `node bench/registry.ts`, after `npm run build`.
 */
import { Pool } from "undici";
import { median, percentile } from "./load.ts";
import { largeSchema } from "./schema.ts";
import { type ServerProcess, secretKey, startServer } from "./server.ts";

export interface RegistrySpeed {
  /** Each in requests per second, with the p99 in milliseconds. */
  readonly getById: Measured;
  readonly registerExisting: Measured;
  /** Each is on disk before it is answered, with a sync of its own. */
  readonly registerNew: Measured;
  readonly checks: readonly CheckSpeed[];
}

/** A schema of 1,000 fields against 100 versions, as a test of compatibility over HTTP. */
export interface CheckSpeed {
  readonly kind: "AVRO" | "JSON" | "PROTOBUF";
  readonly ms: number;
  /** The longest that another request had to wait meanwhile: with a loop that stands still, as long as the check. */
  readonly stallMs: number;
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
    const checks: CheckSpeed[] = [];
    for (const kind of ["AVRO", "JSON", "PROTOBUF"] as const)
      checks.push(await measureCheck(pool, kind));
    return { getById, registerExisting, registerNew, checks };
  } finally {
    await pool.close();
  }
}

const versions = 100;

async function measureCheck(pool: Pool, schemaType: CheckSpeed["kind"]): Promise<CheckSpeed> {
  const subject = `large-${schemaType}`;
  // Any may follow, so that filling the subject is no hundred checks of its own.
  await put(pool, `/config/${subject}`, { compatibility: "NONE" });
  for (let version = 0; version < versions; version++)
    await post(pool, subject, largeSchema(schemaType, version), schemaType);
  await put(pool, `/config/${subject}`, { compatibility: "BACKWARD_TRANSITIVE" });
  const found: { readonly ms: number; readonly stallMs: number }[] = [];
  for (let round = 0; round <= rounds; round++)
    found.push(await whileOthersAsk(pool, () => check(pool, subject, schemaType)));
  // The first one parses.
  const [, ...warm] = found;
  return {
    kind: schemaType,
    ms: median(warm.map(({ ms }) => ms)),
    stallMs: median(warm.map(({ stallMs }) => stallMs)),
  };
}

/** Asks for a schema by id, one after another, until something is done. */
async function whileOthersAsk(pool: Pool, run: () => Promise<void>) {
  let isOver = false;
  let stallMs = 0;
  const others = (async () => {
    while (!isOver) {
      const asked = performance.now();
      await get(pool, 1);
      stallMs = Math.max(stallMs, performance.now() - asked);
    }
  })();
  const began = performance.now();
  await run();
  const ms = performance.now() - began;
  isOver = true;
  await others;
  return { ms, stallMs };
}

async function check(pool: Pool, subject: string, schemaType: string): Promise<void> {
  const path = `/compatibility/subjects/${subject}/versions?verbose=true`;
  const body = JSON.stringify({ schema: largeSchema(schemaType as "AVRO", versions), schemaType });
  const answer = await pool.request({ method: "POST", path, headers, body });
  const said = (await answer.body.json()) as { readonly is_compatible?: boolean };
  if (said.is_compatible !== true) throw new Error(JSON.stringify(said).slice(0, 500));
}

async function put(pool: Pool, path: string, body: object): Promise<void> {
  const answer = await pool.request({ method: "PUT", path, headers, body: JSON.stringify(body) });
  if (answer.statusCode !== 200) throw new Error(await answer.body.text());
  await answer.body.dump();
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

async function post(
  pool: Pool,
  subject: string,
  schema: string,
  schemaType = "AVRO",
): Promise<number> {
  const path = `/subjects/${subject}/versions`;
  const body = JSON.stringify({ schema, schemaType });
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
  checks,
}: RegistrySpeed): string {
  const row = (what: string, { perSecond, p99Ms }: Measured) =>
    `| ${what} | ${Math.round(perSecond).toLocaleString("en-GB")} | ${p99Ms.toFixed(1)} ms |`;
  return `| schema registry, ${connections} connections | requests/s | p99 |
| --- | ---: | ---: |
${row("schema by id", getById)}
${row("register what is there", registerExisting)}
${row("register a new version, on disk", registerNew)}

| 1,000 fields against 100 versions, over HTTP | answered after | longest wait of others meanwhile |
| --- | ---: | ---: |
${checks.map(({ kind, ms, stallMs }) => `| ${kind} | ${ms.toFixed(0)} ms | ${stallMs.toFixed(0)} ms |`).join("\n")}
`;
}

/** On a server of its own, with an empty registry. */
export async function measureRegistryAlone(seconds: number): Promise<RegistrySpeed> {
  const server: ServerProcess = await startServer();
  try {
    return await measureRegistry(server.url, seconds);
  } finally {
    await server.stop();
  }
}

if (process.argv[1] === import.meta.filename) {
  const seconds = Number(process.env["BENCH_SECONDS"] ?? 3);
  process.stdout.write(registryMarkdown(await measureRegistryAlone(seconds)));
}
