import type { JsonObject } from "@freshet/protocol";
import {
  guidOf,
  type Registered,
  type RegistryReader,
  resolveReferences,
  type SchemaContent,
  type SchemaTypes,
  type SubjectConfig,
} from "../../core/registry/index.ts";

/** How a schema is to be written; undefined as it is kept. */
export type SchemaForm = string | undefined;

interface Source {
  readonly state: RegistryReader;
  readonly types: SchemaTypes;
}

/** A schema alone. Avro is not named, as clients from before the other types expect. */
export function contentView(source: Source, content: SchemaContent, form: SchemaForm): JsonObject {
  const { schemaType, references, metadata, ruleSet } = content;
  return {
    ...(schemaType === "AVRO" ? {} : { schemaType }),
    schema: textIn(source, content, form),
    ...(references.length === 0 ? {} : { references: references.map((one) => ({ ...one })) }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
  };
}

/** A schema as a version of a subject. */
export function registeredView(source: Source, found: Registered, form: SchemaForm): JsonObject {
  const { subject, version, id, content } = found;
  return {
    subject,
    version,
    id,
    guid: guidOf(content),
    ...contentView(source, content, form),
  };
}

/** In a form that its type does not have, a schema is as it is kept. */
export function textIn({ state, types }: Source, content: SchemaContent, form: SchemaForm): string {
  if (form === undefined) return content.schema;
  const known = types.parse(content, resolveReferences(state, content));
  return known.formatted(form) ?? content.schema;
}

/** What was set, under the names of answers. */
export function configView(config: SubjectConfig): JsonObject {
  const { compatibilityLevel, normalize, compatibilityGroup } = config;
  return {
    ...(compatibilityLevel === undefined ? {} : { compatibilityLevel }),
    ...(normalize === undefined ? {} : { normalize }),
    ...(compatibilityGroup === undefined ? {} : { compatibilityGroup }),
  };
}
