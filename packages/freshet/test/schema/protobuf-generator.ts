import type { Json } from "@freshet/protocol";
import protobuf from "protobufjs";
import type { Random } from "../../src/testing/random.ts";

/** Random Protobuf files, changes to them, and values of them. */
export interface Field {
  readonly number: number;
  name: string;
  type: string;
  isRepeated: boolean;
  oneof: string | undefined;
}

export interface Message {
  name: string;
  readonly fields: Field[];
  readonly reserved: number[];
}

export interface File {
  package: string;
  readonly messages: Message[];
  readonly symbols: string[];
}

const scalars = [
  ...["int32", "int64", "uint32", "uint64", "sint32", "sint64", "bool", "string", "bytes"],
  ...["fixed32", "sfixed32", "fixed64", "sfixed64", "float", "double"],
];

export function randomFile(random: Random): File {
  const messages = ["Order", "Line", "Place"]
    .slice(0, 1 + random.below(3))
    .map((name) => messageOf(random, name));
  return { package: "shop", messages, symbols: ["NONE", "ONE", "TWO"] };
}

function messageOf(random: Random, name: string): Message {
  const fields = Array.from({ length: 1 + random.below(5) }, (_, at) => fieldOf(random, at + 1));
  const oneof = random.chance(0.4) ? "choice" : undefined;
  for (const field of fields)
    if (oneof && !field.isRepeated && !field.type.startsWith("map") && random.chance(0.5))
      field.oneof = oneof;
  return { name, fields, reserved: [] };
}

function fieldOf(random: Random, number: number): Field {
  const type = typeOf(random);
  const isMap = type.startsWith("map");
  return {
    number,
    name: `f${number}`,
    type,
    isRepeated: !isMap && random.chance(0.25),
    oneof: undefined,
  };
}

function typeOf(random: Random): string {
  if (random.chance(0.1)) return "Order";
  if (random.chance(0.1)) return "Kind";
  if (random.chance(0.1)) return `map<string, ${random.pick(scalars)}>`;
  return random.pick(scalars);
}

export function changedFile(random: Random, file: File): File {
  const copy = structuredClone(file);
  for (let count = 1 + random.below(2); count > 0; count--) change(random, copy);
  return copy;
}

function change(random: Random, file: File): void {
  const message = random.pick(file.messages);
  const field = message.fields.length > 0 ? random.pick(message.fields) : undefined;
  switch (random.below(9)) {
    case 0:
      message.fields.push(fieldOf(random, 20 + message.fields.length));
      return;
    case 1:
      if (field === undefined || message.fields.length < 2) return;
      message.fields.splice(message.fields.indexOf(field), 1);
      if (random.chance(0.5)) message.reserved.push(field.number);
      return;
    case 2:
    case 3:
      if (field !== undefined && !field.oneof) Object.assign(field, { type: typeOf(random) });
      if (field?.type.startsWith("map")) field.isRepeated = false;
      return;
    case 4:
      if (field !== undefined) field.name = `g${field.number}`;
      return;
    case 5:
      if (field !== undefined && !field.type.startsWith("map") && !field.oneof)
        field.isRepeated = !field.isRepeated;
      return;
    case 6:
      if (field !== undefined && !field.type.startsWith("map") && !field.isRepeated)
        field.oneof = field.oneof ? undefined : "choice";
      return;
    case 7:
      file.symbols.push("MORE");
      file.symbols.splice(0, file.symbols.length, ...new Set(file.symbols));
      return;
    default:
      if (file.messages.length > 1) file.messages.splice(1, 1);
  }
}

export function protoText(file: File): string {
  const lines = ['syntax = "proto3";', `package ${file.package};`];
  for (const message of file.messages) {
    lines.push(`message ${message.name} {`);
    if (message.reserved.length > 0) lines.push(`  reserved ${message.reserved.join(", ")};`);
    for (const field of message.fields) if (!field.oneof) lines.push(`  ${fieldText(field)}`);
    const chosen = message.fields.filter(({ oneof }) => oneof);
    if (chosen.length > 0)
      lines.push("  oneof choice {", ...chosen.map((field) => `    ${fieldText(field)}`), "  }");
    lines.push("}");
  }
  lines.push("enum Kind {", ...file.symbols.map((name, at) => `  ${name} = ${at};`), "}");
  return `${lines.join("\n")}\n`;
}

function fieldText({ number, name, type, isRepeated }: Field): string {
  return `${isRepeated ? "repeated " : ""}${type} ${name} = ${number};`;
}

/** A value in Protobuf's JSON form. */
export function protobufValue(type: protobuf.Type, random: Random, depth = 4): Json {
  const value: { [name: string]: Json } = {};
  const chosen = new Set<string>();
  for (const field of type.fieldsArray) {
    const isMessage = field.resolvedType instanceof protobuf.Type;
    if (random.chance(0.2) || (isMessage && depth <= 0)) continue;
    if (field.partOf !== null) {
      if (chosen.has(field.partOf.name)) continue;
      chosen.add(field.partOf.name);
    }
    const one = () => single(field, random, depth);
    if (field instanceof protobuf.MapField) value[field.name] = { k: one() };
    else value[field.name] = field.repeated ? [one(), one()] : one();
  }
  return value;
}

function single(field: protobuf.Field, random: Random, depth: number): Json {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) return protobufValue(resolvedType, random, depth - 1);
  if (resolvedType instanceof protobuf.Enum) return random.pick(Object.keys(resolvedType.values));
  switch (field.type) {
    case "string":
      return random.pick(["", "text", "ü"]);
    case "bytes":
      return random.pick(["", "AQI="]);
    case "bool":
      return random.chance(0.5);
    case "float":
    case "double":
      return 0.5 * random.below(9);
    case "int64":
    case "uint64":
    case "sint64":
    case "fixed64":
    case "sfixed64":
      return random.pick(["0", "7", "9007199254740993"]);
    default:
      return random.below(1000);
  }
}
