import type { JsonObject } from "@freshet/protocol";
import { isNode, type JsonNode } from "../schema.ts";
import { type Comparison, type Differences, difference, type Rule } from "./comparison.ts";
import { nodesIn, numberAt } from "./facts.ts";

/** Items by place, those after them, and whether they are unique or contained. */
export function compareArrays(rule: Rule, comparison: Comparison): Differences {
  if (!rule.facts.kinds.has("array")) return [];
  return [
    ...compareItems(rule, comparison),
    ...compareUnique(rule, comparison),
    ...compareContains(rule, comparison),
  ];
}

/** The forms of all drafts: schemas by place, and the one for the rest. */
interface Items {
  readonly byPlace: readonly JsonNode[];
  readonly rest: JsonNode | undefined;
}

function itemsOf(node: JsonObject): Items {
  const { items, prefixItems, additionalItems } = node;
  if (Array.isArray(prefixItems))
    return { byPlace: nodesIn(prefixItems), rest: isNode(items) ? items : undefined };
  if (Array.isArray(items))
    return {
      byPlace: nodesIn(items),
      rest: isNode(additionalItems) ? additionalItems : undefined,
    };
  return { byPlace: [], rest: isNode(items) ? items : undefined };
}

function at({ byPlace, rest }: Items, place: number): JsonNode | undefined {
  return byPlace[place] ?? rest;
}

function compareItems(rule: Rule, comparison: Comparison): Differences {
  const ours = itemsOf(rule.node);
  const theirs = rule.facts.all.map(itemsOf);
  const longest = Math.max(ours.byPlace.length, ...theirs.map(({ byPlace }) => byPlace.length));
  const itemsMax = Math.min(
    Number.POSITIVE_INFINITY,
    ...rule.facts.all.flatMap((node) => numberAt(node, "maxItems") ?? []),
  );
  const found: Differences[] = [];
  for (let place = 0; place <= longest && place < itemsMax; place++) {
    const isRest = place === longest;
    const own = at(ours, place);
    if (own === undefined) continue;
    const given = theirs.flatMap((items): JsonNode[] => {
      const node = at(items, place);
      return node === undefined ? [] : [node];
    });
    // Where the writer allows no item there is none after it either.
    if (given.includes(false)) break;
    const path = isRest ? `${rule.path}/items` : `${rule.path}/items/${place}`;
    const differences = comparison.ask({
      node: own,
      given: { nodes: given, used: [] },
      path,
      isChoice: rule.isChoice,
    });
    if (differences.length > 0)
      found.push(namedDifferences({ ours, theirs, place, isRest }, path, differences, comparison));
  }
  return found.flat();
}

interface ItemPlace {
  readonly ours: Items;
  readonly theirs: readonly Items[];
  readonly place: number;
  readonly isRest: boolean;
}

function namedDifferences(
  { ours, theirs, place, isRest }: ItemPlace,
  path: string,
  differences: Differences,
  comparison: Comparison,
): Differences {
  const isOurs = place < ours.byPlace.length;
  const isTheirs = theirs.some(({ byPlace }) => place < byPlace.length);
  const theirRest = theirs.filter(({ rest }) => rest !== undefined);
  if (isRest && (ours.byPlace.length > 0 || ours.rest === false)) {
    const kind = theirRest.length === 0 ? "REMOVED" : "NARROWED";
    const reason = `${comparison.readerName} allows fewer items after the listed ones`;
    return [difference(`ADDITIONAL_ITEMS_${kind}`, path, reason)];
  }
  if (isOurs && !isTheirs) {
    const kind =
      theirRest.length === 0
        ? "ITEM_ADDED_TO_OPEN_CONTENT_MODEL"
        : "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
    return [difference(kind, path, `${comparison.writerName} allows other items at this place`)];
  }
  if (!isOurs && isTheirs) {
    const kind =
      ours.rest === false
        ? "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL"
        : "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL";
    return [difference(kind, path, `${comparison.readerName} has no place for this item`)];
  }
  return differences;
}

function compareUnique(rule: Rule, comparison: Comparison): Differences {
  if (rule.node["uniqueItems"] !== true) return [];
  const isUnique = rule.facts.all.some(
    (node) => node["uniqueItems"] === true || (numberAt(node, "maxItems") ?? 2) < 2,
  );
  if (isUnique) return [];
  const reason = `${comparison.readerName} asks for unique items, ${comparison.writerName} does not`;
  return [difference("UNIQUE_ITEMS_ADDED", `${rule.path}/uniqueItems`, reason)];
}

function compareContains(rule: Rule, comparison: Comparison): Differences {
  const { contains } = rule.node;
  if (!isNode(contains)) return [];
  const least = numberAt(rule.node, "minContains") ?? 1;
  const most = numberAt(rule.node, "maxContains");
  const isLeast = (node: JsonObject): boolean =>
    isNode(node["contains"]) &&
    (numberAt(node, "minContains") ?? 1) >= least &&
    comparison.ask({
      node: contains,
      given: { nodes: [node["contains"]], used: [] },
      path: `${rule.path}/contains`,
      isChoice: true,
    }).length === 0;
  const found: Differences[] = [];
  if (least > 0 && !rule.facts.all.some(isLeast))
    found.push([
      difference(
        rule.facts.all.some((node) => node["contains"] !== undefined)
          ? "MIN_CONTAINS_INCREASED"
          : "MIN_CONTAINS_ADDED",
        `${rule.path}/contains`,
        `${comparison.writerName} does not see to what ${comparison.readerName} wants contained`,
      ),
    ]);
  // Fewer are known only by a bound on all items.
  const isMost = rule.facts.all.some(
    (node) => (numberAt(node, "maxItems") ?? Infinity) <= (most ?? Infinity),
  );
  if (most !== undefined && !isMost)
    found.push([
      difference("MAX_CONTAINS_ADDED", `${rule.path}/maxContains`, undecided(comparison)),
    ]);
  return found.flat();
}

export function undecided(comparison: Comparison): string {
  return `it cannot be decided whether all of ${comparison.writerName} is allowed`;
}
