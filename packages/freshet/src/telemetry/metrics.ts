import {
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  Registry,
} from "prom-client";
import {
  type ContractReading,
  createContractMetrics,
  createEdgeMetrics,
  createEngineMetrics,
  type EdgeReading,
  type EngineReading,
} from "./engine-metrics.ts";
import { createFeedMetrics, type FeedStatus } from "./feed-metrics.ts";
import {
  createRegistryMetrics,
  type RegistryMetrics,
  type RegistryReading,
} from "./registry-metrics.ts";

/** What `/metrics` shows besides what is counted as it happens: read once, so that its figures agree. */
export interface Reading extends EngineReading {
  readonly streamConnections: number;
  readonly socketConnections: number;
  readonly requestBytesInFlight: number;
  readonly requestsHeld: number;
  readonly edges: readonly EdgeReading[];
  readonly contracts: Iterable<ContractReading>;
  readonly feeds: readonly FeedStatus[];
  readonly registry: RegistryReading | undefined;
}

export interface RequestMeasure {
  /** The route's pattern, never the path as it came: labels must stay few. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
  readonly kind: "capture" | "decide" | "other";
}

/** What is counted as it happens, as data: another thread's is added to this one's. */
export type HeardSeries = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>;

/** Counts as things happen. */
export interface HeardMetrics {
  request(measure: RequestMeasure): void;
  /** A request that its client had sent before: `count` is its `X-Retry-Count`. */
  clientRetry(count: number): void;
  sdkTelemetry(series: number): void;
  streamDropped(): void;
  alert(name: string): void;
  /** An id of a message that was not known yet was asked for. */
  schemaLookup(outcome: SchemaLookup): void;
  /** What was counted so far. */
  series(): Promise<HeardSeries>;
}

export interface Metrics extends HeardMetrics {
  readonly registry: Pick<RegistryMetrics, "request" | "job" | "contracts">;
  /** The text of Prometheus, with every figure of `read` from one moment. `others` counted as this one does. */
  text(read: () => Reading, others?: readonly HeardSeries[]): Promise<string>;
  readonly contentType: string;
}

export type SchemaLookup = "found" | "unknown" | "unusable" | "failed";

/** One registry a server, so that several can run in one process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const engine = createEngineMetrics(registry);
  const live = liveGauges(registry);
  const feeds = createFeedMetrics(registry);
  const edges = createEdgeMetrics(registry);
  const contracts = createContractMetrics(registry);
  const schemas = createRegistryMetrics(registry);
  const heard = createHeardMetrics();
  let scrape: Promise<unknown> = Promise.resolve();
  return {
    ...heard,
    registry: schemas,
    contentType: registry.contentType,
    // One after the other: a second reading must not change figures that the first is still writing down.
    text(read, others = []) {
      const next = scrape.then(() => {
        const reading = read();
        engine(reading);
        live(reading);
        feeds(reading.feeds);
        edges(reading.edges);
        contracts(reading.contracts);
        schemas.read(reading.registry);
        return textOf(registry, heard, others);
      });
      scrape = next.catch(() => {});
      return next;
    },
  };
}

async function textOf(
  registry: Registry,
  heard: HeardMetrics,
  others: readonly HeardSeries[],
): Promise<string> {
  const own = await registry.metrics();
  const sum = AggregatorRegistry.aggregate([
    await heard.series(),
    ...others,
  ] as unknown as object[]);
  return `${own}\n${await sum.metrics()}`;
}

function liveGauges(registry: Registry): (reading: Reading) => void {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const streams = gauge("freshet_stream_connections", "Open event streams");
  const sockets = gauge("freshet_socket_connections", "Open capture sockets");
  const bytes = gauge("freshet_request_bytes_in_flight", "Bytes of request bodies held in memory");
  const held = gauge("freshet_requests_held", "Requests that wait for back-pressure to ease");
  return (reading) => {
    streams.set(reading.streamConnections);
    sockets.set(reading.socketConnections);
    bytes.set(reading.requestBytesInFlight);
    held.set(reading.requestsHeld);
  };
}

/** From what a disk sync takes to what makes clients time out. */
const latencyBuckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/** For a thread that has nothing to show by itself. */
export function createHeardMetrics(): HeardMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: "freshet_http_requests_total",
    help: "Requests by route, method and status",
    labelNames: ["route", "method", "status"],
    registers,
  });
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, buckets: [...latencyBuckets], registers });
  const capture = histogram(
    "freshet_capture_ack_seconds",
    "From the head of a capture request to its acknowledgement, which is after the disk",
  );
  const decide = histogram("freshet_decide_seconds", "From the head of a decision to its answer");
  const retries = new Counter({
    name: "freshet_client_retries_total",
    help: "Requests that said X-Retry-Count, by which try it was",
    labelNames: ["attempt"],
    registers,
  });
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const series = counter(
    "freshet_sdk_telemetry_series_total",
    "Series that SDKs told of themselves",
  );
  const dropped = counter(
    "freshet_streams_dropped_total",
    "Event streams cut for reading too slowly",
  );
  const alerts = new Counter({
    name: "freshet_alerts_total",
    help: "Alerts of the engine by name",
    labelNames: ["name"],
    registers,
  });
  const lookups = new Counter({
    name: "freshet_schema_lookups_total",
    help: "Schema ids of messages that were asked for: found, unknown, unusable, failed",
    labelNames: ["outcome"],
    registers,
  });
  return {
    request({ route, method, status, seconds, kind }) {
      requests.inc({ route, method, status: String(status) });
      if (kind === "capture") capture.observe(seconds);
      if (kind === "decide") decide.observe(seconds);
    },
    clientRetry: (count) => retries.inc({ attempt: count >= 4 ? "4+" : String(count) }),
    sdkTelemetry: (count) => series.inc(count),
    streamDropped: () => dropped.inc(),
    alert: (name) => alerts.inc({ name }),
    schemaLookup: (outcome) => lookups.inc({ outcome }),
    series: () => registry.getMetricsAsJSON(),
  };
}
