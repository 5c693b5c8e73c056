import type { JsonObject } from "@freshet/protocol";
import { type Comparison, type Differences, difference, type Rule } from "./comparison.ts";
import { numberAt, objectAt } from "./facts.ts";

/** Numbers, texts and sizes: each bound of the reader must be at least as wide as one of the writer's. */
export function compareBounds(rule: Rule, comparison: Comparison): Differences {
  const { kinds } = rule.facts;
  const found: Differences[] = [];
  for (const { keyword, word, forKind, isLower, impliedBy } of sizes)
    if (kinds.has(forKind)) {
      const bound = numberAt(rule.node, keyword);
      const isImplied =
        impliedBy !== undefined && bound !== undefined && impliedBy(rule.facts.all, bound);
      if (bound === undefined || isImplied || (isLower && bound <= 0)) continue;
      const theirs = tightest(rule.facts.all, (node) => numberAt(node, keyword), isLower);
      found.push(compareBound({ rule, comparison, keyword, word, isLower }, bound, theirs));
    }
  if (kinds.has("whole") || kinds.has("fraction")) {
    found.push(compareRange(rule, comparison, true), compareRange(rule, comparison, false));
    found.push(compareMultiple(rule, comparison));
  }
  if (kinds.has("string")) found.push(comparePattern(rule, comparison));
  found.push(compareFormat(rule, comparison));
  return found.flat();
}

interface Size {
  readonly keyword: string;
  readonly word: string;
  readonly forKind: "string" | "array" | "object";
  readonly isLower: boolean;
  readonly impliedBy?: (all: readonly JsonObject[], bound: number) => boolean;
}

const sizes: readonly Size[] = [
  { keyword: "maxLength", word: "MAX_LENGTH", forKind: "string", isLower: false },
  { keyword: "minLength", word: "MIN_LENGTH", forKind: "string", isLower: true },
  { keyword: "maxItems", word: "MAX_ITEMS", forKind: "array", isLower: false },
  { keyword: "minItems", word: "MIN_ITEMS", forKind: "array", isLower: true },
  {
    keyword: "maxProperties",
    word: "MAX_PROPERTIES",
    forKind: "object",
    isLower: false,
    impliedBy: (all, bound) => all.some((node) => isClosedTo(node, bound)),
  },
  {
    keyword: "minProperties",
    word: "MIN_PROPERTIES",
    forKind: "object",
    isLower: true,
    impliedBy: (all, bound) =>
      all.some(
        (node) => Array.isArray(node["required"]) && new Set(node["required"]).size >= bound,
      ),
  },
];

/** Only so many properties are named, and no others are allowed. */
function isClosedTo(node: JsonObject, bound: number): boolean {
  const names = Object.keys(objectAt(node, "properties")).length;
  const hasPatterns = Object.keys(objectAt(node, "patternProperties")).length > 0;
  return node["additionalProperties"] === false && !hasPatterns && names <= bound;
}

interface Bound {
  readonly rule: Rule;
  readonly comparison: Comparison;
  readonly keyword: string;
  readonly word: string;
  readonly isLower: boolean;
}

function tightest(
  all: readonly JsonObject[],
  read: (node: JsonObject) => number | undefined,
  isLower: boolean,
): number | undefined {
  const bounds = all.flatMap((node) => read(node) ?? []);
  if (bounds.length === 0) return undefined;
  return isLower ? Math.max(...bounds) : Math.min(...bounds);
}

function compareBound(bound: Bound, ours: number, theirs: number | undefined): Differences {
  const { rule, comparison, keyword, word, isLower } = bound;
  if (theirs !== undefined && (isLower ? theirs >= ours : theirs <= ours)) return [];
  const change = theirs === undefined ? "ADDED" : isLower ? "INCREASED" : "DECREASED";
  const reason =
    theirs === undefined
      ? `"${keyword}" is ${ours} in ${comparison.readerName} and missing in ${comparison.writerName}`
      : `"${keyword}" is ${ours} in ${comparison.readerName}, ${theirs} in ${comparison.writerName}`;
  return [difference(`${word}_${change}`, `${rule.path}/${keyword}`, reason)];
}

/** A bound of numbers, in the forms of all drafts. */
interface Edge {
  readonly value: number;
  readonly isExclusive: boolean;
}

function edgesOf(node: JsonObject, isLower: boolean): Edge[] {
  const [keyword, exclusive] = isLower
    ? ["minimum", "exclusiveMinimum"]
    : ["maximum", "exclusiveMaximum"];
  const edges: Edge[] = [];
  const value = numberAt(node, keyword ?? "");
  const own = node[exclusive ?? ""];
  // Up to draft 4 "exclusive" says how the bound beside it is meant.
  if (value !== undefined) edges.push({ value, isExclusive: own === true });
  if (typeof own === "number") edges.push({ value: own, isExclusive: true });
  return edges;
}

function compareRange(rule: Rule, comparison: Comparison, isLower: boolean): Differences {
  const theirs = rule.facts.all.flatMap((node) => edgesOf(node, isLower));
  const isInside = (edge: Edge, other: Edge): boolean => {
    if (edge.value === other.value) return edge.isExclusive || !other.isExclusive;
    return isLower ? edge.value > other.value : edge.value < other.value;
  };
  return edgesOf(rule.node, isLower).flatMap((edge) => {
    if (theirs.some((other) => isInside(other, edge))) return [];
    const name = isLower ? "minimum" : "maximum";
    const word = `${edge.isExclusive ? "EXCLUSIVE_" : ""}${name.toUpperCase()}`;
    const change = theirs.length === 0 ? "ADDED" : isLower ? "INCREASED" : "DECREASED";
    const keyword = edge.isExclusive ? `exclusive${name[0]?.toUpperCase()}${name.slice(1)}` : name;
    const reason = `"${keyword}" ${edge.value} of ${comparison.readerName} leaves out numbers of ${comparison.writerName}`;
    return [difference(`${word}_${change}`, `${rule.path}/${keyword}`, reason)];
  });
}

function compareMultiple(rule: Rule, comparison: Comparison): Differences {
  const ours = numberAt(rule.node, "multipleOf") ?? numberAt(rule.node, "divisibleBy");
  if (ours === undefined || ours <= 0) return [];
  const isWhole = !rule.facts.kinds.has("fraction");
  if (isWhole && (ours === 1 || Number.isInteger(1 / ours))) return [];
  const theirs = rule.facts.all.flatMap((node) => numberAt(node, "multipleOf") ?? []);
  if (theirs.some((other) => Number.isInteger(other / ours))) return [];
  const change = changeOfMultiple(ours, theirs[0]);
  const reason = `"multipleOf" ${ours} of ${comparison.readerName} leaves out numbers of ${comparison.writerName}`;
  return [difference(`MULTIPLE_OF_${change}`, `${rule.path}/multipleOf`, reason)];
}

function changeOfMultiple(ours: number, theirs: number | undefined): string {
  if (theirs === undefined) return "ADDED";
  return Number.isInteger(ours / theirs) ? "EXPANDED" : "CHANGED";
}

function comparePattern(rule: Rule, comparison: Comparison): Differences {
  const ours = rule.node["pattern"];
  if (typeof ours !== "string") return [];
  const theirs = rule.facts.all.flatMap((node) => node["pattern"] ?? []);
  if (theirs.includes(ours)) return [];
  const kind = theirs.length === 0 ? "PATTERN_ADDED" : "PATTERN_CHANGED";
  const reason = `the pattern of ${comparison.readerName} is not one of ${comparison.writerName}`;
  return [difference(kind, `${rule.path}/pattern`, reason, ours)];
}

/** Formats are held against values here, so they count; the registry ignores them. */
function compareFormat(rule: Rule, comparison: Comparison): Differences {
  const ours = rule.node["format"];
  if (typeof ours !== "string" || ours === "regex") return [];
  const isText = !numberFormats.has(ours);
  const { kinds } = rule.facts;
  if (isText ? !kinds.has("string") : !kinds.has("whole") && !kinds.has("fraction")) return [];
  const theirs = rule.facts.all.flatMap((node) => node["format"] ?? []);
  if (theirs.includes(ours)) return [];
  const kind = theirs.length === 0 ? "FORMAT_ADDED" : "FORMAT_CHANGED";
  const reason = `the format of ${comparison.readerName} is not one of ${comparison.writerName}`;
  return [difference(kind, `${rule.path}/format`, reason, ours)];
}

const numberFormats: ReadonlySet<string> = new Set(["int32", "int64", "float", "double"]);
