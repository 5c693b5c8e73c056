import type { Json, JsonObject } from "@freshet/protocol";
import { isNode, type JsonNode, type JsonSchema } from "../json/schema.ts";
import { isObject } from "../text.ts";
import { listType, literalType, objectType, type TypeWriter, unionType } from "./text.ts";

/** What a JSON Schema says that TypeScript can say too; the rest is left open. */
export function jsonType(schema: JsonSchema, writer: TypeWriter): string {
  return typeOf(schema.root, { schema, writer, open: new Set() });
}

interface Place {
  readonly schema: JsonSchema;
  readonly writer: TypeWriter;
  /** Schemas that this one is inside of. */
  readonly open: ReadonlySet<JsonNode>;
}

function typeOf(node: JsonNode, outer: Place): string {
  if (node === true) return "unknown";
  if (node === false) return "never";
  if (outer.open.has(node) || !outer.writer.spend()) return "unknown";
  const place = { ...outer, open: new Set([...outer.open, node]) };
  const target = outer.schema.documents.target(node);
  if (target !== undefined) return typeOf(target, place);
  if (node["const"] !== undefined) return literalType(node["const"]);
  const { enum: values } = node;
  if (Array.isArray(values)) return unionType((values as readonly Json[]).map(literalType));
  for (const keyword of ["oneOf", "anyOf"]) {
    const choices = nodesOf(node[keyword]);
    if (choices.length > 0 && node["type"] === undefined)
      return unionType(choices.map((choice) => typeOf(choice, place)));
  }
  const all = nodesOf(node["allOf"]).map((part) => typeOf(part, place));
  const own = ownType(node, place);
  const parts = [...new Set([own, ...all])].filter((type) => type !== "unknown");
  if (parts.length < 2) return parts[0] ?? "unknown";
  return parts.map((type) => (type.includes(" | ") ? `(${type})` : type)).join(" & ");
}

function ownType(node: JsonObject, place: Place): string {
  const { type } = node;
  if (type === undefined) return isObject(node["properties"]) ? objectOf(node, place) : "unknown";
  const kinds = (Array.isArray(type) ? type : [type]) as readonly Json[];
  return unionType(kinds.map((kind) => kindType(kind, node, place)));
}

function kindType(kind: Json, node: JsonObject, place: Place): string {
  switch (kind) {
    case "string":
    case "boolean":
    case "null":
      return kind;
    case "number":
    case "integer":
      return "number";
    case "array": {
      const { items } = node;
      return listType(isNode(items) ? typeOf(items, place) : "unknown");
    }
    case "object":
      return objectOf(node, place);
    default:
      return "unknown";
  }
}

function objectOf(node: JsonObject, place: Place): string {
  const { properties, required, additionalProperties: others } = node;
  const names = Array.isArray(required) ? (required as readonly Json[]) : [];
  const members = Object.entries(isObject(properties) ? properties : {}).map(([name, part]) => ({
    name,
    type: isNode(part) ? typeOf(part, place) : "unknown",
    isOptional: !names.includes(name),
  }));
  if (members.length === 0 && isObject(others))
    return `{ readonly [name: string]: ${typeOf(others, place)} }`;
  return objectType(members, others === false ? "closed" : "open");
}

function nodesOf(value: Json | undefined): readonly JsonNode[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isNode) : [];
}
