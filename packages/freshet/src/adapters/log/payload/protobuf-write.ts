import type { Json, JsonObject } from "@freshet/protocol";
import { isObject, isPlain } from "./avro-write.ts";
import { type ByteWriter, isWhole, misfit, valueDepthMax } from "./byte-writer.ts";
import type { Field, Member } from "./layout.ts";
import {
  entryValueTag,
  itemTag,
  keyTag,
  type NumberedField,
  type NumberedMember,
  numbersOf,
  tagOf,
  valueTags,
} from "./protobuf-number.ts";

type WriteField = (out: ByteWriter, value: Json, parent: JsonObject) => void;
type WriteRecord = (out: ByteWriter, object: JsonObject) => void;

/**
 * Writes what a layout describes as a Protobuf message; throws `misfit` where it cannot. Fields go in the order of the
 * object's keys, which the format allows, so that they come back in it.
 */
export function protobufWriter(fields: readonly Field[]): WriteRecord {
  const numbered = numbersOf(fields);
  const writers = numbered.fields.map(fieldWriter);
  const names = fields.map(({ name }) => name);
  const places = new Map(names.map((name, index) => [name, index]));
  const othersTag = numbered.others * 8 + 2;
  return (out, object) => {
    let next = 0;
    for (const key in object) {
      const value = object[key];
      if (value === undefined) continue;
      const index = key === names[next] ? next : places.get(key);
      if (index === undefined) writeEntry(out, { tag: othersTag, key, value, depth: 0 });
      else {
        (writers[index] as WriteField)(out, value, object);
        next = index + 1;
      }
    }
  };
}

function fieldWriter({ members }: NumberedField): WriteField {
  const tags = tagsOf(members);
  const other = tags.value ?? 0;
  const [{ member }] = members as readonly [NumberedMember];
  const tag = tagOf((members[0] as NumberedMember).number, member);
  switch (member.kind) {
    case "text":
      return (out, value) => {
        if (typeof value !== "string") return writeOther(out, other, value);
        out.varint(tag);
        out.text(value, 0);
      };
    case "whole":
      return numberWriter(tag, tags.double ?? 0, other);
    case "boolean":
      return (out, value) => {
        if (typeof value !== "boolean") return writeOther(out, other, value);
        out.varint(tag);
        out.byte(value ? 1 : 0);
      };
    case "choice":
      return choiceWriter(member.values, { tag, text: tags.text ?? 0, other });
    case "record": {
      const write = protobufWriter(member.fields);
      return (out, value) => {
        if (isObject(value)) writeMessage(out, tag, value, write);
        else writeOther(out, other, value);
      };
    }
    case "value":
      return byNameWriter(members, tag);
    case "double":
      throw new Error("no field is a double alone");
  }
}

/** Tags of the members by kind; 0 stands for one that the field does not have. */
function tagsOf(members: readonly NumberedMember[]): {
  readonly [kind in Member["kind"]]?: number;
} {
  return Object.fromEntries(
    members.map(({ member, number }) => [member.kind, tagOf(number, member)]),
  );
}

function numberWriter(tag: number, doubleTag: number, other: number): WriteField {
  return (out, value) => {
    if (typeof value === "number" && isWhole(value)) {
      out.varint(tag);
      out.zigzag(value);
    } else if (typeof value === "number" && doubleTag !== 0) writeDouble(out, doubleTag, value);
    else writeOther(out, other, value);
  };
}

function writeDouble(out: ByteWriter, tag: number, value: number): void {
  if (!Number.isFinite(value)) throw misfit;
  out.varint(tag);
  out.double(value);
}

interface ChoiceTags {
  readonly tag: number;
  readonly text: number;
  readonly other: number;
}

function choiceWriter(values: readonly string[], tags: ChoiceTags): WriteField {
  const places = new Map(values.map((value, index) => [value, index + 1]));
  return (out, value) => {
    if (typeof value !== "string") return writeOther(out, tags.other, value);
    const place = places.get(value);
    out.varint(place === undefined ? tags.text : tags.tag);
    if (place === undefined) out.text(value, 0);
    else out.varint(place);
  };
}

/** Where there are no records of names, everything is generic. */
function byNameWriter(members: readonly NumberedMember[], other: number): WriteField {
  const writers = new Map(
    members.flatMap(({ member, number }) =>
      member.kind === "record" && member.name !== undefined
        ? [[member.name, { tag: tagOf(number, member), write: protobufWriter(member.fields) }]]
        : [],
    ),
  );
  return (out, value, { name }) => {
    const known = typeof name === "string" ? writers.get(name) : undefined;
    if (known !== undefined && isObject(value)) writeMessage(out, known.tag, value, known.write);
    else writeOther(out, other, value);
  };
}

/** A required field has no place for it. */
function writeOther(out: ByteWriter, tag: number, value: Json): void {
  if (tag === 0) throw misfit;
  out.varint(tag);
  const start = out.begin();
  writeValue(out, value, 0);
  out.end(start);
}

function writeMessage(out: ByteWriter, tag: number, object: JsonObject, write: WriteRecord): void {
  out.varint(tag);
  const start = out.begin();
  write(out, object);
  out.end(start);
}

interface Entry {
  readonly tag: number;
  readonly key: string;
  readonly value: Json;
  readonly depth: number;
}

function writeEntry(out: ByteWriter, { tag, key, value, depth }: Entry): void {
  out.varint(tag);
  const entry = out.begin();
  out.byte(keyTag);
  out.text(key, 0);
  out.byte(entryValueTag);
  const start = out.begin();
  writeValue(out, value, depth);
  out.end(start);
  out.end(entry);
}

function writeValue(out: ByteWriter, value: Json, depth: number): void {
  switch (typeof value) {
    case "string":
      out.byte(valueTags.text);
      out.text(value, 0);
      break;
    case "number":
      if (isWhole(value)) {
        out.byte(valueTags.whole);
        out.zigzag(value);
      } else writeDouble(out, valueTags.double, value);
      break;
    case "boolean":
      out.byte(valueTags.boolean);
      out.byte(value ? 1 : 0);
      break;
    case "object":
      if (depth >= valueDepthMax) throw misfit;
      if (value === null) {
        out.byte(valueTags.none);
        out.byte(1);
      } else writeParts(out, value, depth);
      break;
    default:
      throw misfit;
  }
}

function writeParts(out: ByteWriter, value: readonly Json[] | JsonObject, depth: number): void {
  const isList = Array.isArray(value);
  out.byte(isList ? valueTags.list : valueTags.map);
  const start = out.begin();
  if (isList)
    for (const item of value as readonly Json[]) {
      out.byte(itemTag);
      const at = out.begin();
      writeValue(out, item, depth + 1);
      out.end(at);
    }
  else writeEntries(out, value as JsonObject, depth);
  out.end(start);
}

function writeEntries(out: ByteWriter, object: JsonObject, depth: number): void {
  const { at } = out;
  for (const key in object) {
    const value = object[key];
    if (value !== undefined) writeEntry(out, { tag: itemTag, key, value, depth: depth + 1 });
  }
  if (out.at === at && !isPlain(object)) throw misfit;
}
