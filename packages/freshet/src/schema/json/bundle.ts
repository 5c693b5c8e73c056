import type { Json } from "@freshet/protocol";
import { isObject } from "../text.ts";
import type { JsonDocuments } from "./document.ts";
import { definitions, listOfSchemas, mapOfSchemas, oneSchema, references } from "./keywords.ts";
import type { Draft, JsonNode } from "./schema.ts";
import { isNode } from "./schema.ts";

/** The keyword that counts how often schemas are entered by reference. */
export const stepKeyword = "freshetStep";

/**
 * A schema as one document: what its references lead to stands in its definitions under names of ours, and no
 * address of the user's is left for a library to resolve.
 */
export function bundle(node: JsonNode, documents: JsonDocuments, draft: Draft): JsonNode {
  const names = new Map<JsonNode, string>();
  const pending: JsonNode[] = [];
  const made: { [name: string]: Json } = {};
  const copying: Copying = {
    hidesSiblings: draft === "4" || draft === "6" || draft === "7",
    documents,
    nameOf(target) {
      const known = names.get(target);
      if (known !== undefined) return known;
      const name = `d${names.size}`;
      names.set(target, name);
      pending.push(target);
      return name;
    },
  };
  const root = copyOf(node, copying);
  for (let next = pending.pop(); next !== undefined; next = pending.pop())
    made[copying.nameOf(next)] = copyOf(next, copying);
  if (typeof root === "boolean" || names.size === 0) return root;
  return { ...root, definitions: made };
}

interface Copying {
  /** Up to draft 7 nothing beside a reference counts. */
  readonly hidesSiblings: boolean;
  readonly documents: JsonDocuments;
  nameOf(target: JsonNode): string;
}

function copyOf(node: JsonNode, copying: Copying): JsonNode {
  if (typeof node === "boolean") return node;
  const target = copying.documents.target(node);
  const reference =
    target === undefined
      ? {}
      : { $ref: `#/definitions/${copying.nameOf(target)}`, [stepKeyword]: true };
  if (target !== undefined && copying.hidesSiblings) return reference;
  const copy: { [keyword: string]: Json } = {};
  for (const [keyword, value] of Object.entries(node)) {
    if (value === undefined || dropped.has(keyword)) continue;
    copy[keyword] = copyKeyword(keyword, value, copying);
  }
  moveContains(copy);
  return Object.assign(copy, reference);
}

/** Beside a list of `items` the validator (8.20) does not ask an empty array what it contains. */
function moveContains(copy: { [keyword: string]: Json }): void {
  if (!Array.isArray(copy["items"]) || copy["contains"] === undefined) return;
  const moved: { [keyword: string]: Json } = {};
  for (const keyword of ["contains", "minContains", "maxContains"]) {
    if (copy[keyword] !== undefined) moved[keyword] = copy[keyword];
    delete copy[keyword];
  }
  const others = copy["allOf"];
  copy["allOf"] = [...(Array.isArray(others) ? others : []), moved];
}

/** Addresses, and what says nothing about values. */
const dropped: ReadonlySet<string> = new Set([
  ...["$id", "id", "$schema", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary"],
  ...["$comment", "title", "description", "examples", "default", "deprecated", stepKeyword],
  // Words that the validator would take for its own.
  ...["nullable", "discriminator", "$async", "formatMinimum", "formatMaximum"],
  ...["formatExclusiveMinimum", "formatExclusiveMaximum"],
  ...definitions,
  ...references,
]);

const one: ReadonlySet<string> = new Set<string>([...oneSchema, "items"]);
const list: ReadonlySet<string> = new Set<string>([...listOfSchemas, "items"]);
const map: ReadonlySet<string> = new Set<string>([...mapOfSchemas, "dependencies"]);

function copyKeyword(keyword: string, value: Json, copying: Copying): Json {
  if (one.has(keyword) && isNode(value)) return copyOf(value, copying);
  if (list.has(keyword) && Array.isArray(value))
    return value.map((item: Json) => (isNode(item) ? copyOf(item, copying) : item));
  if (map.has(keyword) && isObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        isNode(item) ? copyOf(item, copying) : (item ?? null),
      ]),
    );
  return value;
}
