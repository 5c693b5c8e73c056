/** The schema registry's decisions: what its REST routes and its durable half are made of. */
export { apply, type RegistryChange } from "./change.ts";
export type { RegistryCommand, SchemaRequest } from "./command.ts";
export {
  decide,
  type RegistryAnswers,
  type RegistryDecision,
} from "./decide.ts";
export { RegistryError, type RegistryErrorName, registryErrors, schemaNotFound } from "./error.ts";
export { registryLimits } from "./limits.ts";
export { prefixOf, subjectOf, type VersionName, versionName } from "./name.ts";
export * from "./query.ts";
export { resolveReferences } from "./reference.ts";
export type { Registered } from "./register.ts";
export {
  type CompatibilityLevel,
  compatibilityLevels,
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
  type RegistryReader,
  type RegistryState,
  referrersOf,
} from "./state.ts";
