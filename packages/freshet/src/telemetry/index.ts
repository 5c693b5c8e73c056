export type { EngineReading, EngineStatus } from "./engine-metrics.ts";
export type { FeedStatus } from "./feed-metrics.ts";
export { createLogger, type Logger, type LoggerOptions } from "./logger.ts";
export {
  createHeardMetrics,
  createMetrics,
  type HeardMetrics,
  type HeardSeries,
  type Metrics,
  type Reading,
  type RequestMeasure,
  type SchemaLookup,
} from "./metrics.ts";
export type { RegistryReading, SchemaJobMeasure } from "./registry-metrics.ts";
