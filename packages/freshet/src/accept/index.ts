export { accept, acceptEvents } from "./accept.ts";
export { type ParsedBody, readBody } from "./body.ts";
export { type Contracts, compileContracts } from "./contract.ts";
export { compileJoins, type Joins, type Table, type Tables } from "./enrich.ts";
export type {
  AcceptContext,
  Accepted,
  CaptureHeaders,
  CaptureRequest,
  CaptureShape,
  EventsInput,
} from "./request.ts";
export { type SettingsInput, settingsFor } from "./settings.ts";
export { type Source, type Sources, sourcesOf } from "./sources.ts";
export { countTelemetry } from "./telemetry.ts";
export { parseTime } from "./time.ts";
