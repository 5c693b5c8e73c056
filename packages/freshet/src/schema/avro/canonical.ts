import type { Json, JsonObject } from "@freshet/protocol";
import { isObject } from "../text.ts";

/**
 * The Parsing Canonical Form of the specification: full names, only what parsing needs, in a fixed order. Two
 * schemas with the same form read and write the same bytes.
 */
export function avroParsingForm(schema: Json): string {
  return JSON.stringify(formOf(schema, "", parsingAttributes));
}

/** What `normalize=true` registers: full names and a fixed order, with documentation, defaults and the like kept. */
export function avroNormalized(schema: Json): string {
  return JSON.stringify(formOf(schema, "", undefined));
}

const parsingAttributes = ["name", "type", "fields", "symbols", "items", "values", "size"];
const order = [...parsingAttributes, "default", "doc", "aliases"];

type Attributes = readonly string[] | undefined;

function formOf(schema: Json, space: string, only: Attributes): Json {
  if (typeof schema === "string") return fullName(schema, space);
  if (Array.isArray(schema)) return schema.map((branch: Json) => formOf(branch, space, only));
  if (!isObject(schema)) return schema;
  const type = schema["type"] ?? null;
  if (typeof type !== "string") return formOf(type, space, only);
  const name = schema["name"];
  const inside = typeof name === "string" ? spaceOf(schema, space) : space;
  const entries = attributesOf(schema, only).map(([key, value]): [string, Json] => {
    if (key === "name") return [key, fullName(String(value), inside)];
    if (key === "type") return [key, named.has(type) ? type : fullName(type, space)];
    if (key === "items" || key === "values") return [key, formOf(value, inside, only)];
    if (key === "fields" && Array.isArray(value))
      return [key, value.map((field: Json) => fieldForm(field, inside, only))];
    if (key === "aliases" && Array.isArray(value))
      return [key, value.map((alias: Json) => fullName(String(alias), inside))];
    return [key, value];
  });
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === "type") return first[1];
  return Object.fromEntries(entries);
}

function fieldForm(field: Json, space: string, only: Attributes): Json {
  if (!isObject(field)) return field;
  const entries = attributesOf(field, only && ["name", "type"]).map(
    ([key, value]): [string, Json] => [key, key === "type" ? formOf(value, space, only) : value],
  );
  return Object.fromEntries(entries);
}

/** In the specification's order, what it does not name sorted at the end. */
function attributesOf(schema: JsonObject, only: Attributes): [string, Json][] {
  const entries = Object.entries(schema).flatMap(([key, value]): [string, Json][] =>
    key === "namespace" || value === undefined || (only && !only.includes(key))
      ? []
      : [[key, value]],
  );
  const rank = (key: string): string => {
    const at = order.indexOf(key);
    return at < 0 ? `~${key}` : String.fromCharCode(at + 32);
  };
  return entries.sort(([one], [other]) => (rank(one) < rank(other) ? -1 : 1));
}

function spaceOf(schema: JsonObject, space: string): string {
  const name = String(schema["name"]);
  if (name.includes(".")) return name.slice(0, name.lastIndexOf("."));
  return typeof schema["namespace"] === "string" ? schema["namespace"] : space;
}

const named: ReadonlySet<string> = new Set(
  ["null boolean int long float double bytes string", "record error enum fixed array map"]
    .join(" ")
    .split(" "),
);

function fullName(name: string, space: string): string {
  if (named.has(name) || name.includes(".") || space === "") return name;
  return `${space}.${name}`;
}
