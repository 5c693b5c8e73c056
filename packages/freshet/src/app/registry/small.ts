import { readJson } from "@freshet/protocol";
import type { SchemaText } from "../../core/registry/index.ts";

/**
 * Whether a schema is understood within 10 ms for certain, so that no thread has to be started for it: a short text
 * without references that is either Avro, whose parser's time grows with the text alone (a record of 130 fields takes
 * 9 ms at first, 1 ms later), or a JSON Schema of a flat list of properties with types, as a plan's shapes are. Any other
 * keyword of JSON Schema may multiply work, and a parser of Protobuf takes six times as long.
 */
export function isSmall({ schemaType, schema, references }: SchemaText): boolean {
  if (references.length > 0 || schema.length > smallCharsMax) return false;
  if (schemaType !== "JSON") return schemaType === "AVRO";
  try {
    return isFlat(readJson(schema));
  } catch {
    return false;
  }
}

export const smallCharsMax = 4096;

function isFlat(value: unknown): boolean {
  if (!hasOnly(value, ["title", "type", "properties", "required"])) return false;
  const { properties = {} } = value;
  if (typeof properties !== "object" || properties === null) return false;
  return Object.values(properties).every((property) => hasOnly(property, ["type"]));
}

function hasOnly(value: unknown, names: readonly string[]): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.keys(value).every((name) => names.includes(name));
}
