import type { JsonObject } from "@freshet/protocol";
import { pointerToken } from "../../error.ts";
import { isNode, type JsonNode } from "../schema.ts";
import { undecided } from "./arrays.ts";
import { type Comparison, type Differences, difference, type Rule } from "./comparison.ts";
import { objectAt, piecesFor, propertyNodes, textsAt } from "./facts.ts";

/** Properties by name, by pattern and the rest, and what must be there. */
export function compareObjects(rule: Rule, comparison: Comparison): Differences {
  if (!rule.facts.kinds.has("object")) return [];
  return [
    ...compareNamed(rule, comparison),
    ...compareRest(rule, comparison),
    ...compareRequired(rule, comparison),
    ...compareNames(rule, comparison),
    ...compareDependencies(rule, comparison),
  ];
}

/** How a side treats properties that it does not name: takes all, some or none. */
type Content = "open" | "partially open" | "closed";

function contentOf(all: readonly JsonObject[]): Content {
  const rests = all.flatMap((node) => node["additionalProperties"] ?? []);
  const hasPatterns = all.some(
    (node) => Object.keys(objectAt(node, "patternProperties")).length > 0,
  );
  if (rests.includes(false)) return hasPatterns ? "partially open" : "closed";
  return hasPatterns || rests.some((rest) => rest !== true && !isEmptyNode(rest))
    ? "partially open"
    : "open";
}

function isEmptyNode(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function namesOf(all: readonly JsonObject[]): Set<string> {
  return new Set(all.flatMap((node) => Object.keys(objectAt(node, "properties"))));
}

function compareNamed(rule: Rule, comparison: Comparison): Differences {
  const own = namesOf([rule.node]);
  const names = new Set([...own, ...namesOf(rule.facts.all)]);
  const found: Differences[] = [];
  for (const name of names) {
    const given = propertyNodes(rule.facts.all, name, comparison.matches);
    if (given.includes(false)) continue;
    const path = `${rule.path}/properties${pointerToken(name)}`;
    const differences = piecesFor(rule.node, name, comparison.matches).flatMap((node) =>
      comparison.ask({ node, given: { nodes: given, used: [] }, path, isChoice: rule.isChoice }),
    );
    if (differences.length > 0)
      found.push(
        namedDifferences({ rule, name, path, isOwn: own.has(name) }, differences, comparison),
      );
  }
  return found.flat();
}

interface Named {
  readonly rule: Rule;
  readonly name: string;
  readonly path: string;
  readonly isOwn: boolean;
}

function namedDifferences(
  { rule, name, path, isOwn }: Named,
  differences: Differences,
  comparison: Comparison,
): Differences {
  const isTheirs = namesOf(rule.facts.all).has(name);
  if (isOwn && isTheirs) return differences;
  if (!isOwn) {
    const isClosed = contentOf([rule.node]) === "closed";
    const kind = isClosed
      ? "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"
      : "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
    const reason = isClosed
      ? `${comparison.readerName} has a closed content model and no property "${name}"`
      : `property "${name}" is not named in ${comparison.readerName} and not covered by its rest`;
    return [difference(kind, path, reason, name)];
  }
  const content = contentOf(rule.facts.all);
  if (content === "open") {
    const isRequired = textsAt(rule.node, "required").includes(name);
    return [
      difference(
        `${isRequired ? "REQUIRED" : "OPTIONAL"}_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL`,
        path,
        `${comparison.writerName} has an open content model: data may have any value as "${name}"`,
        name,
      ),
    ];
  }
  return [
    difference(
      "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
      path,
      `property "${name}" does not cover what ${comparison.writerName} allows there`,
      name,
    ),
  ];
}

/** Properties that neither side names. */
function compareRest(rule: Rule, comparison: Comparison): Differences {
  const patterns = objectAt(rule.node, "patternProperties");
  const rest = rule.node["additionalProperties"];
  const found: Differences[] = [];
  for (const [pattern, node] of Object.entries(patterns)) {
    if (!isNode(node)) continue;
    const same = rule.facts.all.flatMap((one) => objectAt(one, "patternProperties")[pattern] ?? []);
    const path = `${rule.path}/patternProperties${pointerToken(pattern)}`;
    const alternatives = same.length > 0 ? [same.filter(isNode)] : restsOf(rule.facts.all);
    const isCovered = alternatives.every((nodes) =>
      coversRest(node, nodes, { rule, path }, comparison),
    );
    if (!isCovered)
      found.push([
        difference(
          "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
          path,
          `what is of this pattern may be of another kind in ${comparison.writerName}`,
          pattern,
        ),
      ]);
  }
  if (isNode(rest) && rest !== true) found.push(compareAdditional(rest, rule, comparison));
  return found.flat();
}

function compareAdditional(rest: JsonNode, rule: Rule, comparison: Comparison): Differences {
  const path = `${rule.path}/additionalProperties`;
  const own = new Set(Object.keys(objectAt(rule.node, "patternProperties")));
  // Names of a pattern that both sides have were compared with that pattern.
  const isCovered = restsOf(rule.facts.all, own).every((nodes) =>
    coversRest(rest, nodes, { rule, path }, comparison),
  );
  if (isCovered) return [];
  const isNarrowed = rule.facts.all.some((node) => {
    const theirs = node["additionalProperties"];
    return theirs !== undefined && theirs !== true && !isEmptyNode(theirs);
  });
  const kind = isNarrowed ? "ADDITIONAL_PROPERTIES_NARROWED" : "ADDITIONAL_PROPERTIES_REMOVED";
  const reason = `${comparison.readerName} allows fewer properties that it does not name than ${comparison.writerName}`;
  return [difference(kind, path, reason)];
}

function coversRest(
  node: JsonNode,
  nodes: readonly JsonNode[],
  { rule, path }: { readonly rule: Rule; readonly path: string },
  comparison: Comparison,
): boolean {
  const given = { nodes, used: [] };
  return comparison.ask({ node, given, path, isChoice: rule.isChoice }).length === 0;
}

/**
 * What a property that the writer does not name may be: one of several lists of schemas that all hold. With patterns
 * it is of one of them, or of the rest.
 */
function restsOf(
  all: readonly JsonObject[],
  without: ReadonlySet<string> = new Set(),
): JsonNode[][] {
  const plain: JsonNode[] = [];
  let withPatterns: JsonObject | undefined;
  for (const node of all) {
    const rest = node["additionalProperties"];
    if (Object.keys(objectAt(node, "patternProperties")).length > 0) withPatterns ??= node;
    else if (isNode(rest)) plain.push(rest);
  }
  if (withPatterns === undefined) return [plain];
  const lists: JsonNode[][] = [];
  const { additionalProperties: rest } = withPatterns;
  lists.push(isNode(rest) ? [...plain, rest] : plain);
  for (const [pattern, node] of Object.entries(objectAt(withPatterns, "patternProperties")))
    if (isNode(node) && !without.has(pattern)) lists.push([...plain, node]);
  return lists;
}

function compareRequired(rule: Rule, comparison: Comparison): Differences {
  const theirs = new Set(rule.facts.all.flatMap((node) => textsAt(node, "required")));
  const named = namesOf(rule.facts.all);
  const content = contentOf(rule.facts.all) === "open" ? "OPEN" : "UNOPEN";
  return textsAt(rule.node, "required").flatMap((name) => {
    if (theirs.has(name) || hasDefault(rule, name, comparison)) return [];
    const isNew = !named.has(name) && name in objectAt(rule.node, "properties");
    const kind = isNew
      ? `REQUIRED_PROPERTY_ADDED_TO_${content}_CONTENT_MODEL`
      : "REQUIRED_ATTRIBUTE_ADDED";
    const path = isNew ? `/properties${pointerToken(name)}` : `/required${pointerToken(name)}`;
    const reason = `"${name}" is required in ${comparison.readerName} only, and has no default`;
    return [difference(kind, rule.path + path, reason, name)];
  });
}

/** Keywords under which a property that is filled in may break something else. */
const watchers = [
  ...["dependencies", "dependentRequired", "dependentSchemas", "maxProperties", "propertyNames"],
  ...["not", "if", "anyOf", "oneOf", "allOf", "unevaluatedProperties"],
];

/** A reader fills in what is missing from a default that is valid itself. */
function hasDefault({ node, isChoice }: Rule, name: string, comparison: Comparison): boolean {
  if (isChoice || watchers.some((keyword) => node[keyword] !== undefined)) return false;
  const property = objectAt(node, "properties")[name];
  if (typeof property !== "object" || property === null || Array.isArray(property)) return false;
  const own = property as JsonObject;
  if (!Object.hasOwn(own, "default")) return false;
  const value = own["default"] ?? null;
  // What holds for every name of a pattern holds for the default too.
  const others = Object.entries(objectAt(node, "patternProperties")).flatMap(([pattern, one]) =>
    isNode(one) && comparison.matches(pattern, name) ? [one] : [],
  );
  return [own, ...others].every((one) => comparison.allows(one, value));
}

function compareNames(rule: Rule, comparison: Comparison): Differences {
  const { propertyNames } = rule.node;
  if (!isNode(propertyNames) || propertyNames === true) return [];
  const theirs = rule.facts.all.flatMap((node) => node["propertyNames"] ?? []).filter(isNode);
  const path = `${rule.path}/propertyNames`;
  const given = { nodes: [{ type: "string" }, ...theirs], used: [] };
  if (comparison.ask({ node: propertyNames, given, path, isChoice: true }).length === 0) return [];
  const isListed = contentOf(rule.facts.all) === "closed";
  const isCovered = [...namesOf(rule.facts.all)].every((name) =>
    comparison.allows(propertyNames, name),
  );
  if (isListed && isCovered) return [];
  const reason = `${comparison.readerName} allows fewer names of properties than ${comparison.writerName}`;
  return [difference("PROPERTY_NAMES_NARROWED", path, reason)];
}

function compareDependencies(rule: Rule, comparison: Comparison): Differences {
  const found: Differences[] = [];
  for (const keyword of ["dependencies", "dependentRequired", "dependentSchemas"])
    for (const [name, wanted] of Object.entries(objectAt(rule.node, keyword))) {
      if (propertyNodes(rule.facts.all, name, comparison.matches).includes(false)) continue;
      const path = `${rule.path}/${keyword}${pointerToken(name)}`;
      if (Array.isArray(wanted))
        found.push(compareDependentNames({ rule, name, path }, wanted, comparison));
      else if (isNode(wanted))
        found.push(compareDependent({ rule, name, path }, wanted, comparison));
    }
  return found.flat();
}

interface Dependency {
  readonly rule: Rule;
  readonly name: string;
  readonly path: string;
}

function compareDependentNames(
  { rule, name, path }: Dependency,
  wanted: readonly unknown[],
  comparison: Comparison,
): Differences {
  const theirs = dependents(rule.facts.all, name);
  const known = new Set<unknown>([
    name,
    ...rule.facts.all.flatMap((node) => textsAt(node, "required")),
  ]);
  for (const list of theirs) if (Array.isArray(list)) for (const other of list) known.add(other);
  const missing = wanted.filter((other) => !known.has(other));
  if (missing.length === 0) return [];
  const kind = theirs.some(Array.isArray) ? "DEPENDENCY_ARRAY_EXTENDED" : "DEPENDENCY_ARRAY_ADDED";
  const reason = `with "${name}" more properties are required in ${comparison.readerName}`;
  return [difference(kind, path, reason, missing.join(", "))];
}

function compareDependent(
  { rule, name, path }: Dependency,
  node: JsonNode,
  comparison: Comparison,
) {
  const theirs = dependents(rule.facts.all, name).filter(isNode);
  const nodes = [...rule.given.nodes, ...theirs, { required: [name] }];
  const given = { nodes, used: rule.given.used };
  if (comparison.ask({ node, given, path, isChoice: true }).length === 0) return [];
  return [difference("DEPENDENCY_SCHEMA_ADDED", path, undecided(comparison), name)];
}

function dependents(all: readonly JsonObject[], name: string) {
  return ["dependencies", "dependentRequired", "dependentSchemas"].flatMap((keyword) =>
    all.flatMap((node) => {
      const value = objectAt(node, keyword)[name];
      return value === undefined ? [] : [value];
    }),
  );
}
