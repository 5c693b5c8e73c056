/** Whether a server speaks Segment's wire: cases as data, a runner, and the probe for Freshet. */

export { conformanceCases } from "./case/index.ts";
export type {
  ConformanceCase,
  KeyKind,
  Outage,
  Person,
  Probe,
  StoredEvent,
  Target,
} from "./case.ts";
export { freshetProbe } from "./freshet.ts";
export { countsOf, reportOf } from "./report.ts";
export { type ConformanceOptions, type ConformanceResult, runConformance } from "./run.ts";
