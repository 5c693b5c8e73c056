import type { Json, JsonObject } from "@freshet/protocol";
import { schemaInvalid } from "../error.ts";
import { schemaLimits } from "../limits.ts";
import type { SchemaReference } from "../schema.ts";
import { isObject, parseJson } from "../text.ts";
import { definitions, listOfSchemas, mapOfSchemas, oneSchema, references } from "./keywords.ts";
import { compilePattern } from "./pattern.ts";
import { isNode, type JsonNode } from "./schema.ts";

/** A text with its subschemas known and every reference in it resolved. */
export interface JsonDocuments {
  readonly root: JsonNode;
  /** How many subschemas there are. */
  readonly nodes: number;
  /** What a schema's `$ref` (or dynamic kin, taken as static) leads to. */
  target(node: JsonObject): JsonNode | undefined;
}

/** Parses a schema and its references. Throws `schemaInvalid` for what cannot be resolved or is beyond the limits. */
export function openDocuments(text: string, others: readonly SchemaReference[]): JsonDocuments {
  const reading = new Reading(others);
  const root = reading.document(parseJson(text), "the schema", mainBase);
  for (const { name, text } of others)
    reading.document(parseJson(text), `reference "${name}"`, baseOfReference(name), name);
  const targets = reading.resolve();
  return { root, nodes: reading.nodes, target: (node) => targets.get(node) };
}

const mainBase = "freshet:///schema";

function baseOfReference(name: string): string {
  return URL.parse(name, mainBase)?.href ?? `freshet:///reference/${encodeURIComponent(name)}`;
}

/** A schema with an address of its own, and the names inside of it. */
interface Resource {
  readonly root: JsonNode;
  readonly base: string;
  readonly anchors: Map<string, JsonNode>;
}

interface Place {
  readonly resource: Resource;
  readonly whose: string;
}

class Reading {
  readonly #resources = new Map<string, Resource>();
  readonly #byName = new Map<string, Resource>();
  readonly #names: ReadonlySet<string>;
  readonly #seen = new Map<JsonObject, Place>();
  readonly #pending: { readonly node: JsonObject; readonly ref: string; readonly place: Place }[] =
    [];
  readonly #patterns = new Set<string>();
  #patternProgram = 0;

  constructor(others: readonly SchemaReference[]) {
    this.#names = new Set(others.map(({ name }) => name));
  }

  get nodes(): number {
    return this.#seen.size;
  }

  document(value: Json, whose: string, base: string, name?: string): JsonNode {
    if (!isNode(value)) throw schemaInvalid(`${whose} is neither an object nor true or false`);
    const resource: Resource = { root: value, base, anchors: new Map() };
    this.#resources.set(base, resource);
    if (name !== undefined) this.#byName.set(name, resource);
    this.#walk(value, { resource, whose });
    return value;
  }

  /** Targets of all references. Places that only a reference leads to are walked on the way. */
  resolve(): ReadonlyMap<JsonObject, JsonNode> {
    const targets = new Map<JsonObject, JsonNode>();
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop())
      targets.set(next.node, this.#find(next.ref, next.place));
    return targets;
  }

  #walk(node: JsonNode, outer: Place): void {
    if (typeof node === "boolean" || this.#seen.has(node)) return;
    if (this.#seen.size >= schemaLimits.nodesMax)
      throw schemaInvalid(`the schema has more than ${schemaLimits.nodesMax} subschemas`);
    const place = this.#name(node, outer);
    this.#seen.set(node, place);
    for (const keyword of references) {
      const ref = node[keyword];
      if (typeof ref === "string") this.#pending.push({ node, ref, place });
    }
    this.#checkPatterns(node);
    for (const child of childrenOf(node)) this.#walk(child, place);
  }

  /** Takes note of the names that a schema gives itself. */
  #name(node: JsonObject, outer: Place): Place {
    let place = outer;
    for (const keyword of ["$id", "id"]) {
      const id = node[keyword];
      if (
        typeof id !== "string" ||
        (keyword === "id" && isObject(outer.resource.root) && "$id" in outer.resource.root)
      )
        continue;
      if (id.startsWith("#")) place.resource.anchors.set(id.slice(1), node);
      else if (node !== outer.resource.root || !this.#resources.has(id)) {
        const base = URL.parse(id, outer.resource.base)?.href.replace(/#$/, "") ?? id;
        const resource: Resource =
          node === outer.resource.root ? outer.resource : { root: node, base, anchors: new Map() };
        this.#resources.set(base, resource);
        if (!this.#resources.has(id)) this.#resources.set(id, resource);
        place = { ...outer, resource: { ...resource, base } };
        this.#resources.set(base, place.resource);
      }
    }
    for (const keyword of ["$anchor", "$dynamicAnchor"]) {
      const anchor = node[keyword];
      if (typeof anchor === "string") place.resource.anchors.set(anchor, node);
    }
    return place;
  }

  #checkPatterns(node: JsonObject): void {
    const named = node["patternProperties"];
    const patterns = isObject(named) ? Object.keys(named) : [];
    if (typeof node["pattern"] === "string") patterns.push(node["pattern"]);
    for (const pattern of patterns) {
      if (this.#patterns.has(pattern)) continue;
      this.#patterns.add(pattern);
      this.#patternProgram += compilePattern(pattern).programSize;
      if (this.#patterns.size > schemaLimits.patternsMax)
        throw schemaInvalid(`the schema has more than ${schemaLimits.patternsMax} patterns`);
      if (this.#patternProgram > schemaLimits.patternProgramMax)
        throw schemaInvalid("the patterns of the schema repeat too much");
    }
  }

  #find(ref: string, place: Place): JsonNode {
    const at = ref.indexOf("#");
    const path = at < 0 ? ref : ref.slice(0, at);
    const fragment = at < 0 ? "" : decoded(ref.slice(at + 1));
    const resource = path === "" ? place.resource : this.#resourceOf(path, place);
    if (resource === undefined || fragment === undefined)
      throw schemaInvalid(`${place.whose} refers to "${ref}", which is not among its references`);
    const found = fragment.startsWith("/")
      ? pointed(resource.root, fragment)
      : fragment === ""
        ? resource.root
        : resource.anchors.get(fragment);
    if (!isNode(found))
      throw schemaInvalid(`${place.whose} refers to "${ref}", which is no schema`);
    this.#walk(found, { resource, whose: place.whose });
    return found;
  }

  #resourceOf(path: string, { resource }: Place): Resource | undefined {
    if (this.#names.has(path)) return this.#byName.get(path);
    const href = URL.parse(path, resource.base)?.href;
    return this.#resources.get(href ?? path) ?? this.#resources.get(path);
  }
}

function decoded(fragment: string): string | undefined {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return undefined;
  }
}

function pointed(root: JsonNode, pointer: string): Json | undefined {
  let value: Json | undefined = root;
  for (const token of pointer.slice(1).split("/")) {
    const name: string = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(value)) value = value[Number(name)];
    else value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

/** The subschemas directly inside of a schema. */
export function childrenOf(node: JsonObject): JsonNode[] {
  const children: JsonNode[] = [];
  const take = (value: Json | undefined): void => {
    if (isNode(value)) children.push(value);
  };
  for (const keyword of oneSchema) take(node[keyword]);
  for (const keyword of listOfSchemas) {
    const list = node[keyword];
    if (Array.isArray(list)) list.forEach(take);
  }
  for (const keyword of [...mapOfSchemas, ...definitions, "dependencies"]) {
    const map = node[keyword];
    if (isObject(map)) Object.values(map).forEach(take);
  }
  const items = node["items"];
  if (Array.isArray(items)) items.forEach(take);
  else take(items);
  return children;
}
