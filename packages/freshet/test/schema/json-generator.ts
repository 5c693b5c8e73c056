import type { Json, JsonObject } from "@freshet/protocol";
import type { Random } from "../../src/testing/random.ts";

/** Random JSON Schemas, changes to them, and values that try their edges. */
type Schema = { [keyword: string]: Json };

const names = ["a", "b", "c", "constructor"];
const texts = ["", "a", "ab", "abc", "x1", "2026-05-04", "ana@example.com", "😀"];
const numbers = [0, 1, 2, 3, 5, 10, -1, 0.5, 2.5, 100];
const patterns = ["^a", "^[a-z]+$", "\\d"];

export interface JsonOptions {
  /** With `allOf`, `anyOf`, `oneOf`, `not`, conditions and `contains`. */
  readonly hasChoices: boolean;
}

export function randomJsonSchema(random: Random, options: JsonOptions): JsonObject {
  const schema = objectSchema(random, 3, options);
  // Never a reference itself: that could have no end.
  const definition = random.pick([textSchema, objectSchema, arraySchema]);
  schema["definitions"] = { d: definition(random, 1, options) };
  return schema;
}

function nodeOf(random: Random, depth: number, options: JsonOptions): Schema {
  if (options.hasChoices && random.chance(0.2)) return choiceOf(random, depth - 1, options);
  const roll = depth <= 0 ? random.below(6) : random.below(10);
  if (roll === 0) return random.chance(0.3) ? {} : { type: random.pick(["null", "boolean"]) };
  if (roll <= 2) return textSchema(random);
  if (roll <= 4) return numberSchema(random);
  if (roll === 5) return listedSchema(random);
  if (roll === 6) return { $ref: random.pick(["#", "#/definitions/d"]) };
  return roll <= 8 ? objectSchema(random, depth, options) : arraySchema(random, depth, options);
}

function textSchema(random: Random): Schema {
  const schema: Schema = { type: "string" };
  if (random.chance(0.3)) schema["minLength"] = random.below(3);
  if (random.chance(0.3)) schema["maxLength"] = 3 + random.below(9);
  if (random.chance(0.2)) schema["pattern"] = random.pick(patterns);
  else if (random.chance(0.1)) schema["format"] = random.pick(["date", "email"]);
  return schema;
}

function numberSchema(random: Random): Schema {
  const schema: Schema = { type: random.pick(["integer", "number"]) };
  if (random.chance(0.3))
    schema[random.pick(["minimum", "exclusiveMinimum"])] = random.pick([-5, 0, 1]);
  if (random.chance(0.3))
    schema[random.pick(["maximum", "exclusiveMaximum"])] = random.pick([5, 10, 100]);
  if (random.chance(0.15)) schema["multipleOf"] = random.pick([1, 2, 0.5, 5]);
  return schema;
}

function listedSchema(random: Random): Schema {
  const pool: Json[] = ["a", "ab", 1, 2, null, true];
  const values = pool.filter(() => random.chance(0.5));
  if (values.length === 0) return { const: "a" };
  return { enum: values };
}

function objectSchema(random: Random, depth: number, options: JsonOptions): Schema {
  const own = names.filter(() => random.chance(0.6));
  const properties = Object.fromEntries(
    own.map((name) => [name, nodeOf(random, depth - 1, options)]),
  );
  const required = own.filter((name) => random.chance(0.3) && !leadsBack(properties[name]));
  const schema: Schema = { type: "object", properties };
  if (required.length > 0) schema["required"] = required;
  if (random.chance(0.4))
    schema["additionalProperties"] = random.chance(0.7) ? false : textSchema(random);
  if (random.chance(0.15)) schema["patternProperties"] = { "^b": textSchema(random) };
  if (random.chance(0.1)) schema["maxProperties"] = 2 + random.below(3);
  return schema;
}

/** What is required of itself has no end. */
function leadsBack(schema: Json | undefined): boolean {
  return JSON.stringify(schema ?? null).includes('"#"');
}

function arraySchema(random: Random, depth: number, options: JsonOptions): Schema {
  const schema: Schema = { type: "array" };
  if (random.chance(0.3)) {
    schema["items"] = [nodeOf(random, depth - 1, options), nodeOf(random, depth - 1, options)];
    if (random.chance(0.5))
      schema["additionalItems"] = random.chance(0.5) ? false : nodeOf(random, depth - 1, options);
  } else if (random.chance(0.8)) schema["items"] = nodeOf(random, depth - 1, options);
  if (random.chance(0.2)) schema["maxItems"] = 2 + random.below(2);
  if (random.chance(0.2)) schema["minItems"] = random.below(2);
  if (random.chance(0.2)) schema["uniqueItems"] = true;
  // The judge itself takes an empty array for one that contains what is asked where `items` is a list.
  if (options.hasChoices && !Array.isArray(schema["items"]) && random.chance(0.2))
    schema["contains"] = nodeOf(random, 0, options);
  return schema;
}

function choiceOf(random: Random, depth: number, options: JsonOptions): Schema {
  const node = () => nodeOf(random, depth - 1, { hasChoices: false });
  switch (random.below(6)) {
    case 0:
      return { allOf: [node(), {}] };
    case 1:
      return { not: node() };
    case 2:
      return Object.fromEntries([["if", node()] as const, ["then", node()] as const]);
    case 3:
      return { oneOf: [node(), node()] };
    case 4:
      return { oneOf: ["x", "y"].map((kind) => tagged(kind, nodeOf(random, depth - 1, options))) };
    default:
      return { anyOf: [node(), node(), { type: "null" }] };
  }
}

function tagged(kind: string, node: Schema): Schema {
  return { type: "object", properties: { a: { const: kind }, b: node }, required: ["a"] };
}

/** One to three changes somewhere inside. */
export function changedJsonSchema(
  random: Random,
  schema: JsonObject,
  options: JsonOptions,
): JsonObject {
  const copy = structuredClone(schema) as Schema;
  for (let count = 1 + random.below(3); count > 0; count--) {
    const places: Schema[] = [];
    collect(copy, places);
    change(random, random.pick(places), options);
  }
  return copy;
}

function collect(node: Json | undefined, places: Schema[]): void {
  if (Array.isArray(node)) for (const item of node as Json[]) collect(item, places);
  if (typeof node !== "object" || node === null || Array.isArray(node)) return;
  const schema = node as Schema;
  if (!("$ref" in schema)) places.push(schema);
  for (const keyword of [
    "items",
    "additionalItems",
    "additionalProperties",
    "contains",
    "not",
    "if",
    "then",
    "allOf",
    "anyOf",
    "oneOf",
  ])
    collect(schema[keyword], places);
  for (const keyword of ["properties", "patternProperties", "definitions"]) {
    const map = schema[keyword];
    if (typeof map === "object" && map !== null)
      Object.values(map as Schema).forEach((one) => {
        collect(one, places);
      });
  }
}

function change(random: Random, schema: Schema, options: JsonOptions): void {
  const keywords = Object.keys(schema).filter((keyword) => keyword !== "definitions");
  const keyword = keywords.length === 0 ? "" : random.pick(keywords);
  const value = schema[keyword];
  if (keyword === "properties") changeProperties(random, schema, options);
  else if (random.chance(0.25) && keyword !== "type") delete schema[keyword];
  else if (typeof value === "number")
    schema[keyword] =
      keyword === "multipleOf" ? random.pick([1, 2, 4]) : Math.max(0, value + random.below(3) - 1);
  else if (keyword === "enum" || keyword === "anyOf" || keyword === "oneOf") {
    const list = value as Json[];
    if (random.chance(0.5))
      schema[keyword] = [...list, keyword === "enum" ? `z${list.length}` : { type: "boolean" }];
    else if (list.length > 1) schema[keyword] = list.slice(0, -1);
  } else if (keyword === "type") changeType(random, schema);
  else if (keyword === "required") schema["required"] = names.filter(() => random.chance(0.3));
  else if (keyword === "pattern") schema["pattern"] = random.pick(patterns);
  else if (keyword === "additionalProperties")
    schema[keyword] = random.pick<Json>([true, false, { type: "string" }]);
  else if (schema["type"] === "object") schema["additionalProperties"] = false;
  else if (schema["type"] === "string" && !("format" in schema)) schema["minLength"] = 1;
}

function changeType(random: Random, schema: Schema): void {
  const type = schema["type"];
  if (type === "null") schema["type"] = ["null", "boolean"];
  else if (type === "integer" && random.chance(0.5)) schema["type"] = "number";
  else if (type === "number" && random.chance(0.5)) schema["type"] = "integer";
  else if (typeof type === "string" && random.chance(0.5)) schema["type"] = [type, "null"];
  else if (Array.isArray(type)) schema["type"] = type[0] ?? "null";
}

function changeProperties(random: Random, schema: Schema, options: JsonOptions): void {
  const properties = { ...(schema["properties"] as Schema) };
  const name = random.pick([...names, "d"]);
  if (name in properties && Object.hasOwn(properties, name)) delete properties[name];
  else {
    // The judge takes a property that every object inherits for one that is there, and does not fill it in.
    const isFilled = !(name in Object.prototype) && random.chance(0.2);
    const node = isFilled ? { type: "string", default: "abc" } : nodeOf(random, 0, options);
    Object.defineProperty(properties, name, {
      value: node,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    if (random.chance(0.3) && !leadsBack(node))
      schema["required"] = [...((schema["required"] as Json[]) ?? []), name];
  }
  schema["properties"] = properties;
  const required = schema["required"];
  if (Array.isArray(required)) schema["required"] = [...new Set(required as string[])];
}

/** A value near to what a schema asks for: mostly of it, sometimes at or past its edges. */
export function jsonValue(
  schema: Json | undefined,
  root: JsonObject,
  random: Random,
  depth = 5,
): Json {
  if (typeof schema !== "object" || schema === null || random.chance(0.04))
    return anyValue(random, depth);
  const node = schema as Schema;
  const ref = node["$ref"];
  if (depth <= 0) return anyValue(random, 0);
  if (ref === "#") return jsonValue(root, root, random, depth - 1);
  if (typeof ref === "string")
    return jsonValue((root["definitions"] as Schema)["d"], root, random, depth - 1);
  for (const keyword of ["anyOf", "oneOf", "allOf"]) {
    const list = node[keyword];
    if (Array.isArray(list)) return jsonValue(random.pick(list as Json[]), root, random, depth - 1);
  }
  if (node["then"] !== undefined && random.chance(0.5))
    return jsonValue(node["then"], root, random, depth - 1);
  if (node["if"] !== undefined && random.chance(0.5))
    return jsonValue(node["if"], root, random, depth - 1);
  if (Object.hasOwn(node, "const")) return node["const"] ?? null;
  if (Array.isArray(node["enum"])) return random.pick(node["enum"] as Json[]);
  const type = Array.isArray(node["type"]) ? random.pick(node["type"] as Json[]) : node["type"];
  switch (type) {
    case "string":
      return random.pick(textsFor(node, random));
    case "integer":
    case "number":
      return random.pick(numbersFor(node));
    case "object":
      return objectValue(node, root, random, depth);
    case "array":
      return arrayValue(node, root, random, depth);
    case "boolean":
      return random.chance(0.5);
    case "null":
      return null;
    default:
      return anyValue(random, depth);
  }
}

function textsFor(node: Schema, random: Random): string[] {
  const lengths = [node["minLength"], node["maxLength"]].filter((one) => typeof one === "number");
  const sized = lengths.flatMap((length) => [length, length + 1, Math.max(0, length - 1)]);
  return [
    ...texts,
    ...sized.map((length) => random.pick(["a", "1", "A"]).repeat(length)),
    "a1",
    "b",
    "A",
  ];
}

function numbersFor(node: Schema): number[] {
  const bounds = Object.values(node).filter((value) => typeof value === "number");
  return [
    ...numbers,
    ...bounds.flatMap((bound) => [bound, bound + 1, bound - 1, bound + 0.5, bound * 2, bound * 3]),
  ];
}

function objectValue(node: Schema, root: JsonObject, random: Random, depth: number): Json {
  const properties = (node["properties"] ?? {}) as Schema;
  const required = (node["required"] ?? []) as string[];
  const value: Schema = {};
  for (const name of new Set([...Object.keys(properties), ...required])) {
    const isRequired = required.includes(name);
    if (!isRequired && random.chance(0.4)) continue;
    if (isRequired && random.chance(0.04)) continue;
    const own = Object.hasOwn(properties, name) ? properties[name] : true;
    Object.defineProperty(value, name, {
      value: jsonValue(own, root, random, depth - 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  const isClosed = node["additionalProperties"] === false;
  if (random.chance(isClosed ? 0.1 : 0.5)) {
    const name = random.pick([...names, "bb", "d", "e"]);
    const rest =
      node["patternProperties"] !== undefined && name.startsWith("b")
        ? (node["patternProperties"] as Schema)["^b"]
        : node["additionalProperties"];
    if (!Object.hasOwn(value, name))
      Object.defineProperty(value, name, {
        value: jsonValue(rest, root, random, depth - 1),
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }
  return value;
}

function arrayValue(node: Schema, root: JsonObject, random: Random, depth: number): Json {
  const length = random.below(4);
  const items = node["items"];
  return Array.from({ length }, (_, at) => {
    const own = Array.isArray(items) ? (items[at] ?? node["additionalItems"]) : items;
    return jsonValue(own, root, random, depth - 1);
  });
}

function anyValue(random: Random, depth: number): Json {
  const flat: Json[] = [null, true, false, ...numbers, ...texts];
  if (depth <= 0 || random.chance(0.7)) return random.pick(flat);
  return random.chance(0.5) ? [anyValue(random, 0)] : { [random.pick(names)]: anyValue(random, 0) };
}
