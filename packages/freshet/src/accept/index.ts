export { accept, acceptEvents, acceptOpened, type OpenedRequest, openRequest } from "./accept.ts";
export { type ParsedBody, readBody } from "./body.ts";
export { applyChanges, changesMax, readChanges } from "./changes.ts";
export { cloudEventShape } from "./cloudevent.ts";
export { type Contracts, checkContracts, compileContracts } from "./contract/contracts.ts";
export type { ContractCount } from "./contract/counts.ts";
export type { ContractPolicy } from "./contract/policy.ts";
export { type Agent, agentReader, type ReadAgent } from "./edge/agent.ts";
export { createEdge, type Edge, type EdgeServices } from "./edge/edge.ts";
export { type GeoDatabase, type Locate, locator } from "./edge/geo.ts";
export { keyedHash } from "./edge/keyed-hash.ts";
export { edgeLimits } from "./edge/limits.ts";
export { keepsWhole } from "./edge/pass.ts";
export type * from "./edge/policy.ts";
export { privacyRoots } from "./edge/privacy.ts";
export { proveIdentity } from "./edge/prove.ts";
export { compileJoins, type Joins, type Table, type Tables } from "./enrich.ts";
export { type Frames, schemaIdsOf } from "./frame/frame.ts";
export { framedMedia } from "./frame/media.ts";
export type { SchemaFault, SchemaTable } from "./frame/schema.ts";
export {
  acceptHook,
  compileHooks,
  type Hook,
  type HookConfig,
  type HookRequest,
  type Hooks,
} from "./hook/hook.ts";
export type {
  HookDelivery,
  HookEvent,
  HookFunction,
  HookMap,
  HookRule,
} from "./hook/map.ts";
export type { HookScheme, HookSignature } from "./hook/signature.ts";
export type { HookPick, HookValue } from "./hook/value.ts";
export { sourceOfHeader, sourceOfKey } from "./key.ts";
export {
  isOriginAllowed,
  isOriginAllowedSomewhere,
  originFault,
  requireOrigin,
} from "./origin.ts";
export { acceptPixel, type PixelRequest } from "./pixel.ts";
export { contractCodes, type RefusedContent, readLetter } from "./read-letter.ts";
export type {
  AcceptContext,
  Accepted,
  CaptureHeaders,
  CaptureRequest,
  CaptureShape,
  EventsInput,
} from "./request.ts";
export { type ResendOutcome, resend, schemaIdsOfLetter } from "./resend.ts";
export { type SettingsInput, settingsFor } from "./settings.ts";
export { edgeOf, type Source, type Sources, sourcesOf, storedIdentifier } from "./sources.ts";
export { countTelemetry } from "./telemetry.ts";
export { parseTime } from "./time.ts";
