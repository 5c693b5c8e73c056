import type { Json, JsonObject } from "@freshet/protocol";
import { isObject } from "../../text.ts";
import type { JsonDocuments } from "../document.ts";
import { mapOfSchemas, references } from "../keywords.ts";

/** Keywords that say nothing about values. */
const annotations: ReadonlySet<string> = new Set<string>([
  ...["$id", "id", "$schema", "$comment", "title", "description", "default", "examples"],
  ...["readOnly", "writeOnly", "deprecated", "$anchor", "definitions", "$defs", ...references],
]);

/** What stands under a keyword: a schema (or several), names to schemas, or a plain value. */
type Reading = "schema" | "names" | "plain";

/** Whether two schemas are the same but for annotations, with what they refer to compared instead of how. */
export function equalSchemas(
  one: Json | undefined,
  other: Json | undefined,
  documents: { readonly one: JsonDocuments; readonly other: JsonDocuments },
): boolean {
  const seen = new Map<JsonObject, Set<JsonObject>>();
  const isEqual = (a: Json | undefined, b: Json | undefined, reading: Reading): boolean => {
    if (Array.isArray(a) && Array.isArray(b))
      return a.length === b.length && a.every((item: Json, at) => isEqual(item, b[at], reading));
    if (!isObject(a) || !isObject(b)) return a === b;
    const before = seen.get(a) ?? new Set();
    seen.set(a, before);
    // One difference anywhere ends it all, so a pair that was begun counts as equal.
    if (before.has(b)) return true;
    before.add(b);
    if (
      reading === "schema" &&
      !isEqual(documents.one.target(a), documents.other.target(b), reading)
    )
      return false;
    const keys = keysOf(a, reading);
    return (
      keys.length === keysOf(b, reading).length &&
      keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key], inside(key, reading)))
    );
  };
  return isEqual(one, other, "schema");
}

function keysOf(node: JsonObject, reading: Reading): readonly string[] {
  const keys = Object.keys(node);
  return reading === "schema" ? keys.filter((key) => !annotations.has(key)) : keys;
}

const maps: ReadonlySet<string> = new Set<string>([...mapOfSchemas, "dependencies"]);
const plain: ReadonlySet<string> = new Set(["const", "enum", "required", "type"]);

function inside(key: string, reading: Reading): Reading {
  if (reading === "names") return "schema";
  if (reading === "plain" || plain.has(key)) return "plain";
  return maps.has(key) ? "names" : "schema";
}
