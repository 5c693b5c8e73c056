import type { Json, JsonObject } from "@freshet/protocol";
import { type ByteReader, damaged, put } from "./byte-reader.ts";
import { valueDepthMax } from "./byte-writer.ts";
import type { Field, Member } from "./layout.ts";
import { entryValueTag, itemTag, keyTag, numbersOf, tagOf, valueTags } from "./protobuf-number.ts";

type ReadRecord = (source: ByteReader) => JsonObject;
type ReadMember = (source: ByteReader) => Json;
type Open = { [key: string]: Json };

interface TaggedMember {
  readonly name: string;
  readonly read: ReadMember;
}

/**
 * Reads what `protobufWriter` of the same fields wrote, up to the end of what `source` may read; throws
 * `PayloadDamaged` at anything else, unknown fields among it: the schema is the writer's own.
 */
export function protobufReader(fields: readonly Field[]): ReadRecord {
  const numbered = numbersOf(fields);
  const byTag: (TaggedMember | undefined)[] = [];
  for (const { field, members } of numbered.fields)
    for (const { member, number } of members)
      byTag[tagOf(number, member)] = { name: field.name, read: memberReader(member) };
  const othersTag = numbered.others * 8 + 2;
  return (source) => {
    const object: Open = {};
    while (source.left > 0) {
      const tag = source.varint();
      const found = byTag[tag];
      if (found !== undefined) object[found.name] = found.read(source);
      else if (tag === othersTag) readEntry(source, object, 0);
      else throw damaged(`a message has no field of tag ${tag}`);
    }
    return object;
  };
}

function memberReader(member: Member): ReadMember {
  switch (member.kind) {
    case "text":
      return (source) => source.text(0);
    case "whole":
      return (source) => source.zigzag();
    case "double":
      return (source) => source.double();
    case "boolean":
      return readBoolean;
    case "value":
      return (source) => readValue(source, 0);
    case "choice":
      return choiceReader(member.values);
    case "record": {
      const read = protobufReader(member.fields);
      return (source) => {
        const end = source.narrow(source.varint());
        const object = read(source);
        source.widen(end);
        return object;
      };
    }
  }
}

function readBoolean(source: ByteReader): boolean {
  const byte = source.byte();
  if (byte > 1) throw damaged(`a boolean is ${byte}`);
  return byte === 1;
}

function choiceReader(values: readonly string[]): ReadMember {
  return (source) => {
    const value = values[source.varint() - 1];
    if (value === undefined) throw damaged("a choice is none of its values");
    return value;
  };
}

function readEntry(source: ByteReader, into: Open, depth: number): void {
  const end = source.narrow(source.varint());
  if (source.byte() !== keyTag) throw damaged("an entry has no key");
  const key = source.text(0);
  if (source.byte() !== entryValueTag) throw damaged("an entry has no value");
  put(into, key, readValue(source, depth));
  closeAt(source, end);
}

/** The message is read to its end. */
function closeAt(source: ByteReader, end: number): void {
  if (source.left > 0) throw damaged("a message is longer than what is in it");
  source.widen(end);
}

/** A message with one field, after its length. */
function readValue(source: ByteReader, depth: number): Json {
  if (depth > valueDepthMax) throw damaged("a value is nested too deep");
  const end = source.narrow(source.varint());
  const value = readKind(source, depth);
  closeAt(source, end);
  return value;
}

function readKind(source: ByteReader, depth: number): Json {
  const tag = source.byte();
  switch (tag) {
    case valueTags.none:
      if (source.byte() !== 1) throw damaged("a null is none");
      return null;
    case valueTags.boolean:
      return readBoolean(source);
    case valueTags.whole:
      return source.zigzag();
    case valueTags.double:
      return source.double();
    case valueTags.text:
      return source.text(0);
    case valueTags.list:
      return readList(source, depth);
    case valueTags.map:
      return readMap(source, depth);
    default:
      throw damaged(`a value has no field of tag ${tag}`);
  }
}

function readList(source: ByteReader, depth: number): Json {
  const end = source.narrow(source.varint());
  const list: Json[] = [];
  while (source.left > 0) {
    if (source.byte() !== itemTag) throw damaged("a list has something beside items");
    list.push(readValue(source, depth + 1));
  }
  source.widen(end);
  return list;
}

function readMap(source: ByteReader, depth: number): Json {
  const end = source.narrow(source.varint());
  const object: Open = {};
  while (source.left > 0) {
    if (source.byte() !== itemTag) throw damaged("a map has something beside entries");
    readEntry(source, object, depth + 1);
  }
  source.widen(end);
  return object;
}
