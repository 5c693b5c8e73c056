import { backward, type Difference, type Sides } from "../difference.ts";
import { schemaLimits } from "../limits.ts";
import type { AvroEnum, AvroField, AvroNode, AvroRecord, AvroUnion } from "./schema.ts";
import { branchName, shortName } from "./schema.ts";

/**
 * Why data of `writer` cannot be resolved into `reader`, after "Schema Resolution" of the Avro 1.12 specification:
 * none where all of it can. Types that refer to themselves are looked at once for each pair: while a pair is being
 * compared it counts as compatible, which is right for data, since that ends.
 */
export function avroDifferences(
  reader: AvroNode,
  writer: AvroNode,
  sides: Sides = backward,
): readonly Difference[] {
  const comparison: Comparison = { sides, known: new Map(), begun: [], steps: 0 };
  return compare({ reader, writer, path: "" }, comparison).slice(0, schemaLimits.differencesMax);
}

/** Answers for many pairs of types whether one can be read as the other; steps count for all of them. */
export function avroComparer(): (reader: AvroNode, writer: AvroNode) => boolean {
  const comparison: Comparison = { sides: backward, known: new Map(), begun: [], steps: 0 };
  return (reader, writer) => compare({ reader, writer, path: "" }, comparison).length === 0;
}

interface Comparison {
  readonly sides: Sides;
  readonly known: Map<AvroNode, Map<AvroNode, readonly Difference[]>>;
  /** Pairs in the order in which they were begun. */
  readonly begun: (readonly [AvroNode, AvroNode])[];
  steps: number;
}

interface Pair {
  readonly reader: AvroNode;
  readonly writer: AvroNode;
  readonly path: string;
}

function compare(pair: Pair, comparison: Comparison): readonly Difference[] {
  if (++comparison.steps > schemaLimits.comparisonStepsMax)
    return [
      difference("TOO_LARGE_TO_COMPARE", pair.path, "the schemas take too many steps to compare"),
    ];
  // Only records can be part of themselves.
  if (pair.reader.kind !== "record" || pair.writer.kind !== "record")
    return compareKinds(pair, comparison);
  const known = comparison.known.get(pair.reader) ?? new Map();
  comparison.known.set(pair.reader, known);
  const before = known.get(pair.writer);
  if (before !== undefined) return before;
  known.set(pair.writer, []);
  const { length } = comparison.begun;
  comparison.begun.push([pair.reader, pair.writer]);
  const found = compareKinds(pair, comparison);
  if (found.length > 0) forgetSince(length, comparison);
  known.set(pair.writer, found);
  return found;
}

/** What was found compatible because a pair counted as compatible is open again when that pair is not. */
function forgetSince(length: number, { begun, known }: Comparison): void {
  for (const [reader, writer] of begun.splice(length)) {
    if (known.get(reader)?.get(writer)?.length === 0) known.get(reader)?.delete(writer);
  }
}

function compareKinds(pair: Pair, comparison: Comparison): readonly Difference[] {
  const { reader, writer, path } = pair;
  if (writer.kind === "union") return compareWriterUnion(pair, writer, comparison);
  if (reader.kind === "union") return compareReaderUnion(pair, reader, comparison);
  switch (reader.kind) {
    case "array":
      if (writer.kind !== "array") break;
      return compare(
        { reader: reader.items, writer: writer.items, path: `${path}/items` },
        comparison,
      );
    case "map":
      if (writer.kind !== "map") break;
      return compare(
        { reader: reader.values, writer: writer.values, path: `${path}/values` },
        comparison,
      );
    case "record":
      if (writer.kind !== "record") break;
      return [
        ...compareNames(reader, writer, pair, comparison),
        ...compareFields(reader, writer, pair, comparison),
      ];
    case "enum":
      if (writer.kind !== "enum") break;
      return [
        ...compareNames(reader, writer, pair, comparison),
        ...compareSymbols(reader, writer, pair, comparison),
      ];
    case "fixed":
      if (writer.kind !== "fixed") break;
      return [
        ...compareNames(reader, writer, pair, comparison),
        ...(reader.size === writer.size
          ? compareDecimals(pair, comparison)
          : [
              difference(
                "FIXED_SIZE_MISMATCH",
                `${path}/size`,
                `${sideNames(comparison).reader} has ${reader.size} bytes, ${sideNames(comparison).writer} ${writer.size}`,
                `expected: ${writer.size}, found: ${reader.size}`,
              ),
            ]),
      ];
    default:
      if (reader.kind === writer.kind) return compareDecimals(pair, comparison);
      if (isPromoted(reader, writer)) return [];
  }
  return [typeMismatch(pair, comparison)];
}

/** Whether a reader's type reads some of a writer's, by itself: what is inside of them is not looked at. */
export function matches(reader: AvroNode, writer: AvroNode): boolean {
  if (reader.kind !== writer.kind) return isPromoted(reader, writer);
  if (!("name" in reader) || !("name" in writer)) return haveSameDecimals(reader, writer);
  if (reader.kind === "fixed" && writer.kind === "fixed" && reader.size !== writer.size)
    return false;
  return namesMatch(reader, writer) && haveSameDecimals(reader, writer);
}

/** Text is read as bytes, but the bytes of a text are no decimal. */
function isPromoted(reader: AvroNode, writer: AvroNode): boolean {
  return promotions[reader.kind]?.includes(writer.kind) === true && decimalOf(reader) === undefined;
}

/** What a reader's primitive also reads. */
const promotions: { readonly [kind: string]: readonly string[] } = {
  long: ["int"],
  float: ["int", "long"],
  double: ["int", "long", "float"],
  string: ["bytes"],
  bytes: ["string"],
};

function compareWriterUnion(
  { reader, path }: Pair,
  writer: AvroUnion,
  comparison: Comparison,
): readonly Difference[] {
  return writer.branches.flatMap((branch, index) => {
    const found = compare({ reader, writer: branch, path }, comparison);
    if (found.length === 0 || reader.kind !== "union") return found;
    return [missingBranch(`${path}/${index}`, branch, comparison)];
  });
}

function compareReaderUnion(
  { writer, path }: Pair,
  reader: AvroUnion,
  comparison: Comparison,
): readonly Difference[] {
  const isRead = reader.branches.some(
    (branch) => compare({ reader: branch, writer, path }, comparison).length === 0,
  );
  return isRead ? [] : [missingBranch(path, writer, comparison)];
}

function missingBranch(path: string, branch: AvroNode, comparison: Comparison): Difference {
  const { reader } = sideNames(comparison);
  const name = branchName(branch);
  return difference(
    "MISSING_UNION_BRANCH",
    path,
    `a union in ${reader} has no branch that reads "${name}"`,
    `reader union lacking writer type: ${branch.kind.toUpperCase()}`,
  );
}

interface NamedNode {
  readonly name: string;
  readonly aliases: readonly string[];
}

/** Names are compared without their namespaces, or else by the reader's aliases. */
export function namesMatch(reader: NamedNode, writer: NamedNode): boolean {
  return shortName(reader.name) === shortName(writer.name) || reader.aliases.includes(writer.name);
}

function compareNames(
  reader: NamedNode,
  writer: NamedNode,
  { path }: Pair,
  comparison: Comparison,
): readonly Difference[] {
  if (namesMatch(reader, writer)) return [];
  const sides = sideNames(comparison);
  return [
    difference(
      "NAME_MISMATCH",
      `${path}/name`,
      `${sides.reader} names the type "${reader.name}", ${sides.writer} "${writer.name}"`,
      `expected: ${writer.name}`,
    ),
  ];
}

function compareSymbols(
  reader: AvroEnum,
  writer: AvroEnum,
  { path }: Pair,
  comparison: Comparison,
): readonly Difference[] {
  if (reader.default !== undefined) return [];
  const symbols = new Set(reader.symbols);
  const missing = writer.symbols.filter((symbol) => !symbols.has(symbol));
  if (missing.length === 0) return [];
  return [
    difference(
      "MISSING_ENUM_SYMBOLS",
      `${path}/symbols`,
      `${sideNames(comparison).reader} lacks symbols and has no default`,
      `[${missing.join(", ")}]`,
    ),
  ];
}

function compareFields(
  reader: AvroRecord,
  writer: AvroRecord,
  { path }: Pair,
  comparison: Comparison,
): readonly Difference[] {
  const written = new Map(writer.fields.map((field) => [field.name, field]));
  return reader.fields.flatMap((field, index) => {
    const place = `${path}/fields/${index}`;
    const sources = sourcesOf(field, written);
    const [source] = sources;
    if (sources.length > 1) return [ambiguous(field, place)];
    if (source !== undefined)
      return compare(
        { reader: field.type, writer: source.type, path: `${place}/type` },
        comparison,
      );
    if (field.default !== undefined) return [];
    const sides = sideNames(comparison);
    return [
      difference(
        "READER_FIELD_MISSING_DEFAULT_VALUE",
        place,
        `field "${field.name}" of ${sides.reader} has no default and is missing in ${sides.writer}`,
        field.name,
      ),
    ];
  });
}

/** The writer's fields that a reader's field reads: of its name or one of its aliases; more than one is an error. */
export function sourcesOf(
  field: AvroField,
  written: ReadonlyMap<string, AvroField>,
): readonly AvroField[] {
  const names = new Set([field.name, ...field.aliases]);
  return [...names].flatMap((name) => written.get(name) ?? []);
}

function ambiguous(field: AvroField, path: string): Difference {
  const reason = `field "${field.name}" and its aliases name more than one field of the other schema`;
  return difference("NAME_MISMATCH", `${path}/aliases`, reason, field.aliases.join(", "));
}

/** "Two schemas that are decimal logical types match if their scales and precisions match." */
function haveSameDecimals(reader: AvroNode, writer: AvroNode): boolean {
  const one = decimalOf(reader);
  const other = decimalOf(writer);
  if (one === undefined || other === undefined) return true;
  return one.precision === other.precision && one.scale === other.scale;
}

function decimalOf(node: AvroNode) {
  return "logical" in node && node.logical?.kind === "decimal" ? node.logical : undefined;
}

function compareDecimals(pair: Pair, comparison: Comparison): readonly Difference[] {
  if (haveSameDecimals(pair.reader, pair.writer)) return [];
  const sides = sideNames(comparison);
  const [own, other] = [pair.reader, pair.writer].map(decimalOf);
  return [
    difference(
      "TYPE_MISMATCH",
      pair.path,
      `${sides.reader} has a decimal(${own?.precision}, ${own?.scale}), ${sides.writer} a ` +
        `decimal(${other?.precision}, ${other?.scale})`,
      "decimals match if their precisions and scales match",
    ),
  ];
}

function typeMismatch({ reader, writer, path }: Pair, comparison: Comparison): Difference {
  const sides = sideNames(comparison);
  const reason = `the type in ${sides.reader} is "${branchName(reader)}", in ${sides.writer} "${branchName(writer)}"`;
  return difference(
    "TYPE_MISMATCH",
    path,
    reason,
    `reader type: ${reader.kind.toUpperCase()} not compatible with writer type: ${writer.kind.toUpperCase()}`,
  );
}

function sideNames({ sides }: Comparison) {
  return { reader: `the ${sides.reader} schema`, writer: `the ${sides.writer} schema` };
}

function difference(kind: string, path: string, reason: string, info = ""): Difference {
  return { kind, path: path === "" ? "/" : path, reason, info };
}
