import type { Json, JsonObject } from "@freshet/protocol";
import { isObject } from "../../text.ts";
import type { JsonDocuments } from "../document.ts";
import { type Draft, isNode, type JsonNode } from "../schema.ts";

/** One side of a comparison. */
export interface Document {
  readonly documents: JsonDocuments;
  readonly draft: Draft;
}

/** Kinds of JSON values; a number is whole or not, so that `integer` is a part of `number`. */
export type ValueKind = "null" | "boolean" | "whole" | "fraction" | "string" | "array" | "object";

const allKinds: readonly ValueKind[] = [
  ...(["null", "boolean", "whole", "fraction"] as const),
  ...(["string", "array", "object"] as const),
];

/** What is certain about every value of some schemas together. Whatever is left out only makes more values possible. */
export interface Facts {
  /** Objects of keywords that all hold. */
  readonly all: readonly JsonObject[];
  /** Lists of which at least one holds, each. */
  readonly groups: readonly (readonly JsonNode[])[];
  readonly kinds: ReadonlySet<ValueKind>;
  /** Every possible value, where they can be listed. */
  readonly values: readonly Json[] | undefined;
  /** No value at all is possible. */
  readonly isEmpty: boolean;
}

/** @param used lists that one alternative was already taken from */
export function factsOf(
  nodes: readonly JsonNode[],
  side: Document,
  used: readonly unknown[] = [],
): Facts {
  const all: JsonObject[] = [];
  const groups: (readonly JsonNode[])[] = [];
  const pending = [...nodes];
  const seen = new Set<JsonNode>();
  let isEmpty = false;
  for (let node = pending.shift(); node !== undefined; node = pending.shift()) {
    if (node === false) isEmpty = true;
    if (typeof node === "boolean" || seen.has(node)) continue;
    seen.add(node);
    const target = side.documents.target(node);
    if (target !== undefined) pending.push(target);
    if (target !== undefined && hidesSiblings(side.draft)) continue;
    all.push(node);
    pending.push(...nodesIn(node["allOf"]));
    for (const keyword of ["anyOf", "oneOf"]) {
      const group = node[keyword];
      if (group === undefined || used.includes(group)) continue;
      const alternatives = nodesIn(group);
      if (alternatives.length === 1) pending.push(...alternatives);
      else if (alternatives.length > 1) groups.push(group as JsonNode[]);
    }
  }
  let kinds = new Set(allKinds);
  for (const node of all) kinds = new Set([...kindsOf(node)].filter((kind) => kinds.has(kind)));
  const values = valuesOf(all, kinds);
  return { all, groups, kinds, values, isEmpty: isEmpty || kinds.size === 0 };
}

export function hidesSiblings(draft: Draft): boolean {
  return draft === "4" || draft === "6" || draft === "7";
}

export function nodesIn(value: Json | undefined): readonly JsonNode[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** Kinds that the keywords of one schema allow; its references and combinations are not looked at. */
export function kindsOf(node: JsonObject): ReadonlySet<ValueKind> {
  const type = node["type"];
  const named = typeof type === "string" ? [type] : Array.isArray(type) ? type : undefined;
  const kinds = new Set<ValueKind>(
    named === undefined ? allKinds : named.flatMap((name) => kindsOfType[String(name)] ?? []),
  );
  const listed = listedIn(node);
  if (listed === undefined) return kinds;
  const own = new Set(listed.map(kindOfValue));
  return new Set([...kinds].filter((kind) => own.has(kind)));
}

const kindsOfType: { readonly [type: string]: readonly ValueKind[] } = {
  null: ["null"],
  boolean: ["boolean"],
  integer: ["whole"],
  number: ["whole", "fraction"],
  string: ["string"],
  array: ["array"],
  object: ["object"],
};

export function kindOfValue(value: Json): ValueKind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "whole" : "fraction";
  return typeof value as "boolean" | "string" | "object";
}

/** The values of `enum` or `const`. */
export function listedIn(node: JsonObject): readonly Json[] | undefined {
  if (Object.hasOwn(node, "const")) return [node["const"] ?? null];
  return Array.isArray(node["enum"]) ? (node["enum"] as readonly Json[]) : undefined;
}

function valuesOf(all: readonly JsonObject[], kinds: ReadonlySet<ValueKind>) {
  for (const node of all) {
    const listed = listedIn(node);
    if (listed !== undefined) return listed.filter((value) => kinds.has(kindOfValue(value)));
  }
  const values: Json[] = [];
  for (const kind of kinds) {
    if (kind === "null") values.push(null);
    else if (kind === "boolean") values.push(true, false);
    else return undefined;
  }
  return values;
}

/** Schemas of the value of one property: none where anything goes. */
export function propertyNodes(
  all: readonly JsonObject[],
  name: string,
  matches: Matches,
): JsonNode[] {
  return all.flatMap((node) => piecesFor(node, name, matches));
}

export type Matches = (pattern: string, name: string) => boolean;

/** Subschemas of one schema that hold for a property of this name. */
export function piecesFor(node: JsonObject, name: string, matches: Matches): JsonNode[] {
  const pieces: JsonNode[] = [];
  const own = objectAt(node, "properties");
  if (Object.hasOwn(own, name)) pieces.push(own[name] as JsonNode);
  for (const [pattern, piece] of Object.entries(objectAt(node, "patternProperties")))
    if (isNode(piece) && matches(pattern, name)) pieces.push(piece);
  const rest = node["additionalProperties"];
  if (pieces.length === 0 && isNode(rest)) pieces.push(rest);
  return pieces.filter(isNode);
}

export function objectAt(node: JsonObject, keyword: string): JsonObject {
  const value = node[keyword];
  return isObject(value) ? value : {};
}

export function textsAt(node: JsonObject, keyword: string): readonly string[] {
  const value = node[keyword];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

export function numberAt(node: JsonObject, keyword: string): number | undefined {
  const value = node[keyword];
  return typeof value === "number" ? value : undefined;
}
