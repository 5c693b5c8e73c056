import { fieldName, isFieldName, typeName } from "./naming.ts";
import type { EventProposal, Property, Proposed, RecordType, Type } from "./proposal.ts";
import { plain, quoted, remarks } from "./words.ts";

export interface ProtobufProposal {
  readonly text: string;
  /** Message of each proposal, in their order. */
  readonly messages: readonly string[];
  /** What Protobuf cannot name. */
  readonly notes: readonly string[];
}

/** Proposals as one `.proto` file, a message for each. */
export function protobufProposal(proposals: readonly EventProposal[]): ProtobufProposal {
  const names = new Set<string>();
  const imports = { isStruct: false };
  const notes: string[] = [];
  const messages = proposals.map(({ name }) => typeName(name, names));
  const bodies = proposals.map(({ name, content }, at) => {
    const lines = [comment(`The event ${plain(name)}.`)];
    writeMessage(messages[at] ?? "", content, { lines, indent: "", imports, notes });
    return lines.join("\n");
  });
  const head = ['syntax = "proto3";'];
  if (imports.isStruct) head.push('import "google/protobuf/struct.proto";');
  return { text: `${[head.join("\n"), ...bodies].join("\n\n")}\n`, messages, notes };
}

interface Writing {
  readonly lines: string[];
  readonly indent: string;
  readonly imports: { isStruct: boolean };
  readonly notes: string[];
}

function writeMessage(name: string, { properties }: RecordType, writing: Writing): void {
  const { lines, indent } = writing;
  lines.push(`${indent}message ${name} {`);
  const inner = { ...writing, indent: `${indent}  ` };
  const message: Message = {
    fields: new Set(),
    camel: new Set(),
    // Fields and types of a message share their names.
    types: new Set([name, ...properties.map((one) => one.name).filter(isTypeLike)].map(lowered)),
  };
  for (const [at, property] of properties.entries())
    if (!isPrintable(property.name))
      inner.notes.push(
        `${name}: ${quoted(property.name)} is no name that Protobuf takes, left out`,
      );
    else writeField(property, at < 18_999 ? at + 1 : at + 1001, message, inner);
  lines.push(`${indent}}`);
}

/** What a text of a file has without an escape: parsers differ in those that they know. */
const isPrintable = (name: string): boolean => /^[^\p{C}\p{Zl}\p{Zp}"\\]+$/u.test(name);

/** Parsers of limited depth count brackets and statements in comments as well. */
function comment(text: string): string {
  const plainer = text
    .replace(/ ?[([{<]/g, " - ")
    .replace(/[)\]}>]/g, "")
    .replaceAll(";", ",");
  return `// ${plainer.replaceAll("__proto__", "proto")}`;
}

const isTypeLike = (name: string): boolean => /^[A-Z]/.test(name);
const lowered = (name: string): string => name.toLowerCase();

/** Names that a message has already. */
interface Message {
  readonly fields: Set<string>;
  readonly camel: Set<string>;
  readonly types: Set<string>;
}

function writeField(property: Property, id: number, message: Message, writing: Writing): void {
  const { lines, indent } = writing;
  const said = [...(property.isRequired ? ["always there"] : []), ...remarks(property)];
  const field = fieldName(property.name, message.fields);
  const type = fieldType(property, message, writing);
  const option = needsJsonName(property.name, field, message)
    ? ` [json_name = ${quoted(property.name)}]`
    : "";
  if (said.length > 0) lines.push(indent + comment(said.join(", ")));
  lines.push(`${indent}${type} ${field} = ${id}${option};`);
}

/** Two names that read the same in the compiler's own JSON names are told apart by being said. */
function needsJsonName(name: string, field: string, { camel }: Message): boolean {
  const own = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  const isTaken = camel.has(own);
  camel.add(own);
  return isTaken || field !== name || !isFieldName(name);
}

function fieldType({ name, value }: Property, message: Message, writing: Writing): string {
  const [type] = value.types;
  if (value.isOpen || type === undefined || value.types.length > 1) return struct("Value", writing);
  const place = { name, message, writing };
  switch (type.kind) {
    case "list": {
      const items = elementType(type.items, place);
      return items === undefined ? struct("ListValue", writing) : `repeated ${items}`;
    }
    case "map": {
      const values = elementType(type.values, place);
      return values === undefined ? struct("Struct", writing) : `map<string, ${values}>`;
    }
    case "record":
      return singleType(type, place) ?? struct("Struct", writing);
    case "boolean":
    case "integer":
    case "number":
    case "string":
      return `optional ${singleType(type, place)}`;
  }
}

interface Place {
  readonly name: string;
  readonly message: Message;
  readonly writing: Writing;
}

/** Undefined where items are of several types, may be null, or are lists themselves. */
function elementType({ types, isNullable, isOpen }: Proposed, place: Place): string | undefined {
  const [type] = types;
  if (isOpen || isNullable || type === undefined || types.length > 1) return undefined;
  return singleType(type, place);
}

function singleType(type: Type, { name, message, writing }: Place): string | undefined {
  switch (type.kind) {
    case "boolean":
      return "bool";
    case "integer":
      return "int64";
    case "number":
      return "double";
    case "string":
      return "string";
    case "list":
    case "map":
      return undefined;
    case "record": {
      if (type.isOpen) return undefined;
      const own = typeName(name, message.types);
      writeMessage(own, type, writing);
      return own;
    }
  }
}

function struct(name: "Value" | "ListValue" | "Struct", { imports }: Writing): string {
  imports.isStruct = true;
  // A field may be called "google" too.
  return `.google.protobuf.${name}`;
}
