/** The schema registry's decisions: what its REST routes and its durable half are made of. */
export { apply, type RegistryChange } from "./change.ts";
export type { RegistryCommand, SchemaRequest } from "./command.ts";
export { textOf } from "./compatibility.ts";
export {
  decide,
  type RegistryAnswers,
  type RegistryDecision,
} from "./decide.ts";
export { RegistryError, type RegistryErrorName, registryErrors, schemaNotFound } from "./error.ts";
export { registryFaults } from "./fault.ts";
export {
  type CompatibilityLevel,
  comparedVersions,
  compatibilityLevels,
  type Direction,
  levelRules,
} from "./level.ts";
export { registryLimits } from "./limits.ts";
export { prefixOf, subjectOf, type VersionName, versionName } from "./name.ts";
export * from "./query.ts";
export { resolveReferences } from "./reference.ts";
export type { Registered } from "./register.ts";
export {
  guidOf,
  type KnownSchema,
  type ResolvedReference,
  type SchemaContent,
  type SchemaReference,
  type SchemaTypeName,
  type SchemaTypes,
  schemaTypeNames,
} from "./schema.ts";
export { configInForce, type Mode, modeInForce, modes, type SubjectConfig } from "./settings.ts";
export {
  emptyRegistry,
  globalScope,
  isLive,
  type RegistryReader,
  type RegistryState,
  referrersOf,
} from "./state.ts";
export {
  doSchemaJob,
  type SchemaJob,
  type SchemaJobAnswers,
  type SchemaText,
  type SchemaWork,
  workHere,
} from "./work.ts";
