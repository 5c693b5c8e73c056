import type { Json } from "@freshet/protocol";
import { resolveReferences } from "./reference.ts";
import type { CompatibilityLevel, KnownSchema, SchemaContent, SchemaTypes } from "./schema.ts";
import { configInForce, type SubjectConfig } from "./settings.ts";
import { contentOf, type RegistryReader, type SubjectVersion } from "./state.ts";

/** A schema that has been understood, and what is kept of it. */
export interface Candidate {
  readonly content: SchemaContent;
  readonly known: KnownSchema;
}

/**
 * Why a schema may not follow the versions given, by the level in force for the subject; empty where it may. Only the
 * newest of them counts unless the level is transitive.
 */
export function incompatibilities(
  state: RegistryReader,
  types: SchemaTypes,
  subject: string,
  candidate: Candidate,
  versions: readonly SubjectVersion[],
): string[] {
  const config = configInForce(state, subject);
  const { directions, isTransitive } = rules[config.compatibilityLevel];
  if (directions.length === 0) return [];
  const group = versions.filter(({ id }) =>
    isOfGroup(config, candidate.content, contentOf(state, id)),
  );
  const compared = isTransitive ? group.toReversed() : group.slice(-1);
  for (const { id, version } of compared) {
    const previous = contentOf(state, id);
    const found = differencesTo(state, types, { candidate, previous, directions });
    if (found.length > 0) return [...found, ...about(version, previous, config)];
  }
  return [];
}

const rules: {
  readonly [level in CompatibilityLevel]: {
    readonly directions: readonly ("backward" | "forward")[];
    readonly isTransitive: boolean;
  };
} = {
  NONE: { directions: [], isTransitive: false },
  BACKWARD: { directions: ["backward"], isTransitive: false },
  BACKWARD_TRANSITIVE: { directions: ["backward"], isTransitive: true },
  FORWARD: { directions: ["forward"], isTransitive: false },
  FORWARD_TRANSITIVE: { directions: ["forward"], isTransitive: true },
  FULL: { directions: ["backward", "forward"], isTransitive: false },
  FULL_TRANSITIVE: { directions: ["backward", "forward"], isTransitive: true },
};

function differencesTo(
  state: RegistryReader,
  types: SchemaTypes,
  compared: {
    readonly candidate: Candidate;
    readonly previous: SchemaContent;
    readonly directions: readonly ("backward" | "forward")[];
  },
): string[] {
  const { candidate, previous, directions } = compared;
  if (previous.schemaType !== candidate.content.schemaType)
    return ["Incompatible because of different schema type"];
  const known = types.parse(previous, resolveReferences(state, previous));
  return directions.flatMap((direction) => types.differences(direction, candidate.known, known));
}

/** Versions whose metadata has another value for the group's property are another line of schemas. */
function isOfGroup(config: SubjectConfig, next: SchemaContent, previous: SchemaContent): boolean {
  const { compatibilityGroup } = config;
  if (compatibilityGroup === undefined) return true;
  return propertyOf(next, compatibilityGroup) === propertyOf(previous, compatibilityGroup);
}

export function propertyOf({ metadata }: SchemaContent, name: string): Json | undefined {
  const properties = metadata?.properties;
  if (typeof properties !== "object" || properties === null) return undefined;
  return Object.entries(properties).find(([known]) => known === name)?.[1];
}

/** What clients print below the reasons. */
function about(version: number, { schema }: SchemaContent, config: SubjectConfig): string[] {
  const shown = schema.length > shownCharsMax ? `${schema.slice(0, shownCharsMax)}...` : schema;
  return [
    `{oldSchemaVersion: ${version}}`,
    `{oldSchema: '${shown}'}`,
    `{compatibility: '${config.compatibilityLevel}'}`,
  ];
}

const shownCharsMax = 2000;
