import type { JsonObject } from "@freshet/protocol";
import {
  formattedText,
  guidOf,
  type Registered,
  type RegistryReader,
  type SchemaContent,
  type SchemaWork,
  type SubjectConfig,
} from "../../core/registry/index.ts";

/** How a schema is to be written; undefined as it is kept. */
export type SchemaForm = string | undefined;

interface Source {
  readonly state: RegistryReader;
  readonly work: SchemaWork;
}

/** A schema alone. Avro is not named, as clients from before the other types expect. */
export async function contentView(
  source: Source,
  content: SchemaContent,
  form: SchemaForm,
): Promise<JsonObject> {
  const { schemaType, references, metadata, ruleSet } = content;
  return {
    ...(schemaType === "AVRO" ? {} : { schemaType }),
    schema: await textIn(source, content, form),
    ...(references.length === 0 ? {} : { references: references.map((one) => ({ ...one })) }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
  };
}

/** A schema as a version of a subject. */
export async function registeredView(
  source: Source,
  found: Registered,
  form: SchemaForm,
): Promise<JsonObject> {
  const { subject, version, id, content } = found;
  return {
    subject,
    version,
    id,
    guid: guidOf(content),
    ...(await contentView(source, content, form)),
  };
}

/** In a form that its type does not have, a schema is as it is kept. */
export async function textIn(
  { state, work }: Source,
  content: SchemaContent,
  form: SchemaForm,
): Promise<string> {
  return form === undefined ? content.schema : formattedText(state, work, content, form);
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
