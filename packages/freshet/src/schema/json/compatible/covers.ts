import { backward, type Difference, type Sides } from "../../difference.ts";
import { schemaLimits } from "../../limits.ts";
import { sortedJson } from "../../text.ts";
import type { JsonSchema } from "../schema.ts";
import { compareArrays } from "./arrays.ts";
import { compareChoices } from "./choices.ts";
import {
  Comparison,
  type Differences,
  difference,
  type Question,
  type Rule,
} from "./comparison.ts";
import { equalSchemas } from "./equal.ts";
import { type Facts, hidesSiblings, kindOfValue, kindsOf, listedIn, nodesIn } from "./facts.ts";
import { compareObjects } from "./objects.ts";
import { compareBounds } from "./scalars.ts";

/**
 * Why the reader's schema does not allow everything that the writer's allows: none where it does.
 *
 * Every keyword of the reader must follow from the writer's. Where that cannot be decided (`not`, conditions, what is
 * left over, patterns that are written differently) the answer is a difference; so no answer "compatible" is wrong.
 *
 * - J1 what is known of the writer only leaves constraints out, so it allows more, never less
 * - J2 a pair that is being compared counts as covered: values end, so a difference shows at some depth. What was found
 *   covered on that assumption is forgotten when the pair turns out to differ
 */
export function jsonDifferences(
  reader: JsonSchema,
  writer: JsonSchema,
  sides: Sides = backward,
): readonly Difference[] {
  const comparison = new Comparison({ reader, writer }, sides, covers);
  const given = { nodes: [writer.root], used: [] };
  const found = covers({ node: reader.root, given, path: "#", isChoice: false }, comparison);
  const texts = new Set<string>();
  return found
    .filter((one) => texts.size < texts.add(`${one.kind} ${one.path}`).size)
    .slice(0, schemaLimits.differencesMax);
}

function covers(question: Question, comparison: Comparison): Differences {
  const { node, path } = question;
  if (node === true) return [];
  comparison.steps++;
  if (comparison.isSpent)
    return [difference("TOO_LARGE_TO_COMPARE", path, "the schemas take too many steps to compare")];
  const key = comparison.keyOf(question);
  const known = comparison.known.get(key);
  if (known !== undefined) return known;
  const { length } = comparison.begun;
  comparison.begun.push(key);
  comparison.known.set(key, []);
  const found = compare(question, comparison);
  if (found.length > 0)
    for (const other of comparison.begun.splice(length))
      if (comparison.known.get(other)?.length === 0) comparison.known.delete(other);
  comparison.known.set(key, found);
  return found;
}

function compare(question: Question, comparison: Comparison): Differences {
  const { node, given, path } = question;
  const facts = comparison.factsOfWriter(given);
  if (facts.isEmpty) return [];
  if (node === false)
    return [difference("TYPE_CHANGED", path, `${comparison.readerName} allows nothing here`)];
  if (node === true) return [];
  const rule: Rule = { ...question, node, facts };
  const byValue = compareValues(rule, comparison);
  if (byValue !== undefined) return byValue;
  const found = compareKeywords(rule, comparison);
  if (found.length === 0 || isSame(rule, comparison)) return [];
  return compareAlternatives(rule, found, comparison);
}

function compareKeywords(rule: Rule, comparison: Comparison): Differences {
  const { node } = rule;
  const target = comparison.reader.documents.target(node);
  const referred = target === undefined ? [] : comparison.ask({ ...rule, node: target });
  if (target !== undefined && hidesSiblings(comparison.reader.draft)) return referred;
  return [
    ...referred,
    ...compareKinds(rule, comparison),
    ...compareBounds(rule, comparison),
    ...compareArrays(rule, comparison),
    ...compareObjects(rule, comparison),
    ...compareChoices(rule, comparison),
  ];
}

function isSame({ node, given }: Rule, comparison: Comparison): boolean {
  const documents = { one: comparison.reader.documents, other: comparison.writer.documents };
  return given.nodes.some((other) => equalSchemas(node, other, documents));
}

/** Where the writer's values can be listed each is simply tried. */
function compareValues(rule: Rule, comparison: Comparison): Differences | undefined {
  const { values } = rule.facts;
  if (values === undefined) return undefined;
  const missing = values.filter((value) => !comparison.allows(rule.node, value));
  if (missing.length === 0) return [];
  // Some of them may be impossible for another reason, which only the alternatives show.
  if (rule.facts.groups.length > 0) return undefined;
  const info = missing
    .map((value) => JSON.stringify(value))
    .join(", ")
    .slice(0, infoCharsMax);
  const ours = listedIn(rule.node);
  const reason = `${comparison.readerName} does not allow values of ${comparison.writerName}`;
  const sum = ["anyOf", "oneOf"].find((keyword) => rule.node[keyword] !== undefined);
  if (sum !== undefined)
    return [difference("SUM_TYPE_NARROWED", `${rule.path}/${sum}`, reason, info)];
  if (ours === undefined) return [difference(kindChange(rule), `${rule.path}/type`, reason, info)];
  const texts = new Set(values.map(sortedJson));
  const isPart = ours.every((value) => texts.has(sortedJson(value)));
  const kind = isPart ? "ENUM_ARRAY_NARROWED" : "ENUM_ARRAY_CHANGED";
  return [difference(kind, `${rule.path}/enum`, reason, info)];
}

const infoCharsMax = 500;

function compareKinds(rule: Rule, comparison: Comparison): Differences {
  const { node, facts, path } = rule;
  const listed = listedIn(node);
  // The writer's values are without end here.
  if (listed !== undefined) {
    const reason = `${comparison.readerName} lists its values, ${comparison.writerName} does not`;
    const kind = listed.some((value) => facts.kinds.has(kindOfValue(value)))
      ? "ENUM_ARRAY_NARROWED"
      : "TYPE_CHANGED";
    return [difference(kind, `${path}/enum`, reason)];
  }
  const missing = missingKinds(node, facts);
  if (missing.length === 0) return [];
  const reason = `${comparison.readerName} does not allow ${missing.join(", ")}, ${comparison.writerName} does`;
  return [difference(kindChange(rule), `${path}/type`, reason)];
}

function missingKinds(node: Rule["node"], facts: Facts): readonly string[] {
  const ours = kindsOf(node);
  return [...facts.kinds].filter((kind) => !ours.has(kind));
}

function kindChange({ node, facts }: Rule): string {
  const ours = kindsOf(node);
  return [...facts.kinds].some((kind) => ours.has(kind)) ? "TYPE_NARROWED" : "TYPE_CHANGED";
}

/** A writer's choice is covered if each of its alternatives is. */
function compareAlternatives(rule: Rule, found: Differences, comparison: Comparison): Differences {
  let shown = found;
  for (const group of rule.facts.groups) {
    const { nodes, used } = rule.given;
    const missing = nodesIn(group as never).map((alternative) =>
      covers(
        {
          node: rule.node,
          given: { nodes: [...nodes, alternative], used: [...used, group] },
          path: rule.path,
          isChoice: rule.isChoice,
        },
        comparison,
      ),
    );
    const first = missing.find((differences) => differences.length > 0);
    if (first === undefined) return [];
    shown = first;
  }
  return shown;
}
