import protobuf from "protobufjs";
import { schemaInvalid } from "../error.ts";
import { messageNamed } from "../protobuf/parse.ts";
import type { ProtobufSchema } from "../protobuf/schema.ts";
import { listType, literalType, objectType, type TypeWriter, unionType } from "./text.ts";

/** A message's values in Protobuf's JSON mapping, with the names of the file. */
export function protobufType(
  schema: ProtobufSchema,
  message: string | undefined,
  writer: TypeWriter,
): string {
  const type = message === undefined ? schema.messages[0] : messageNamed(schema, message);
  if (type === undefined) throw schemaInvalid(`the schema has no message "${message ?? ""}"`);
  return messageType(type, { writer, open: new Set() });
}

interface Place {
  readonly writer: TypeWriter;
  readonly open: ReadonlySet<protobuf.Type>;
}

function messageType(type: protobuf.Type, outer: Place): string {
  const known = wellKnownTypes.get(type.fullName);
  if (known !== undefined) return known;
  if (type.fullName.startsWith(".google.protobuf.")) return "unknown";
  if (outer.open.has(type) || !outer.writer.spend()) return "unknown";
  const place = { ...outer, open: new Set([...outer.open, type]) };
  return objectType(
    type.fieldsArray.map((field) => ({
      name: field.name,
      type: fieldType(field, place),
      isOptional: !field.required,
    })),
    "closed",
  );
}

function fieldType(field: protobuf.Field, place: Place): string {
  const one = singleType(field, place);
  if (field instanceof protobuf.MapField) return `{ readonly [key: string]: ${one} }`;
  return field.repeated ? listType(one) : one;
}

function singleType({ resolvedType, type }: protobuf.Field, place: Place): string {
  if (resolvedType instanceof protobuf.Enum)
    return unionType([...Object.keys(resolvedType.values).map(literalType), "number"]);
  if (resolvedType instanceof protobuf.Type) return messageType(resolvedType, place);
  return scalarTypes.get(type) ?? "unknown";
}

/** Whole numbers of 64 bits are texts in JSON, where a double could not hold them; both are taken. */
const scalarTypes: ReadonlyMap<string, string> = new Map([
  ...["double", "float"].map((type) => [type, "number"] as const),
  ...["int32", "uint32", "sint32", "fixed32", "sfixed32"].map((type) => [type, "number"] as const),
  ...["int64", "uint64", "sint64", "fixed64", "sfixed64"].map(
    (type) => [type, "string | number"] as const,
  ),
  ["bool", "boolean"],
  ["string", "string"],
  ["bytes", "string"],
]);

const wellKnownTypes: ReadonlyMap<string, string> = new Map([
  ...["Timestamp", "Duration", "FieldMask", "StringValue", "BytesValue"].map(
    (name) => [`.google.protobuf.${name}`, "string"] as const,
  ),
  ...["DoubleValue", "FloatValue", "Int32Value", "UInt32Value"].map(
    (name) => [`.google.protobuf.${name}`, "number"] as const,
  ),
  ...["Int64Value", "UInt64Value"].map(
    (name) => [`.google.protobuf.${name}`, "string | number"] as const,
  ),
  [".google.protobuf.BoolValue", "boolean"],
  [".google.protobuf.Struct", "{ readonly [name: string]: unknown }"],
  [".google.protobuf.ListValue", "readonly unknown[]"],
]);
