import type { Json } from "@freshet/protocol";
import { comparedVersions, levelRules } from "./level.ts";
import { resolveReferences } from "./reference.ts";
import type { SchemaContent } from "./schema.ts";
import { configInForce, type SubjectConfig } from "./settings.ts";
import { contentOf, type RegistryReader, type SubjectVersion } from "./state.ts";
import type { SchemaText, SchemaWork } from "./work.ts";

/** A schema that has been understood, and what is kept of it. */
export interface Candidate {
  readonly content: SchemaContent;
  /** As it was sent. */
  readonly text: SchemaText;
}

/**
 * Why a schema may not follow the versions given, by the level in force for the subject; empty where it may. Only the
 * newest of them counts unless the level is transitive.
 */
export async function incompatibilities(
  state: RegistryReader,
  work: SchemaWork,
  subject: string,
  candidate: Candidate,
  versions: readonly SubjectVersion[],
): Promise<string[]> {
  const config = configInForce(state, subject);
  const group = versions.filter(({ id }) =>
    isOfGroup(config, candidate.content, contentOf(state, id)),
  );
  const compared = comparedVersions(config.compatibilityLevel, group).map(({ id, version }) => ({
    version,
    content: contentOf(state, id),
  }));
  if (compared.length === 0) return [];
  const found = await work.run({
    kind: "compare",
    next: candidate.text,
    previous: textsOf(state, compared),
    directions: levelRules[config.compatibilityLevel].directions,
  });
  const against = found === null ? undefined : compared[found.index];
  if (found === null || against === undefined) return [];
  return [...found.reasons, ...about(against.version, against.content, config)];
}

/** One after another, as the first that differs is the last that is asked for. */
function* textsOf(
  state: RegistryReader,
  versions: readonly { readonly content: SchemaContent }[],
): Iterable<SchemaText> {
  for (const { content } of versions) yield textOf(state, content);
}

/** A schema that is kept, with all that it reaches. */
export function textOf(state: RegistryReader, content: SchemaContent): SchemaText {
  const { schemaType, schema } = content;
  return { schemaType, schema, references: resolveReferences(state, content) };
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
