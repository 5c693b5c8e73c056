/** `npm run bench`: everything in one run; see README.md for what is measured and how. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { measureCeiling } from "./ceiling.ts";
import { measureFramed } from "./framed.ts";
import { measureImport } from "./import.ts";
import { type Latencies, measureLatencies, measureThroughput, median, percentile } from "./load.ts";
import { measureLog } from "./log.ts";
import { measureRegistryAlone } from "./registry.ts";
import { type Percentiles, type Results, toMarkdown } from "./report.ts";
import { measureSchema } from "./schema.ts";
import { measureSdk } from "./sdk.ts";
import { type ServerProcess, startServer, writeKey } from "./server.ts";
import { makeBatches, root } from "./shape.ts";
import { measureWays } from "./ways.ts";

const roundCount = Number(process.env["BENCH_ROUNDS"] ?? 5);
const roundSeconds = Number(process.env["BENCH_SECONDS"] ?? 8);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const percentiles = (sorted: readonly number[]): Percentiles => ({
  p50: percentile(sorted, 0.5),
  p99: percentile(sorted, 0.99),
  count: sorted.length,
});

say("ceiling of one thread ...");
const ceiling = await measureCeiling(5);
say("starting the server ...");
const server: ServerProcess = await startServer();
const batches = makeBatches(2000, writeKey);
await new Promise((resolve) => setTimeout(resolve, 1500));
const idleMb = server.memoryMb();
say(`ready after ${Math.round(server.startMs)} ms, idle at ${idleMb} MB; warming up ...`);
await measureThroughput(server, batches, 4);
const threaded: ServerProcess = await startServer({ FRESHET_COLLECTOR: "thread" });
await measureThroughput(threaded, batches, 4);
const rounds: number[] = [];
const threadedRounds: number[] = [];
for (let round = 0; round < roundCount; round++) {
  rounds.push(await measureThroughput(server, batches, roundSeconds));
  threadedRounds.push(await measureThroughput(threaded, batches, roundSeconds));
  const [events, inTwo] = [rounds, threadedRounds].map((all) => Math.round(all.at(-1) ?? 0));
  say(`round ${round + 1}: ${events} durable and applied events/s, ${inTwo} in two threads`);
}
await threaded.stop();
const throughput = median(rounds);
// Webhooks of the rounds above are another load than the one that is measured next.
while (((await server.metrics()).get("freshet_outbox_waiting") ?? 0) > 0)
  await new Promise((resolve) => setTimeout(resolve, 200));
say(`latencies at half load (${Math.round(throughput / 2)} events/s) ...`);
const latencies: Latencies = await measureLatencies(server, batches, {
  eventsPerSecond: throughput / 2,
  seconds: roundSeconds * 2,
});
const loadedMb = server.memoryMb();
const metrics = await server.metrics();
await server.stop();
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
  startMs: server.startMs,
  idleMb,
  loadedMb,
  rounds,
  throughput,
  threadedThroughput: median(threadedRounds),
  halfLoad: latencies.sentPerSecond,
  ack: percentiles(latencies.ack),
  visible: percentiles(latencies.visible),
  decide: percentiles(latencies.decide),
  bytesPerEvent:
    (metrics.get("freshet_log_bytes") ?? 0) / (metrics.get("freshet_events_received_total") ?? 1),
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
