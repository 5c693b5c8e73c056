/** `npm run bench`: everything in one run; see README.md for what is measured and how. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { measureCeiling } from "./ceiling.ts";
import { measureFramed } from "./framed.ts";
import { measureImport } from "./import.ts";
import { measureLatencies, measureThroughput, median, percentile } from "./load.ts";
import { measureLog } from "./log.ts";
import { measureRegistryAlone } from "./registry.ts";
import { type Load, type Percentiles, type Results, toMarkdown } from "./report.ts";
import { measureSchema } from "./schema.ts";
import { measureSdk } from "./sdk.ts";
import { type ServerProcess, startServer, writeKey } from "./server.ts";
import { makeBatches, root } from "./shape.ts";
import { measureWays } from "./ways.ts";

const roundCount = Number(process.env["BENCH_ROUNDS"] ?? 5);
/** What docs/operating/throughput.md tells to set. */
const tunedEnvironment = { FRESHET_COLLECTOR: "thread", FRESHET_LOG_FORMAT: "protobuf" };
const roundSeconds = Number(process.env["BENCH_SECONDS"] ?? 8);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

interface Subject {
  readonly name: string;
  readonly server: ServerProcess;
  readonly idleMb: number;
  readonly rounds: number[];
}

/** Started, looked at while it rests, and warmed up. */
async function openSubject(
  name: string,
  environment: Readonly<Record<string, string>>,
): Promise<Subject> {
  const server = await startServer(environment);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const idleMb = server.memoryMb();
  say(
    `${name}: ready after ${Math.round(server.startMs)} ms, idle at ${idleMb} MB; warming up ...`,
  );
  await measureThroughput(server, batches, 4);
  return { name, server, idleMb, rounds: [] };
}

async function measureHalfLoad({ name, server, idleMb, rounds }: Subject): Promise<Load> {
  // Webhooks of the rounds before are another load than the one that is measured now.
  while (((await server.metrics()).get("freshet_outbox_waiting") ?? 0) > 0)
    await new Promise((resolve) => setTimeout(resolve, 200));
  const throughput = median(rounds);
  say(`${name}: latencies at half load (${Math.round(throughput / 2)} events/s) ...`);
  const latencies = await measureLatencies(server, batches, {
    eventsPerSecond: throughput / 2,
    seconds: roundSeconds * 2,
  });
  const metrics = await server.metrics();
  return {
    startMs: server.startMs,
    idleMb,
    loadedMb: server.memoryMb(),
    rounds,
    throughput,
    halfLoad: latencies.sentPerSecond,
    ack: percentiles(latencies.ack),
    visible: percentiles(latencies.visible),
    decide: percentiles(latencies.decide),
    bytesPerEvent:
      (metrics.get("freshet_log_bytes") ?? 0) / (metrics.get("freshet_events_received_total") ?? 1),
  };
}

const percentiles = (sorted: readonly number[]): Percentiles => ({
  p50: percentile(sorted, 0.5),
  p99: percentile(sorted, 0.99),
  count: sorted.length,
});

say("ceiling of one thread ...");
const ceiling = await measureCeiling(5);
say("starting the servers ...");
const batches = makeBatches(2000, writeKey);
const usual = await openSubject("as it comes", {});
const tuned = await openSubject("tuned for throughput", tunedEnvironment);
for (let round = 0; round < roundCount; round++)
  for (const subject of [usual, tuned]) {
    const rate = await measureThroughput(subject.server, batches, roundSeconds);
    subject.rounds.push(rate);
    say(`round ${round + 1}, ${subject.name}: ${Math.round(rate)} durable and applied events/s`);
  }
const usualLoad = await measureHalfLoad(usual);
const tunedLoad = await measureHalfLoad(tuned);
await usual.server.stop();
await tuned.server.stop();
say("import ...");
const history = measureImport();
say("ways in ...");
const ways = await measureWays({ rounds: 3, seconds: Math.max(1, roundSeconds / 2) });
say("messages with a schema id ...");
const framed = await measureFramed({ rounds: 3, seconds: Math.max(1, roundSeconds / 2) });
say("schemas ...");
const schema = measureSchema();
say("the schema registry ...");
const registry = await measureRegistryAlone(Math.max(1, roundSeconds / 3));
say("formats of the log ...");
const log = await measureLog();
say("the browser SDK in Chromium ...");
const sdk = await measureSdk();

const results: Results = {
  at: new Date().toISOString().slice(0, 10),
  machine: `${cpus().length} cores, ${cpus()[0]?.model ?? "unknown"}`,
  node: process.version,
  ceiling,
  usual: usualLoad,
  tuned: tunedLoad,
  history,
  ways,
  log,
  framed,
  schema,
  registry,
  sdk,
};
const markdown = toMarkdown(results);
writeFileSync(join(root, "bench", "results.json"), `${JSON.stringify(results, null, 2)}\n`);
writeFileSync(join(root, "bench", "results.md"), markdown);
say(`\n${markdown}`);
