import type { Field, Layout, Member } from "./layout.ts";
import { nameGiver, typeName } from "./name.ts";
import { type NumberedField, type NumberedMember, numbersOf } from "./protobuf-number.ts";

/** The `.proto` file of what `protobufWriter` writes; names that Protobuf cannot have stand in comments. */
export function protobufText(layout: Layout): string {
  return `${[
    'syntax = "proto3";',
    "package freshet.log;",
    ...message("Event", layout.fields),
    ...value,
  ].join("\n")}\n`;
}

/** One of the fields is there, whatever JSON can say. */
const value = `message Value {
  oneof kind {
    bool null = 1;
    bool boolean = 2;
    sint64 whole = 3;
    double number = 4;
    string text = 5;
    List list = 6;
    Map map = 7;
  }
}
message List {
  repeated Value items = 1;
}
message Map {
  map<string, Value> entries = 1;
}`.split("\n");

/** Types of a message stand inside of it, so that no two meet. */
function message(name: string, fields: readonly Field[]): string[] {
  const numbered = numbersOf(fields);
  const nameOf = nameGiver();
  const typeOf = nameGiver();
  for (const taken of ["Value", "List", "Map", name]) typeOf(taken);
  const others = nameOf("other_fields");
  const inner: string[] = [];
  const lines = numbered.fields.flatMap((field) => fieldLines(field, { nameOf, typeOf, inner }));
  return [
    `message ${name} {`,
    ...indented(inner),
    ...indented(lines),
    `  // Keys that have no field.`,
    `  map<string, .freshet.log.Value> ${others} = ${numbered.others};`,
    "}",
  ];
}

interface Place {
  readonly nameOf: (text: string) => string;
  readonly typeOf: (text: string) => string;
  /** Lines of the types that stand inside of the message. */
  readonly inner: string[];
}

function fieldLines({ field, members }: NumberedField, place: Place): string[] {
  return members.map((one, at) => {
    const { member, number } = one;
    const suffix = at === 0 ? "" : `_${suffixOf(member)}`;
    const name = place.nameOf(`${field.name}${suffix}`);
    const comment = name === `${field.name}${suffix}` ? "" : ` // ${commented(field, one)}`;
    return `optional ${typeText(member, field, place)} ${name} = ${number};${comment}`;
  });
}

function suffixOf(member: Member): string {
  return member.kind === "record" && member.name !== undefined ? member.name : member.kind;
}

function commented({ name }: Field, { member }: NumberedMember): string {
  return JSON.stringify(member.kind === "record" ? (member.name ?? name) : name);
}

function typeText(member: Member, field: Field, { typeOf, inner }: Place): string {
  switch (member.kind) {
    case "text":
      return "string";
    case "whole":
      return "sint64";
    case "double":
      return "double";
    case "boolean":
      return "bool";
    case "value":
      return ".freshet.log.Value";
    case "choice": {
      const name = typeOf(typeName(field.name) || "Choice");
      inner.push(...enumLines(name, member.values));
      return name;
    }
    case "record": {
      const name = typeOf(`${typeName(member.name ?? field.name)}Fields`);
      inner.push(...message(name, member.fields));
      return name;
    }
  }
}

/** Values of an enum are names of the message around it. */
function enumLines(name: string, values: readonly string[]): string[] {
  const nameOf = nameGiver();
  const prefix = name.toUpperCase();
  const line = (text: string, number: number) =>
    `  ${prefix}_${nameOf(text).toUpperCase()} = ${number}; // ${JSON.stringify(text)}`;
  return [
    `enum ${name} {`,
    `  ${prefix}_${nameOf("unspecified").toUpperCase()} = 0;`,
    ...values.map((text, index) => line(text, index + 1)),
    "}",
  ];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
