import { isNode, type JsonNode } from "../schema.ts";
import { undecided } from "./arrays.ts";
import {
  type Comparison,
  type Differences,
  difference,
  type Given,
  type Rule,
} from "./comparison.ts";
import { areDisjoint } from "./disjoint.ts";
import { equalSchemas } from "./equal.ts";
import { nodesIn } from "./facts.ts";

/** `allOf`, `anyOf`, `oneOf`, `not`, conditions, and what depends on all of them. */
export function compareChoices(rule: Rule, comparison: Comparison): Differences {
  return [
    ...compareProducts(rule, comparison),
    ...compareSums(rule, "anyOf", comparison),
    ...compareSums(rule, "oneOf", comparison),
    ...compareNot(rule, comparison),
    ...compareCondition(rule, comparison),
    ...compareUnevaluated(rule, comparison),
  ];
}

function compareProducts(rule: Rule, comparison: Comparison): Differences {
  return nodesIn(rule.node["allOf"]).flatMap((node, index) =>
    comparison.ask({ ...rule, node, path: `${rule.path}/allOf/${index}` }),
  );
}

type Sum = "anyOf" | "oneOf";

function compareSums(rule: Rule, keyword: Sum, comparison: Comparison): Differences {
  const alternatives = nodesIn(rule.node[keyword]);
  if (alternatives.length === 0 || hasEqual(rule, [keyword], comparison)) return [];
  const place = `${rule.path}/${keyword}`;
  let closest: Differences | undefined;
  for (const [index, node] of alternatives.entries()) {
    const found = comparison.ask({ ...rule, node, path: `${place}/${index}`, isChoice: true });
    if (found.length > 0) {
      if (closest === undefined || found.length < closest.length) closest = found;
      continue;
    }
    const others = alternatives.filter((other) => other !== node);
    if (keyword === "anyOf" || isAlone(others, rule.given, comparison)) return [];
    return [difference("COMBINED_TYPE_CHANGED", place, undecided(comparison))];
  }
  return sumDifferences(place, alternatives, closest ?? [], comparison);
}

function sumDifferences(
  place: string,
  alternatives: readonly JsonNode[],
  closest: Differences,
  comparison: Comparison,
): Differences {
  if (alternatives.length === 1) return closest;
  const reason = `no alternative of ${comparison.readerName} allows all of ${comparison.writerName}`;
  const [first] = closest;
  const info = first === undefined ? "" : `closest: ${first.kind} at ${first.path}`;
  return [difference("SUM_TYPE_NARROWED", place, reason, info)];
}

function isAlone(others: readonly JsonNode[], given: Given, comparison: Comparison): boolean {
  return others.every((other) => areDisjoint(other, given, comparison));
}

/** Whether the writer has the same keywords with the same schemas. */
function hasEqual(rule: Rule, keywords: readonly string[], comparison: Comparison): boolean {
  const documents = { one: comparison.reader.documents, other: comparison.writer.documents };
  return rule.facts.all.some((node) =>
    keywords.every((keyword) => equalSchemas(rule.node[keyword], node[keyword], documents)),
  );
}

function compareNot(rule: Rule, comparison: Comparison): Differences {
  const { not } = rule.node;
  if (!isNode(not) || hasEqual(rule, ["not"], comparison)) return [];
  if (areDisjoint(not, rule.given, comparison)) return [];
  return [difference("NOT_TYPE_EXTENDED", `${rule.path}/not`, undecided(comparison))];
}

function compareCondition(rule: Rule, comparison: Comparison): Differences {
  const { if: when, then, else: otherwise } = rule.node;
  if (!isNode(when) || (then === undefined && otherwise === undefined)) return [];
  if (hasEqual(rule, ["if", "then", "else"], comparison)) return [];
  const isCovered = [then, otherwise].every(
    (node) =>
      !isNode(node) ||
      comparison.ask({ ...rule, node, path: `${rule.path}/if`, isChoice: true }).length === 0,
  );
  if (isCovered) return [];
  return [difference("COMBINED_TYPE_CHANGED", `${rule.path}/if`, undecided(comparison))];
}

/** What was left over depends on everything beside it: only schemas that are equal as a whole are the same. */
function compareUnevaluated(rule: Rule, comparison: Comparison): Differences {
  return (["Properties", "Items"] as const).flatMap((what) => {
    const keyword = `unevaluated${what}`;
    const own = rule.node[keyword];
    const isFor = rule.facts.kinds.has(what === "Items" ? "array" : "object");
    if (own === undefined || own === true || !isFor) return [];
    const isNew = rule.facts.all.every((node) => node[keyword] === undefined);
    const kind = `UNEVALUATED_${what.toUpperCase()}_${isNew ? "REMOVED" : "NARROWED"}`;
    return [difference(kind, `${rule.path}/${keyword}`, undecided(comparison))];
  });
}
