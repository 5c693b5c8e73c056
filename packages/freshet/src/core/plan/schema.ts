import { type Json, readJson } from "@freshet/protocol";
import type { PropertyDefinition, SchemaDefinition } from "./definition.ts";
import { avroProperties, jsonSchemaProperties } from "./derive.ts";
import { PlanError, withOrigin } from "./error.ts";
import type {
  AnyProperties,
  AvroProperties,
  AvroSchemaLiteral,
  JsonSchemaLiteral,
  JsonSchemaProperties,
} from "./schema-type.ts";

/** A schema that declares an event; `Properties` carries the types of its properties, where they are known. */
export interface Schema<Properties> {
  readonly definition: SchemaDefinition;
  readonly properties: { readonly [name: string]: PropertyDefinition };
  /** Never set: carries the types only. */
  readonly type?: Properties;
}

/**
 * A JSON Schema of an event's properties, drafts 4 to 2020-12 (7 where it names none). Types of properties follow from
 * a literal; with a text they are said: `jsonSchema<{ total: number }>(text)`.
 */
export function jsonSchema<const S extends JsonSchemaLiteral>(
  schema: S,
): Schema<JsonSchemaProperties<S>>;
export function jsonSchema<Properties = AnyProperties>(text: string): Schema<Properties>;
export function jsonSchema(schema: JsonSchemaLiteral | string): Schema<unknown> {
  return schemaOf("JSON", schema, jsonSchemaProperties);
}

/** An Avro record of an event's properties. Types follow from a literal, as with `jsonSchema`. */
export function avroSchema<const S extends AvroSchemaLiteral>(schema: S): Schema<AvroProperties<S>>;
export function avroSchema<Properties = AnyProperties>(text: string): Schema<Properties>;
export function avroSchema(schema: AvroSchemaLiteral | string): Schema<unknown> {
  return schemaOf("AVRO", schema, avroProperties);
}

/**
 * A message of a Protobuf file, the first one unless said. Events are held against Protobuf's JSON mapping with the
 * names of the file.
 */
export function protobufSchema<Properties = AnyProperties>(
  text: string,
  options: { readonly message?: string } = {},
): Schema<Properties> {
  const { message } = options;
  const definition = { language: "PROTOBUF", text, ...(message === undefined ? {} : { message }) };
  return { definition: withOrigin(definition as SchemaDefinition), properties: {} };
}

function schemaOf(
  language: "JSON" | "AVRO",
  schema: object | string,
  derive: (schema: Json) => Schema<unknown>["properties"],
): Schema<unknown> {
  const text = typeof schema === "string" ? schema : textOf(schema);
  const definition = withOrigin({ language, text } satisfies SchemaDefinition);
  return { definition, properties: derive(parsed(text)) };
}

/** What TypeScript lets into a literal, and JSON does not have, would be left out without a word. */
function textOf(schema: object): string {
  try {
    return JSON.stringify(schema, (key, value: unknown) => {
      if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint")
        throw new Error(`"${key}" is a ${typeof value}`);
      return value;
    });
  } catch (cause) {
    throw new PlanError(
      `the schema is not plain data: ${cause instanceof Error ? cause.message : String(cause)}`,
      "write it as JSON would have it",
      new Error("made here").stack,
    );
  }
}

/** A text that is no JSON is told where the plan is checked, with the limits that hold for schemas. */
function parsed(text: string): Json {
  try {
    return readJson(text) as Json;
  } catch {
    return null;
  }
}
