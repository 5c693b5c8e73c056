import type { Json } from "@freshet/protocol";
import { type Field, type Layout, type Member, membersOf } from "./layout.ts";
import { nameGiver, typeName } from "./name.ts";

const namespace = "freshet.log";

/** The Avro schema of what `avroWriter` writes. Names that Avro cannot have stand in the `doc` of their field. */
export function avroText(layout: Layout): string {
  const making: Making = { typeOf: nameGiver(), isValueMade: false };
  // Taken, so that no record of the plan has them.
  for (const name of ["Value", "Event"]) making.typeOf(name);
  const event = { ...recordSchema("Event", layout.fields, making), namespace };
  return JSON.stringify(event);
}

interface Making {
  readonly typeOf: (text: string) => string;
  /** A type is written out where it first stands, and named afterwards. */
  isValueMade: boolean;
}

function recordSchema(name: string, fields: readonly Field[], making: Making) {
  const fieldName = nameGiver();
  const own = ["key_order", "other_fields"].map(fieldName) as [string, string];
  return {
    type: "record",
    name,
    fields: [
      {
        name: own[0],
        type: ["null", "bytes"],
        default: null,
        doc: "Places of the object's keys among the fields below, 255 for the next of the others; null: in their order",
      },
      ...fields.map((field) => fieldSchema(field, { name, fieldName, making })),
      {
        name: own[1],
        type: ["null", { type: "map", values: valueSchema(making) }],
        default: null,
        doc: "Keys that have no field",
      },
    ],
  };
}

interface Place {
  readonly name: string;
  readonly fieldName: (text: string) => string;
  readonly making: Making;
}

function fieldSchema(field: Field, { name, fieldName, making }: Place): Json {
  const types = membersOf(field).map((member) => memberSchema(member, name, field.name, making));
  const own = fieldName(field.name);
  const doc = own === field.name ? {} : { doc: field.name };
  const [only] = types;
  if (field.required !== true)
    return { name: own, type: ["null", ...types], default: null, ...doc };
  return { name: own, type: types.length === 1 && only !== undefined ? only : types, ...doc };
}

function memberSchema(member: Member, record: string, field: string, making: Making): Json {
  switch (member.kind) {
    case "text":
      return "string";
    case "whole":
      return "long";
    case "double":
      return "double";
    case "boolean":
      return "boolean";
    case "value":
      return valueSchema(making);
    case "choice": {
      const symbolOf = nameGiver();
      const name = making.typeOf(`${record}${typeName(field)}`);
      return { type: "enum", name, symbols: member.values.map(symbolOf) };
    }
    case "record": {
      const title = member.name === undefined ? typeName(field) : typeName(member.name);
      const name = making.typeOf(`${member.name === undefined ? record : ""}${title}Fields`);
      const doc = member.name === undefined ? {} : { doc: member.name };
      return { ...recordSchema(name, member.fields, making), ...doc };
    }
  }
}

function valueSchema(making: Making): Json {
  if (making.isValueMade) return "Value";
  making.isValueMade = true;
  const value = [
    ...["null", "boolean", "long", "double", "string"],
    { type: "array", items: "Value" },
    { type: "map", values: "Value" },
  ];
  return { type: "record", name: "Value", fields: [{ name: "value", type: value }] };
}
