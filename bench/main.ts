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
import { type Latencies, type Load, type Percentiles, type Results, toMarkdown } from "./report.ts";
import { measureSchema } from "./schema.ts";
import { measureSdk } from "./sdk.ts";
import {
  type LoadedServer,
  type ServerProcess,
  startBareServer,
  startServer,
  writeKey,
} from "./server.ts";
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
  /** At half load, of each round. */
  readonly latencies: RoundLatencies[];
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
  return { name, server, idleMb, rounds: [], latencies: [] };
}

/**
 * Each round as fast as it is answered, and at half of that at once: machines drift within minutes, and half of what one
 * took in a good minute may be all that it can in the next.
 */
async function measureRound({ name, server, rounds, latencies }: Subject): Promise<void> {
  const rate = await measureThroughput(server, batches, roundSeconds);
  rounds.push(rate);
  for (const subject of [usual, tuned]) await emptyOutbox(subject.server);
  latencies.push(await latenciesOf(server, rate / 2));
  const p99 = latencies.at(-1)?.visible.p99.toFixed(1);
  say(
    `round ${rounds.length}, ${name}: ${Math.round(rate)} durable and applied events/s; at half of it visible after ${p99} ms at p99`,
  );
}

/** Webhooks of the load before are another load than the one that is measured. */
async function emptyOutbox(server: ServerProcess): Promise<void> {
  while (((await server.metrics()).get("freshet_outbox_waiting") ?? 0) > 0)
    await new Promise((resolve) => setTimeout(resolve, 200));
}

interface RoundLatencies extends Record<"ack" | "visible" | "decide", RoundPercentiles> {
  readonly sentPerSecond: number;
}

interface RoundPercentiles {
  readonly p50: number;
  readonly p99: number;
}

async function latenciesOf(server: LoadedServer, eventsPerSecond: number): Promise<RoundLatencies> {
  const { ack, visible, decide, sentPerSecond } = await measureLatencies(server, batches, {
    eventsPerSecond,
    seconds: roundSeconds,
  });
  const of = (sorted: readonly number[]) => ({
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
  });
  return { ack: of(ack), visible: of(visible), decide: of(decide), sentPerSecond };
}

function medians(rounds: readonly RoundLatencies[]): Latencies {
  const of = (name: "ack" | "visible" | "decide"): Percentiles => {
    const p99s = rounds.map((round) => round[name].p99);
    return {
      p50: median(rounds.map((round) => round[name].p50)),
      p99: median(p99s),
      p99Lowest: Math.min(...p99s),
      p99Highest: Math.max(...p99s),
    };
  };
  return {
    halfLoad: median(rounds.map(({ sentPerSecond }) => sentPerSecond)),
    ack: of("ack"),
    visible: of("visible"),
    decide: of("decide"),
  };
}

async function loadOf({ server, idleMb, rounds, latencies }: Subject): Promise<Load> {
  const metrics = await server.metrics();
  return {
    ...medians(latencies),
    startMs: server.startMs,
    idleMb,
    loadedMb: server.memoryMb(),
    rounds,
    throughput: median(rounds),
    bytesPerEvent:
      (metrics.get("freshet_log_bytes") ?? 0) / (metrics.get("freshet_events_received_total") ?? 1),
  };
}

say("ceiling of one thread ...");
const ceiling = await measureCeiling(5);
say("starting the servers ...");
const batches = makeBatches(2000, writeKey);
const usual = await openSubject("as it comes", {});
const tuned = await openSubject("tuned for throughput", tunedEnvironment);
const bareServer = await startBareServer();
const bareRounds: number[] = [];
const bareLatencies: RoundLatencies[] = [];
for (let round = 0; round < roundCount; round++) {
  for (const subject of [usual, tuned]) await measureRound(subject);
  bareRounds.push(await measureThroughput(bareServer, batches, roundSeconds / 2));
  bareLatencies.push(await latenciesOf(bareServer, (usual.rounds.at(-1) ?? 0) / 2));
  const p99 = bareLatencies.at(-1)?.visible.p99.toFixed(1);
  say(
    `round ${round + 1}, bare server: ${Math.round(bareRounds.at(-1) ?? 0)} events/s; ${p99} ms at p99`,
  );
}
const usualLoad = await loadOf(usual);
const tunedLoad = await loadOf(tuned);
for (const { stop } of [usual.server, tuned.server, bareServer]) await stop();
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
  bare: { ...medians(bareLatencies), throughput: median(bareRounds) },
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
