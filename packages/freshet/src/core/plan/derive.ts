import type { Json, JsonObject } from "@freshet/protocol";
import type { PropertyDefinition, PropertyKind } from "./definition.ts";

type Properties = { readonly [name: string]: PropertyDefinition };

/**
 * What a schema says of an event's own properties: names, kinds and which must be there. A summary for features and
 * people; whether an event meets the schema is judged by the schema itself.
 */
export function jsonSchemaProperties(schema: Json): Properties {
  const node = isObject(schema) ? followed(schema, schema) : {};
  const { properties } = node;
  if (!isObject(properties)) return {};
  const required = Array.isArray(node["required"]) ? (node["required"] as readonly Json[]) : [];
  return Object.fromEntries(
    Object.entries(properties).map(([name, part]) => {
      const own = isObject(part) && isObject(schema) ? followed(part, schema) : {};
      return [name, { kind: jsonKind(own), optional: !required.includes(name) }];
    }),
  );
}

/** The target of a reference within the schema, which is how generators write nested types. */
function followed(node: JsonObject, root: JsonObject): JsonObject {
  let current = node;
  for (let hops = 0; hops < hopsMax; hops++) {
    const { $ref } = current;
    if (typeof $ref !== "string" || !$ref.startsWith("#/")) return current;
    let target: Json = root;
    for (const token of $ref.slice(2).split("/")) {
      const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
      if (!isObject(target) || !Object.hasOwn(target, key)) return {};
      target = target[key] ?? null;
    }
    if (!isObject(target)) return {};
    current = target;
  }
  return {};
}

/** References may go in circles. */
const hopsMax = 20;

function jsonKind({ type, enum: values, const: only }: JsonObject): PropertyKind {
  const kinds = (Array.isArray(type) ? (type as readonly Json[]) : [type ?? null])
    .map((one) => (typeof one === "string" ? jsonKinds.get(one) : undefined))
    .filter((kind) => kind !== "null");
  if (type !== undefined) return oneOf(kinds);
  if (only !== undefined) return oneOf([kindOfValue(only)]);
  if (!Array.isArray(values)) return "any";
  return oneOf((values as readonly Json[]).filter((value) => value !== null).map(kindOfValue));
}

const jsonKinds: ReadonlyMap<string, PropertyKind | "null"> = new Map([
  ["string", "string"],
  ["number", "number"],
  ["integer", "integer"],
  ["boolean", "boolean"],
  ["array", "list"],
  ["object", "object"],
  ["null", "null"],
]);

function kindOfValue(value: Json): PropertyKind {
  if (typeof value === "string") return "string";
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return "boolean";
  if (Array.isArray(value)) return "list";
  return value === null ? "any" : "object";
}

/** Several kinds are no kind, except that whole numbers are numbers. */
function oneOf(kinds: readonly (PropertyKind | "null" | undefined)[]): PropertyKind {
  const found = new Set(kinds);
  if (found.size === 2 && found.has("number") && found.has("integer")) return "number";
  const [only] = found;
  return found.size !== 1 || only === undefined || only === "null" ? "any" : only;
}

/** Of an Avro record. Fields with a default, and those that may be null, may be absent. */
export function avroProperties(schema: Json): Properties {
  if (!isObject(schema) || !Array.isArray(schema["fields"])) return {};
  const properties: { [name: string]: PropertyDefinition } = {};
  for (const field of schema["fields"] as readonly Json[]) {
    if (!isObject(field) || typeof field["name"] !== "string") continue;
    const type = field["type"] ?? null;
    const branches = Array.isArray(type) ? (type as readonly Json[]) : [type];
    const optional = field["default"] !== undefined || branches.includes("null");
    const kinds = branches.filter((branch) => branch !== "null").map(avroKind);
    Object.defineProperty(properties, field["name"], {
      value: { kind: oneOf(kinds), optional },
      ...{ enumerable: true, configurable: true, writable: true },
    });
  }
  return properties;
}

function avroKind(type: Json): PropertyKind {
  if (typeof type === "string") return avroKinds.get(type) ?? "any";
  if (!isObject(type)) return "any";
  const { type: inner = null, logicalType } = type;
  // Those come as text or as a number.
  if (logicalType !== undefined && logicalType !== "uuid") return "any";
  return avroKind(inner);
}

const avroKinds: ReadonlyMap<string, PropertyKind> = new Map([
  ["string", "string"],
  ["bytes", "string"],
  ["fixed", "string"],
  ["enum", "string"],
  ["int", "integer"],
  ["long", "integer"],
  ["float", "number"],
  ["double", "number"],
  ["boolean", "boolean"],
  ["array", "list"],
  ["map", "object"],
  ["record", "object"],
]);

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
