import type { Json, JsonObject } from "@freshet/protocol";
import type { SchemaTexts } from "../schema.ts";
import type { JsonDocuments } from "./document.ts";

export type Draft = "4" | "6" | "7" | "2019-09" | "2020-12";

/** A parsed JSON Schema with what it refers to. */
export interface JsonSchema extends SchemaTexts {
  readonly type: "JSON";
  readonly draft: Draft;
  readonly root: JsonNode;
  readonly documents: JsonDocuments;
}

/** A subschema: an object of keywords, or everything, or nothing. */
export type JsonNode = JsonObject | boolean;

export function isNode(value: Json | undefined): value is JsonNode {
  return (
    typeof value === "boolean" ||
    (typeof value === "object" && value !== null && !Array.isArray(value))
  );
}
