import type { JsonNode } from "../schema.ts";
import type { Comparison, Given } from "./comparison.ts";
import { type Facts, propertyNodes, textsAt } from "./facts.ts";

/** Whether it is certain that no value is both of the reader's schema and of what is given of the writer. */
export function areDisjoint(node: JsonNode, given: Given, comparison: Comparison): boolean {
  const theirs = comparison.factsOfWriter(given);
  if (theirs.values?.every((value) => !comparison.allows(node, value))) return true;
  return disjointFacts(comparison.factsOf([node], comparison.reader), theirs, comparison, depthMax);
}

/** Choices are told apart by a property near the top. */
const depthMax = 3;

function disjointFacts(ours: Facts, theirs: Facts, comparison: Comparison, depth: number): boolean {
  if (ours.isEmpty || theirs.isEmpty) return true;
  const both = [...ours.kinds].filter((kind) => theirs.kinds.has(kind));
  if (both.length === 0) return true;
  if (ours.values !== undefined && theirs.values !== undefined) {
    const texts = new Set(ours.values.map((value) => JSON.stringify(value)));
    const isScalar = ours.values.every((value) => typeof value !== "object" || value === null);
    if (isScalar && theirs.values.every((value) => !texts.has(JSON.stringify(value)))) return true;
  }
  if (depth === 0 || both.some((kind) => kind !== "object")) return false;
  const required = [...ours.all, ...theirs.all].flatMap((node) => textsAt(node, "required"));
  return required.some((name) => {
    const own = propertyNodes(ours.all, name, comparison.matches);
    const other = propertyNodes(theirs.all, name, comparison.matches);
    return disjointFacts(
      comparison.factsOf(own, comparison.reader),
      comparison.factsOf(other, comparison.writer),
      comparison,
      depth - 1,
    );
  });
}
