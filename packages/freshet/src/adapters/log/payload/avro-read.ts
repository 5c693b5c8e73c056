import type { Json, JsonObject } from "@freshet/protocol";
import { avroValue, otherKey } from "./avro-write.ts";
import { type ByteReader, damaged, put } from "./byte-reader.ts";
import { valueDepthMax } from "./byte-writer.ts";
import { type Field, type Member, membersOf } from "./layout.ts";

type ReadRecord = (source: ByteReader) => JsonObject;
/** Reads one field; undefined where the record has none. */
type ReadField = (source: ByteReader) => Json | undefined;
type Open = { [key: string]: Json };

/** Reads what `avroWriter` of the same fields wrote; throws `PayloadDamaged` at anything else. */
export function avroReader(fields: readonly Field[]): ReadRecord {
  const names = fields.map(({ name }) => name);
  const readers = fields.map(fieldReader);
  return (source) => {
    if (source.byte() !== 0) return readOrdered(source, names, readers);
    const object: Open = {};
    for (let index = 0; index < readers.length; index++) {
      const value = (readers[index] as ReadField)(source);
      if (value !== undefined) object[names[index] as string] = value;
    }
    if (source.byte() !== 0) readEntries(source, object, 0);
    return object;
  };
}

/** Puts keys where they were. */
function readOrdered(
  source: ByteReader,
  names: readonly string[],
  readers: readonly ReadField[],
): JsonObject {
  const order = source.bytes(source.count(1, 1));
  const values = readers.map((read) => read(source));
  const others: Open = {};
  if (source.byte() !== 0) readEntries(source, others, 0);
  const otherEntries = Object.entries(others);
  const object: Open = {};
  let used = 0;
  for (const place of order) {
    const entry = place === otherKey ? otherEntries[used++] : entryOf(names[place], values[place]);
    if (entry === undefined) throw damaged("the order of keys names one that is not there");
    put(object, entry[0], entry[1]);
  }
  return object;
}

function entryOf(name: string | undefined, value: Json | undefined): [string, Json] | undefined {
  return name === undefined || value === undefined ? undefined : [name, value];
}

function fieldReader(field: Field): ReadField {
  const members = membersOf(field).map(memberReader);
  const [only] = members;
  const isRequired = field.required === true;
  if (isRequired && members.length === 1 && only !== undefined) return only;
  return (source) => {
    const branch = branchOf(source);
    if (branch === 0 && !isRequired) return undefined;
    const read = members[isRequired ? branch : branch - 1];
    if (read === undefined) throw damaged(`a union has no branch ${branch}`);
    return read(source);
  };
}

function branchOf(source: ByteReader): number {
  const zigzag = source.varint();
  if (zigzag % 2 === 1) throw damaged("a union's branch is negative");
  return zigzag / 2;
}

function memberReader(member: Member): (source: ByteReader) => Json {
  switch (member.kind) {
    case "text":
      return (source) => source.text(1);
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
    case "record":
      return avroReader(member.fields);
  }
}

function readBoolean(source: ByteReader): boolean {
  const byte = source.byte();
  if (byte > 1) throw damaged(`a boolean is ${byte}`);
  return byte === 1;
}

function choiceReader(values: readonly string[]): (source: ByteReader) => string {
  return (source) => {
    const value = values[source.zigzag()];
    if (value === undefined) throw damaged("a choice is none of its values");
    return value;
  };
}

function readValue(source: ByteReader, depth: number): Json {
  if (depth > valueDepthMax) throw damaged("a value is nested too deep");
  const branch = source.byte();
  switch (branch) {
    case avroValue.none:
      return null;
    case avroValue.boolean:
      return readBoolean(source);
    case avroValue.whole:
      return source.zigzag();
    case avroValue.double:
      return source.double();
    case avroValue.text:
      return source.text(1);
    case avroValue.list:
      return readList(source, depth);
    case avroValue.map: {
      const object: Open = {};
      readEntries(source, object, depth + 1);
      return object;
    }
    default:
      throw damaged(`a value has no branch ${branch}`);
  }
}

function readList(source: ByteReader, depth: number): Json {
  const list: Json[] = [];
  for (let count = source.count(1, 1); count > 0; count = source.count(1, 1))
    for (; count > 0; count--) list.push(readValue(source, depth + 1));
  return list;
}

/** An entry has two bytes at least. */
function readEntries(source: ByteReader, into: Open, depth: number): void {
  for (let count = source.count(2, 1); count > 0; count = source.count(2, 1))
    for (; count > 0; count--) {
      const key = source.text(1);
      put(into, key, readValue(source, depth));
    }
}
