import type { Json, JsonObject } from "@freshet/protocol";
import { FreshetError } from "@freshet/protocol";
import { schemaInvalid } from "../error.ts";
import { schemaLimits } from "../limits.ts";
import type { SchemaReference } from "../schema.ts";
import { checkTexts, isObject, parseJson } from "../text.ts";
import { avroNormalized } from "./canonical.ts";
import { defaultBudget, isDefault } from "./default.ts";
import { logicalOf } from "./logical.ts";
import type { AvroField, AvroNode, AvroPrimitiveKind, AvroSchema } from "./schema.ts";

/** Parses a schema whose names may also be defined by its references. Throws `schemaInvalid`. */
export function parseAvro(text: string, references: readonly SchemaReference[]): AvroSchema {
  checkTexts(text, references);
  const names = definedBy(references);
  const json = parseJson(text);
  const parsing: Parsing = { names: new Map(names), nodes: 0, defaults: [] };
  const root = nodeOf(json, "", parsing);
  checkDefaults(parsing);
  return {
    type: "AVRO",
    text,
    references,
    root,
    identity: () => JSON.stringify(json),
    normalized: () => avroNormalized(json),
  };
}

interface Parsing {
  readonly names: Map<string, AvroNode>;
  nodes: number;
  /** Looked at when all names are known. */
  readonly defaults: { readonly record: string; readonly field: AvroField }[];
}

/** References in any order: one that needs another's names waits for it. */
function definedBy(references: readonly SchemaReference[]): Map<string, AvroNode> {
  let names = new Map<string, AvroNode>();
  let waiting = references.map(({ name, text }) => ({ name, json: parseJson(text) }));
  while (waiting.length > 0) {
    const left: typeof waiting = [];
    let problem: unknown;
    for (const reference of waiting) {
      const parsing: Parsing = { names: new Map(names), nodes: 0, defaults: [] };
      try {
        nodeOf(reference.json, "", parsing);
        checkDefaults(parsing);
        names = parsing.names;
      } catch (error) {
        if (!(error instanceof FreshetError)) throw error;
        problem = error;
        left.push(reference);
      }
    }
    if (left.length === waiting.length) {
      const said = problem instanceof Error ? problem.message : "";
      throw schemaInvalid(`reference "${left[0]?.name}": ${said}`, problem);
    }
    waiting = left;
  }
  return names;
}

function nodeOf(schema: Json | undefined, space: string, parsing: Parsing): AvroNode {
  if (++parsing.nodes > schemaLimits.nodesMax)
    throw schemaInvalid(`the schema has more than ${schemaLimits.nodesMax} types`);
  if (typeof schema === "string") return namedNode(schema, space, parsing);
  if (Array.isArray(schema)) return unionOf(schema, space, parsing);
  if (!isObject(schema))
    throw schemaInvalid(
      `a type is ${JSON.stringify(schema) ?? "missing"}, expected a name, list or object`,
    );
  const type = schema["type"];
  if (typeof type !== "string") {
    if (type === undefined) throw schemaInvalid('a type has no "type"');
    return nodeOf(type, space, parsing);
  }
  switch (type) {
    case "record":
    case "error":
      return recordOf(schema, space, parsing);
    case "enum":
      return enumOf(schema, space, parsing);
    case "fixed":
      return fixedOf(schema, space, parsing);
    case "array":
      return { kind: "array", items: nodeOf(schema["items"], space, parsing) };
    case "map":
      return { kind: "map", values: nodeOf(schema["values"], space, parsing) };
    default: {
      if (!isPrimitive(type)) return namedNode(type, space, parsing);
      const logical = logicalOf(schema, type);
      return logical === undefined ? { kind: type } : { kind: type, logical };
    }
  }
}

const primitives: ReadonlySet<string> = new Set<AvroPrimitiveKind>([
  "null",
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "bytes",
  "string",
]);

function isPrimitive(name: string): name is AvroPrimitiveKind {
  return primitives.has(name);
}

function namedNode(name: string, space: string, parsing: Parsing): AvroNode {
  if (isPrimitive(name)) return { kind: name };
  const node = parsing.names.get(qualified(name, space));
  if (node !== undefined) return node;
  throw schemaInvalid(`the type "${qualified(name, space)}" is not defined`);
}

function unionOf(schemas: readonly Json[], space: string, parsing: Parsing): AvroNode {
  if (schemas.length === 0) throw schemaInvalid("a union has no branches");
  const seen = new Set<string>();
  const branches = schemas.map((schema) => {
    const branch = nodeOf(schema, space, parsing);
    if (branch.kind === "union") throw schemaInvalid("a union is a branch of a union");
    const name = "name" in branch ? branch.name : branch.kind;
    if (seen.has(name)) throw schemaInvalid(`a union has two branches "${name}"`);
    seen.add(name);
    return branch;
  });
  return { kind: "union", branches };
}

function recordOf(schema: JsonObject, space: string, parsing: Parsing): AvroNode {
  const { name, inside, aliases } = nameOf(schema, space);
  const fields: AvroField[] = [];
  const record: AvroNode = { kind: "record", name, aliases, fields };
  define(record, parsing);
  const list = schema["fields"];
  if (!Array.isArray(list)) throw schemaInvalid(`record "${name}" has no list of fields`);
  const seen = new Set<string>();
  for (const item of list as readonly Json[]) {
    const field = fieldOf(item, { record: name, space: inside, parsing });
    if (seen.has(field.name))
      throw schemaInvalid(`record "${name}" has two fields "${field.name}"`);
    seen.add(field.name);
    fields.push(field);
    if (field.default !== undefined) parsing.defaults.push({ record: name, field });
  }
  return record;
}

interface Place {
  readonly record: string;
  readonly space: string;
  readonly parsing: Parsing;
}

function fieldOf(item: Json, { record, space, parsing }: Place): AvroField {
  if (!isObject(item)) throw schemaInvalid(`a field of record "${record}" is not an object`);
  const name = checkedName(item["name"], `a field of record "${record}"`);
  const type = nodeOf(item["type"], space, parsing);
  const aliases = textsOf(item["aliases"], `aliases of field "${name}"`);
  for (const alias of aliases) checkedName(alias, `an alias of field "${name}"`);
  const byDefault = item["default"];
  return byDefault === undefined
    ? { name, aliases, type }
    : { name, aliases, type, default: byDefault };
}

function enumOf(schema: JsonObject, space: string, parsing: Parsing): AvroNode {
  const { name, aliases } = nameOf(schema, space);
  const symbols = textsOf(schema["symbols"], `symbols of enum "${name}"`);
  if (schema["symbols"] === undefined) throw schemaInvalid(`enum "${name}" has no symbols`);
  for (const symbol of symbols) checkedName(symbol, `a symbol of enum "${name}"`);
  if (new Set(symbols).size < symbols.length)
    throw schemaInvalid(`enum "${name}" has a symbol twice`);
  const byDefault = schema["default"];
  if (byDefault !== undefined && !symbols.includes(byDefault as string))
    throw schemaInvalid(`the default of enum "${name}" is not one of its symbols`);
  const node: AvroNode = {
    kind: "enum",
    name,
    aliases,
    symbols,
    ...(typeof byDefault === "string" && { default: byDefault }),
  };
  define(node, parsing);
  return node;
}

function fixedOf(schema: JsonObject, space: string, parsing: Parsing): AvroNode {
  const { name, aliases } = nameOf(schema, space);
  const size = schema["size"];
  if (typeof size !== "number" || !Number.isInteger(size) || size < 0)
    throw schemaInvalid(`the size of fixed "${name}" is not a whole number`);
  if (size > schemaLimits.payloadBytesMax)
    throw schemaInvalid(`fixed "${name}" is larger than ${schemaLimits.payloadBytesMax} bytes`);
  const logical = logicalOf(schema, "fixed", size);
  const node: AvroNode = { kind: "fixed", name, aliases, size, ...(logical && { logical }) };
  define(node, parsing);
  return node;
}

function define(node: AvroNode & { readonly name: string }, { names }: Parsing): void {
  if (names.has(node.name)) throw schemaInvalid(`the type "${node.name}" is defined twice`);
  names.set(node.name, node);
}

function nameOf(schema: JsonObject, space: string) {
  const own = schema["name"];
  const said = schema["namespace"];
  if (typeof own !== "string") throw schemaInvalid(`a ${String(schema["type"])} has no name`);
  if (said !== undefined && said !== null && typeof said !== "string")
    throw schemaInvalid(`the namespace of "${own}" is not a text`);
  const at = own.lastIndexOf(".");
  const inside = at >= 0 ? own.slice(0, at) : (said ?? space);
  const short = own.slice(at + 1);
  checkedName(short, "a type");
  if (inside !== "") for (const part of inside.split(".")) checkedName(part, "a namespace");
  if (inside === "" && isPrimitive(short))
    throw schemaInvalid(`the name "${short}" is a primitive type's`);
  const aliases = textsOf(schema["aliases"], `aliases of "${own}"`);
  const name = qualified(short, inside);
  return { name, inside, aliases: aliases.map((alias) => qualified(alias, inside)) };
}

function qualified(name: string, space: string): string {
  if (name.startsWith(".")) return name.slice(1);
  return name.includes(".") || space === "" ? name : `${space}.${name}`;
}

function checkedName(name: Json | undefined, whose: string): string {
  if (typeof name === "string" && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && name !== "__proto__")
    return name;
  const shown = JSON.stringify(name)?.slice(0, 60) ?? "nothing";
  throw schemaInvalid(`the name of ${whose} is ${shown}, expected letters, digits and "_"`);
}

function textsOf(list: Json | undefined, whose: string): readonly string[] {
  if (list === undefined || list === null) return [];
  if (Array.isArray(list) && list.every((item) => typeof item === "string"))
    return list as readonly string[];
  throw schemaInvalid(`the ${whose} are not a list of texts`);
}

function checkDefaults({ defaults }: Parsing): void {
  const budget = defaultBudget();
  for (const { record, field } of defaults) {
    if (!isDefault(field.type, field.default ?? null, budget))
      throw schemaInvalid(
        `the default of field "${field.name}" in "${record}" is not a value of its type ` +
          `"${field.type.kind}"`,
      );
  }
}
