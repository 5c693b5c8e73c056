import type { JsonObject } from "@freshet/protocol";
import { schemaInvalid } from "../error.ts";
import { schemaLimits } from "../limits.ts";
import { isObject } from "../text.ts";
import type { JsonDocuments } from "./document.ts";
import { childrenOf } from "./document.ts";
import { inPlaceList, inPlaceOne } from "./keywords.ts";
import { isNode, type JsonNode } from "./schema.ts";

/**
 * Refuses schemas that never come to an end at one value: ones that apply to it again through their own references, and
 * ones whose references multiply (each of twenty definitions that names the next one twice is a million).
 */
export function checkInPlace(documents: JsonDocuments): void {
  const costs = new Map<JsonObject, number>();
  const open = new Set<JsonObject>();
  const costOf = (node: JsonNode): number => {
    if (typeof node === "boolean") return 1;
    const known = costs.get(node);
    if (known !== undefined) return known;
    if (open.has(node)) throw schemaInvalid("a schema refers to itself without going deeper");
    open.add(node);
    let cost = 1;
    for (const child of inPlaceOf(node, documents)) cost += costOf(child);
    open.delete(node);
    if (cost > schemaLimits.inPlaceMax)
      throw schemaInvalid(
        `more than ${schemaLimits.inPlaceMax} subschemas apply to one value: references multiply`,
      );
    costs.set(node, cost);
    return cost;
  };
  eachNode(documents, costOf);
}

/** Subschemas for the same value. */
function inPlaceOf(node: JsonObject, documents: JsonDocuments): JsonNode[] {
  const found: JsonNode[] = [];
  const target = documents.target(node);
  if (target !== undefined) found.push(target);
  for (const keyword of inPlaceOne) {
    const child = node[keyword];
    if (isNode(child)) found.push(child);
  }
  for (const keyword of inPlaceList) {
    const list = node[keyword];
    if (Array.isArray(list)) found.push(...list.filter(isNode));
  }
  for (const keyword of ["dependentSchemas", "dependencies"]) {
    const map = node[keyword];
    if (isObject(map)) found.push(...Object.values(map).filter((value) => isNode(value)));
  }
  return found;
}

/** Every subschema that the root leads to, once; not by recursion, chains of references may be long. */
function eachNode(documents: JsonDocuments, look: (node: JsonNode) => void): void {
  const seen = new Set<JsonObject>();
  const pending: JsonNode[] = [documents.root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (typeof node === "boolean" || seen.has(node)) continue;
    seen.add(node);
    look(node);
    pending.push(...childrenOf(node));
    const target = documents.target(node);
    if (target !== undefined) pending.push(target);
  }
}
