/** The collector's thread: reads the configuration, opens its port and answers requests until it is told to close. */
import { randomUUID } from "node:crypto";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { Sources } from "../../accept/index.ts";
import { systemClock } from "../../adapters/clock/system.ts";
import type { CompiledPlan } from "../../core/plan/compile.ts";
import { type Collector, createCollector } from "../../server/collect/collector.ts";
import type { CollectorReading } from "../../server/options.ts";
import { createHeardMetrics, createLogger } from "../../telemetry/index.ts";
import { createSources } from "../edge.ts";
import { openGeoFile } from "../geo.ts";
import { loadKeptPlan } from "../load.ts";
import { readSettings } from "../settings.ts";
import {
  type CollectorOpening,
  type CollectorStart,
  type CollectorState,
  type FromCollector,
  problemOf,
  type SchemaAnswer,
  type ToCollector,
} from "./message.ts";
import { RemoteAppend } from "./remote-append.ts";
import { RemoteSchemas } from "./remote-schemas.ts";

const port = parentPort as MessagePort;
const start = workerData as CollectorStart;
const settings = await readSettings(start.place);
const geo = settings.geo === undefined ? undefined : openGeoFile(settings.geo.file);
const logger = createLogger({ level: settings.logLevel });
const metrics = createHeardMetrics();
const inFlight = new Int32Array(start.inFlight);
let questionId = 0;

port.once("message", (message: ToCollector) => {
  if (message.kind === "open") open(message.opening).catch(fail);
  else port.close();
});

function send(message: FromCollector, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function fail(error: unknown): void {
  send({ kind: "failed", problem: problemOf(error) });
}

async function open(opening: CollectorOpening): Promise<void> {
  const sources = createSources(settings, opening.writeKey, geo?.current);
  let inForce = await planOf(opening.state);
  const log = new RemoteAppend(opening.logId, send);
  log.writeEventsAs(opening.eventsAs);
  const questions = new Map<number, (answer: SchemaAnswer) => void>();
  const schemas = new RemoteSchemas(
    (schemaId) =>
      new Promise((resolve) => {
        const id = ++questionId;
        questions.set(id, resolve);
        send({ kind: "schema", id, schemaId });
      }),
  );
  const collector = createCollector({
    engine: log,
    plan: () => inForce.plan,
    tables: () => inForce.tables,
    partitions: () => opening.partitions,
    eventsInFlight: () => Atomics.load(inFlight, 0),
    schemaRegistry: schemas,
    socketPath: opening.socketPath,
    trustProxy: settings.trustProxy,
    clock: systemClock(),
    randomId: () => randomUUID(),
    ...{ sources, logger, metrics },
  });
  const stopWatching = geo?.watch(() => {});
  port.on("message", (message: ToCollector) => {
    switch (message.kind) {
      case "appended":
        log.appended(message.id, message.firstOffset);
        break;
      case "refused":
        log.refused(message.id, message.problem);
        break;
      case "state":
        planOf(message.state).then(
          (next) => {
            inForce = next;
            send({ kind: "done", id: message.id });
          },
          (error: unknown) => send({ kind: "done", id: message.id, problem: problemOf(error) }),
        );
        break;
      case "eventsAs":
        log.writeEventsAs(message.schema);
        break;
      case "schema":
        questions.get(message.id)?.(message.answer);
        questions.delete(message.id);
        break;
      case "reading":
        void readingOf(collector, sources).then((reading) =>
          send({ kind: "reading", id: message.id, reading }),
        );
        break;
      case "close":
        stopWatching?.();
        void collector.app.close().then(() => {
          send({ kind: "closed" });
          port.close();
        }, fail);
        break;
      case "open":
        break;
    }
  });
  const url = await collector.app.listen({ port: settings.port, host: settings.host });
  send({ kind: "listening", url });
}

interface InForce extends Pick<CollectorState, "tables"> {
  readonly plan: CompiledPlan;
}

async function planOf({ plan: hash, tables }: CollectorState): Promise<InForce> {
  const plan = await loadKeptPlan(settings.data, { hash });
  if (plan === null) throw new Error(`plan ${hash} is not in the data folder`);
  return { plan, tables };
}

async function readingOf({ gate }: Collector, sources: Sources): Promise<CollectorReading> {
  const all = [...sources.list, { name: "keyless", edge: sources.keyless }];
  return {
    series: await metrics.series(),
    edges: all.flatMap(({ name, edge }) =>
      edge === undefined ? [] : [{ source: name, counts: [...edge.counts.entries()] }],
    ),
    contracts: [...sources.contracts.entries()],
    requestBytesInFlight: gate.bytes,
    requestsHeld: gate.held,
  };
}
