import { FreshetError, type Json, type JsonObject } from "@freshet/protocol";
import { parseAvro } from "../../src/schema/avro/parse.ts";
import type { AvroNode, AvroSchema } from "../../src/schema/avro/schema.ts";
import { unionForm, wrapped } from "../../src/schema/avro/union.ts";
import type { Random } from "../../src/testing/random.ts";

/** Random Avro schemas, changes to them, and values of them. */
type Schema = { [key: string]: Json };

const primitives = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];
const logicals: readonly JsonObject[] = [
  { type: "long", logicalType: "timestamp-millis" },
  { type: "long", logicalType: "timestamp-micros" },
  { type: "int", logicalType: "date" },
  { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 },
  { type: "bytes", logicalType: "decimal", precision: 9, scale: 3 },
];

interface Names {
  next: number;
  readonly records: string[];
}

/** A record with fields of all kinds; some hold the record itself. */
export function randomAvro(random: Random): JsonObject {
  return recordOf(random, 3, { next: 0, records: [] });
}

function recordOf(random: Random, depth: number, names: Names): Schema {
  const name = `R${names.next++}`;
  names.records.push(name);
  const fields = Array.from({ length: 1 + random.below(4) }, (_, index) => {
    const type = typeOf(random, depth - 1, names);
    const field: Schema = { name: `f${index}`, type };
    const byDefault = defaultOf(type);
    if (byDefault !== undefined && random.chance(0.4)) field["default"] = byDefault;
    return field;
  });
  return {
    type: "record",
    name,
    ...(name === "R0" && random.chance(0.3) && { namespace: "a.b" }),
    fields,
  };
}

function typeOf(random: Random, depth: number, names: Names): Json {
  const roll = depth <= 0 ? random.below(6) : random.below(12);
  if (roll < 4) return random.pick(primitives);
  if (roll === 4) return random.pick(logicals);
  if (roll === 5) return { type: "fixed", name: `F${names.next++}`, size: 1 + random.below(3) };
  if (roll === 6) return recordOf(random, depth, names);
  if (roll === 7) return { type: "array", items: typeOf(random, depth - 1, names) };
  if (roll === 8) return { type: "map", values: typeOf(random, depth - 1, names) };
  if (roll === 9) return enumOf(random, names);
  return unionOf(random, depth, names);
}

const symbols = ["A", "B", "C", "D", "constructor"];

function enumOf(random: Random, names: Names): Schema {
  const own = symbols.slice(0, 1 + random.below(symbols.length));
  const byDefault = random.chance(0.3) ? { default: random.pick(own) } : {};
  return { type: "enum", name: `E${names.next++}`, symbols: own, ...byDefault };
}

function unionOf(random: Random, depth: number, names: Names): Json[] {
  const branches: Json[] = random.chance(0.6) ? ["null"] : [];
  const kinds = new Set(branches.map(branchKind));
  for (let count = 1 + random.below(3); count > 0; count--) {
    const [self] = names.records;
    const branch =
      self !== undefined && kinds.has("null") && random.chance(0.15)
        ? self
        : typeOf(random, depth - 1, names);
    if (Array.isArray(branch) || kinds.has(branchKind(branch))) continue;
    kinds.add(branchKind(branch));
    branches.push(branch);
  }
  return branches.length > 0 ? branches : ["null"];
}

function branchKind(branch: Json): string {
  if (typeof branch === "string") return branch;
  const { type, name } = branch as JsonObject;
  return String(name ?? type);
}

/** A default that the schema takes, for the types where one is easy to give. */
function defaultOf(type: Json): Json | undefined {
  if (Array.isArray(type)) return defaultOf(type[0] ?? null);
  if (typeof type === "object" && type !== null) {
    const { type: kind, symbols } = type as JsonObject;
    if (kind === "array") return [];
    if (kind === "map") return {};
    if (kind === "enum" && Array.isArray(symbols)) return symbols[0] ?? null;
    return undefined;
  }
  switch (type) {
    case "null":
      return null;
    case "boolean":
      return true;
    case "int":
    case "long":
      return 7;
    case "float":
    case "double":
      return 0.5;
    case "bytes":
      return "\u00ff";
    case "string":
      return "x";
    default:
      return undefined;
  }
}

/** The schema after one to three changes, some of which are compatible. */
export function changedAvro(random: Random, schema: JsonObject): AvroSchema {
  for (;;) {
    const text = JSON.stringify(changedOnce(random, schema));
    try {
      return parseAvro(text, []);
    } catch (error) {
      // A change may make two branches of a union the same.
      if (!(error instanceof FreshetError)) throw error;
    }
  }
}

function changedOnce(random: Random, schema: JsonObject): JsonObject {
  const copy = structuredClone(schema) as Schema;
  const names: Names = { next: 100, records: [String(copy["name"])] };
  for (let count = 1 + random.below(3); count > 0; count--) change(random, copy, names);
  return copy;
}

function change(random: Random, root: Schema, names: Names): void {
  const places: Schema[] = [];
  collect(root, places);
  const place = random.pick(places);
  switch (place["type"]) {
    case "record":
      changeRecord(random, place, names);
      return;
    case "enum":
      changeEnum(random, place);
      return;
    case "fixed":
      place["size"] = 1 + random.below(3);
      return;
    case "array":
    case "map":
      swapContainer(random, place);
      return;
    default:
      changeField(random, place, names);
  }
}

/** Named types, containers and fields. */
function collect(value: Json, places: Schema[]): void {
  if (Array.isArray(value)) for (const item of value as Json[]) collect(item, places);
  else if (typeof value === "object" && value !== null) {
    places.push(value as Schema);
    for (const key of ["fields", "type", "items", "values"]) {
      const child = (value as Schema)[key];
      if (typeof child === "object") collect(child, places);
    }
  }
}

function changeRecord(random: Random, record: Schema, names: Names): void {
  const fields = record["fields"] as Schema[];
  switch (random.below(5)) {
    case 0: {
      const type = typeOf(random, 1, names);
      const byDefault = defaultOf(type);
      const isOptional = byDefault !== undefined && random.chance(0.7);
      fields.push({ name: `n${names.next++}`, type, ...(isOptional && { default: byDefault }) });
      return;
    }
    case 1:
      if (fields.length > 1 && !definesNames(fields.at(-1))) fields.pop();
      return;
    case 2: {
      const field = random.pick(fields);
      if (random.chance(0.6)) field["aliases"] = [field["name"] ?? ""];
      field["name"] = `n${names.next++}`;
      return;
    }
    case 3:
      fields.reverse();
      // A type must be defined before it is used.
      if (fields.some(definesNames)) fields.reverse();
      return;
    default:
      changeField(random, random.pick(fields), names);
  }
}

function definesNames(field: Schema | undefined): boolean {
  return /"name":"[RFE]\d/.test(JSON.stringify(field?.["type"] ?? null));
}

function changeEnum(random: Random, place: Schema): void {
  const own = place["symbols"] as string[];
  if (random.chance(0.5)) place["symbols"] = [...own, `X${own.length}`];
  else if (own.length > 1 && place["default"] !== own.at(-1)) place["symbols"] = own.slice(0, -1);
}

function swapContainer(random: Random, place: Schema): void {
  if (random.chance(0.5)) return;
  const isArray = place["type"] === "array";
  const inside = place[isArray ? "items" : "values"] ?? "null";
  delete place[isArray ? "items" : "values"];
  place["type"] = isArray ? "map" : "array";
  place[isArray ? "values" : "items"] = inside;
}

function changeField(random: Random, field: Schema, names: Names): void {
  if (field["name"] === undefined || "symbols" in field || "size" in field) return;
  const type = field["type"] ?? "null";
  if (typeof type === "string" && primitives.includes(type)) {
    field["type"] = random.chance(0.4)
      ? ["null", type].slice(type === "null" ? 1 : 0)
      : random.pick(primitives);
  } else if (Array.isArray(type)) {
    const branches = type as Json[];
    const extra = random.pick(primitives);
    if (random.chance(0.5) && !branches.map(branchKind).includes(extra))
      field["type"] = [...branches, extra];
    else if (branches.length > 1 && !definesNames({ type: branches.at(-1) ?? null }))
      // The first one stays: without its null a record that holds itself would have no end.
      field["type"] = branches.slice(0, -1);
  } else if (!definesNames(field)) field["type"] = typeOf(random, 1, names);
  delete field["default"];
  const byDefault = defaultOf(field["type"] ?? "null");
  if (byDefault !== undefined && random.chance(0.5)) field["default"] = byDefault;
}

/** A value of a type, in our JSON form; choices are even, so that each branch and symbol comes up. */
export function avroValue(node: AvroNode, random: Random, depth = 6): Json {
  switch (node.kind) {
    case "null":
      return null;
    case "boolean":
      return random.chance(0.5);
    case "int":
    case "long":
    case "bytes":
      return logicalValue(node, random);
    case "float":
      return Math.fround(random.next() * 1000);
    case "double":
      return random.pick([random.next() * 1e9, -1.5, 0]);
    case "string":
      return random.pick(["", "text", "ü€😀", "x".repeat(100)]);
    case "fixed":
      return Buffer.from(Array.from({ length: node.size }, () => random.below(256))).toString(
        "base64",
      );
    case "enum":
      return random.pick(node.symbols);
    case "array":
      return Array.from({ length: depth <= 0 ? 0 : random.below(3) }, () =>
        avroValue(node.items, random, depth - 1),
      );
    case "map": {
      const size = depth <= 0 ? 0 : random.below(2);
      return Object.fromEntries(
        Array.from({ length: size }, (_, at) => [
          `k${at}`,
          avroValue(node.values, random, depth - 1),
        ]),
      );
    }
    case "union": {
      const flat = node.branches.findIndex(({ kind }) => kind !== "record");
      const index = depth <= 0 && flat >= 0 ? flat : random.below(node.branches.length);
      const branch = node.branches[index];
      if (branch === undefined) throw new Error("a union has no branch");
      return wrapped(unionForm(node), index, avroValue(branch, random, depth - 1));
    }
    case "record":
      return Object.fromEntries(
        node.fields.map((field) => [field.name, avroValue(field.type, random, depth - 1)]),
      );
  }
}

function logicalValue(node: Extract<AvroNode, { readonly kind: string }>, random: Random): Json {
  const logical = "logical" in node ? node.logical : undefined;
  switch (logical?.kind) {
    case "date":
      return "2026-05-04";
    case "timestamp":
      return `2026-05-04T11:00:00.${"123456789".slice(0, logical.digits)}Z`;
    case "decimal":
      return `${random.below(1000)}.${"12345".slice(0, logical.scale)}`;
    default:
      if (node.kind === "bytes") return Buffer.from([random.below(256), 255]).toString("base64");
      if (node.kind === "int") return random.pick([0, -1, 2 ** 31 - 1, random.below(1000)]);
      return random.pick<Json>([0, -1, 2 ** 40, "9223372036854775807", random.below(1000)]);
  }
}
