import protobuf from "protobufjs";
import { messageOf, schemaInvalid } from "../error.ts";
import { schemaLimits } from "../limits.ts";
import type { SchemaReference } from "../schema.ts";
import { checkTexts } from "../text.ts";
import { printProto } from "./print.ts";
import { localName, type ProtobufSchema } from "./schema.ts";
import { importsOfWellKnown, wellKnown } from "./well-known.ts";

/** Parses a `.proto` file (proto2, proto3 or an edition) whose imports are references or well known. */
export function parseProtobuf(
  text: string,
  references: readonly SchemaReference[],
): ProtobufSchema {
  checkTexts(text, references);
  for (const part of [text, ...references.map((reference) => reference.text)]) checkText(part);
  const root = new protobuf.Root();
  const parsed = parseInto(root, text, "the schema");
  const packageName = parsed.package ?? "";
  const own = new Set<string>();
  const place = packageName === "" ? root : root.lookup(packageName);
  // Before anything is imported, which may share the package.
  if (place instanceof protobuf.Namespace) collectNames(place, "", own);
  new Files(root, references).addImports(parsed);
  resolveAll(root);
  const messages = [...own]
    .filter((name) => !name.includes("."))
    .flatMap((name) => {
      const found = root.lookup(packageName === "" ? `.${name}` : `.${packageName}.${name}`);
      return found instanceof protobuf.Type ? [found] : [];
    });
  checkFields(root);
  return {
    type: "PROTOBUF",
    text,
    references,
    package: packageName,
    root,
    messages,
    own,
    identity: () => text.trim(),
    normalized: () => {
      const alone = parseInto(new protobuf.Root(), text, "the schema");
      return printProto({ ...alone, isProto3: isProto3(text) }).trim();
    },
  };
}

/** Refuses what the parser, which descends as deep as the text goes, should not see. */
function checkText(text: string): void {
  if (text.includes("__proto__"))
    throw schemaInvalid('the name "__proto__" is not taken in schemas');
  let depth = 0;
  let statements = 0;
  for (const unit of text) {
    if (unit === ";" && ++statements > schemaLimits.protobufStatementsMax)
      throw schemaInvalid(
        `a file has more than ${schemaLimits.protobufStatementsMax} statements, split it`,
      );
    if (unit === "{" || unit === "[" || unit === "(" || unit === "<") depth++;
    else if (unit === "}" || unit === "]" || unit === ")" || unit === ">") depth--;
    if (depth > schemaLimits.textDepthMax)
      throw schemaInvalid(`the schema is nested more than ${schemaLimits.textDepthMax} deep`);
  }
}

/** Adds a file and what it imports to a root, each once. */
class Files {
  readonly #root: protobuf.Root;
  readonly #references: ReadonlyMap<string, string>;
  readonly #added = new Set<string>();

  constructor(root: protobuf.Root, references: readonly SchemaReference[]) {
    this.#root = root;
    this.#references = new Map(references.map(({ name, text }) => [name, text]));
  }

  addImports({ imports = [], weakImports = [] }: protobuf.IParserResult): void {
    for (const path of [...imports, ...weakImports]) this.#import(path);
  }

  #import(path: string): void {
    if (this.#added.has(path)) return;
    this.#added.add(path);
    const text = this.#references.get(path);
    if (text !== undefined) {
      this.addImports(parseInto(this.#root, text, `"${path}"`));
      return;
    }
    const known = wellKnown(path);
    if (known === undefined)
      throw schemaInvalid(
        `the import "${path}" is neither a reference of the schema nor well known`,
      );
    for (const other of importsOfWellKnown(path)) this.#import(other);
    this.#root.addJSON(known);
  }
}

function parseInto(root: protobuf.Root, text: string, whose: string): protobuf.IParserResult {
  try {
    return protobuf.parse(text, root, { keepCase: true });
  } catch (error) {
    throw schemaInvalid(`${whose} is not Protobuf: ${messageOf(error)}`, error);
  }
}

function resolveAll(root: protobuf.Root): void {
  try {
    eachType(root, (type) => {
      for (const field of type.fieldsArray) {
        // JSON has the names of the schema, not names derived from them.
        if (field.jsonName === undefined) Reflect.set(field, "jsonName", field.name);
      }
    });
    root.resolveAll();
  } catch (error) {
    throw schemaInvalid(`a name is not defined: ${messageOf(error)}`, error);
  }
}

function eachType(place: protobuf.NamespaceBase, look: (type: protobuf.Type) => void): void {
  for (const object of place.nestedArray) {
    if (object instanceof protobuf.Type) look(object);
    if (object instanceof protobuf.Namespace) eachType(object, look);
  }
}

/** What the compiler of Protobuf refuses and this parser lets pass. */
function checkFields(root: protobuf.Root): void {
  let fields = 0;
  eachType(root, (type) => {
    fields += type.fieldsArray.length + 1;
    if (fields > schemaLimits.nodesMax)
      throw schemaInvalid(`the schema has more than ${schemaLimits.nodesMax} fields`);
    for (const field of type.fieldsArray) {
      const place = `field "${field.name}" of "${type.fullName.slice(1)}"`;
      if (field.id < 1 || field.id > fieldNumberMax || (field.id >= 19_000 && field.id <= 19_999))
        throw schemaInvalid(`${place} has the number ${field.id}, which is not allowed`);
      if (field instanceof protobuf.MapField && !mapKeys.has(field.keyType))
        throw schemaInvalid(`${place} has keys of type "${field.keyType}"`);
    }
  });
}

const fieldNumberMax = 2 ** 29 - 1;

const mapKeys: ReadonlySet<string> = new Set(
  (
    "int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 " + "bool string"
  ).split(" "),
);

function collectNames(place: protobuf.NamespaceBase, prefix: string, names: Set<string>): void {
  for (const object of place.nestedArray) {
    const isNamed = object instanceof protobuf.Type || object instanceof protobuf.Enum;
    if (!isNamed) continue;
    const name = prefix + object.name;
    names.add(name);
    if (object instanceof protobuf.Type) collectNames(object, `${name}.`, names);
  }
}

function isProto3(text: string): boolean {
  return /^\s*syntax\s*=\s*["']proto3["']/m.test(text);
}

/** A message of a schema by its local or full name. */
export function messageNamed(schema: ProtobufSchema, name: string): protobuf.Type | undefined {
  const local = localName(name, schema.package);
  if (!schema.own.has(local)) return undefined;
  const path = schema.package === "" ? `.${local}` : `.${schema.package}.${local}`;
  const found = schema.root.lookup(path);
  return found instanceof protobuf.Type ? found : undefined;
}
