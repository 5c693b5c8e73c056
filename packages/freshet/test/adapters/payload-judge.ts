/**
 * Reads payloads with libraries of others, by the schema's text alone, and puts what they say back into the form of an
 * event: proves that the text says what the bytes are.
 */
import avsc from "avsc";
import protobuf from "protobufjs";
import type { CompactFormat } from "../../src/adapters/log/payload/codec.ts";
import {
  type Field,
  type Layout,
  type Member,
  membersOf,
} from "../../src/adapters/log/payload/layout.ts";
import { numbersOf } from "../../src/adapters/log/payload/protobuf-number.ts";
import { schemaText } from "../../src/adapters/log/payload/schema-text.ts";

/** Reads a payload without its frame. Numbers are exact, keys of objects in any order. */
export function judgeOf(format: CompactFormat, layout: Layout): (payload: Buffer) => unknown {
  const text = schemaText(format, layout);
  if (format === "avro") {
    const type = avsc.Type.forSchema(JSON.parse(text), { wrapUnions: true });
    return (payload) => avroRecord(type, type.fromBuffer(payload), layout.fields);
  }
  const { root } = protobuf.parse(text, { keepCase: true });
  const type = root.lookupType("freshet.log.Event");
  return (payload) => {
    const message = type.toObject(type.decode(payload), { longs: Number });
    return protobufRecord(type, message, layout.fields);
  };
}

type Values = Readonly<Record<string, unknown>>;

function objectOf(entries: readonly (readonly [string, unknown])[]): object {
  return Object.fromEntries(entries);
}

function avroRecord(type: avsc.Type, value: unknown, fields: readonly Field[]): object {
  const record = type as avsc.types.RecordType;
  const values = value as Values;
  const own = record.fields.slice(1, -1).flatMap((avroField, index): [string, unknown][] => {
    const field = fields[index] as Field;
    const found = avroField.type as avsc.types.WrappedUnionType;
    const got = values[avroField.name];
    if (got === null) return [];
    const members = membersOf(field);
    if (found.typeName !== "union:wrapped")
      return [[field.name, avroMember(found, got, members[0] as Member)]];
    const [[branch, inside]] = Object.entries(got as Values) as [[string, unknown]];
    const at = found.types.findIndex((one) => one.branchName === branch);
    const member = members[field.required === true ? at : at - 1] as Member;
    return [[field.name, avroMember(found.types[at] as avsc.Type, inside, member)]];
  });
  const others = values[record.fields.at(-1)?.name ?? ""] as { readonly map: Values } | null;
  const rest = Object.entries(others?.map ?? {}).map(
    ([key, one]) => [key, avroValue(one)] as const,
  );
  return objectOf([...own, ...rest]);
}

function avroMember(type: avsc.Type, value: unknown, member: Member): unknown {
  switch (member.kind) {
    case "record":
      return avroRecord(type, value, member.fields);
    case "value":
      return avroValue(value);
    case "choice":
      return member.values[(type as avsc.types.EnumType).symbols.indexOf(value as string)];
    default:
      return value;
  }
}

function avroValue(value: unknown): unknown {
  const inside = (value as { readonly value: Values | null }).value;
  if (inside === null) return null;
  const [[branch, got]] = Object.entries(inside) as [[string, unknown]];
  if (branch === "array") return (got as unknown[]).map(avroValue);
  if (branch !== "map") return got;
  return objectOf(Object.entries(got as Values).map(([key, one]) => [key, avroValue(one)]));
}

function protobufRecord(type: protobuf.Type, message: Values, fields: readonly Field[]): object {
  const numbered = numbersOf(fields);
  const entries: (readonly [string, unknown])[] = [];
  for (const { field, members } of numbered.fields)
    for (const { member, number } of members) {
      const { name, resolvedType } = (type.fieldsById[number] as protobuf.Field).resolve();
      if (Object.hasOwn(message, name))
        entries.push([field.name, protobufMember(resolvedType, message[name], member)]);
    }
  const others = type.fieldsById[numbered.others] as protobuf.Field;
  for (const [key, value] of Object.entries((message[others.name] ?? {}) as Values))
    entries.push([key, protobufValue(value)]);
  return objectOf(entries);
}

function protobufMember(
  type: protobuf.Type | protobuf.Enum | null,
  value: unknown,
  member: Member,
): unknown {
  switch (member.kind) {
    case "record":
      return protobufRecord(type as protobuf.Type, value as Values, member.fields);
    case "value":
      return protobufValue(value);
    case "choice":
      return member.values[(value as number) - 1];
    default:
      return value;
  }
}

function protobufValue(value: unknown): unknown {
  const [[kind, inside]] = Object.entries(value as Values) as [[string, unknown]];
  if (kind === "null") return null;
  if (kind === "list")
    return (((inside as Values).items as unknown[] | undefined) ?? []).map(protobufValue);
  if (kind !== "map") return inside;
  const entries = Object.entries(((inside as Values).entries ?? {}) as Values);
  return objectOf(entries.map(([key, one]) => [key, protobufValue(one)]));
}
