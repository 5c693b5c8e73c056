import type { Json, JsonObject } from "@freshet/protocol";
import { type ByteWriter, isWhole, misfit, valueDepthMax } from "./byte-writer.ts";
import type { Field, FieldType, NamedRecord } from "./layout.ts";

/** Writes one field's value, which is there; `parent` is the object that has it. */
type WriteField = (out: ByteWriter, value: Json, parent: JsonObject) => void;
/** Writes an object's keys and values. */
type WriteRecord = (out: ByteWriter, object: JsonObject) => void;

/** Branches of the generic value, which are also those of its union in the schema, as their zigzag bytes. */
export const avroValue = { none: 0, boolean: 2, whole: 4, double: 6, text: 8, list: 10, map: 12 };

/** Stands in the order of keys for the next key that no field has. */
export const otherKey = 255;

/** Writes what a layout describes in Avro's binary form; throws `misfit` where it cannot. */
export function avroWriter(fields: readonly Field[]): WriteRecord {
  return recordWriter(fields);
}

/**
 * The record is: the order of its keys where it is not that of the fields with all other keys behind them, each field,
 * the map of the other keys where there are any.
 *
 * - A1 The scratch of one record is used by one call at a time, since no record is inside of itself. One that a misfit
 *   left behind is cleared by the next call.
 */
function recordWriter(fields: readonly Field[]): WriteRecord {
  const names = fields.map(({ name }) => name);
  const places = new Map(names.map((name, index) => [name, index]));
  const writers = fields.map(fieldWriter);
  const required = fields.map((field) => field.required === true);
  const slots: (Json | undefined)[] = fields.map(() => undefined);
  let isDirty = false;

  return (out, object) => {
    if (isDirty) slots.fill(undefined);
    isDirty = true;
    let last = -1;
    let others = 0;
    let isOrdered = true;
    for (const key in object) {
      const value = object[key];
      if (value === undefined) continue;
      const index = key === names[last + 1] ? last + 1 : places.get(key);
      if (index === undefined) {
        others++;
        continue;
      }
      if (index < last || others > 0) isOrdered = false;
      last = index;
      slots[index] = value;
    }
    if (isOrdered) out.byte(0);
    else writeOrder(out, object, places);
    for (let index = 0; index < slots.length; index++) {
      const value = slots[index];
      if (value !== undefined) {
        (writers[index] as WriteField)(out, value, object);
        slots[index] = undefined;
      } else if (required[index] === true) throw misfit;
      else out.byte(0);
    }
    if (others === 0) out.byte(0);
    else {
      out.byte(2);
      writeOthers(out, object, others, places);
    }
    isDirty = false;
  };
}

type Places = ReadonlyMap<string, number>;

function writeOrder(out: ByteWriter, object: JsonObject, places: Places): void {
  const order: number[] = [];
  for (const key in object) if (object[key] !== undefined) order.push(places.get(key) ?? otherKey);
  out.byte(2);
  out.zigzag(order.length);
  for (const place of order) out.byte(place);
}

function writeOthers(out: ByteWriter, object: JsonObject, count: number, places: Places): void {
  out.zigzag(count);
  for (const key in object) {
    const value = object[key];
    if (value === undefined || places.has(key)) continue;
    out.text(key, 1);
    writeValue(out, value, 0);
  }
  out.byte(0);
}

function fieldWriter({ type, required }: Field): WriteField {
  if (required === true) return requiredWriter(type);
  switch (type.kind) {
    case "text":
      return (out, value) => {
        if (typeof value !== "string") return writeOther(out, value, 4);
        out.byte(2);
        out.text(value, 1);
      };
    case "whole":
      return (out, value) => {
        if (typeof value !== "number" || !isWhole(value)) return writeOther(out, value, 4);
        out.byte(2);
        out.zigzag(value);
      };
    case "number":
      return (out, value) => {
        if (typeof value === "number") writeNumber(out, value, 2);
        else writeOther(out, value, 6);
      };
    case "boolean":
      return (out, value) => {
        if (typeof value !== "boolean") return writeOther(out, value, 4);
        out.byte(2);
        out.byte(value ? 1 : 0);
      };
    case "any":
      return (out, value) => writeOther(out, value, 2);
    case "choice":
      return choiceWriter(type.values, 2);
    case "record": {
      const write = recordWriter(type.fields);
      return (out, value) => {
        if (!isObject(value)) return writeOther(out, value, 4);
        out.byte(2);
        write(out, value);
      };
    }
    case "byName":
      return byNameWriter(type.records);
  }
}

/** There is no branch for what has another type. */
function requiredWriter(type: FieldType): WriteField {
  switch (type.kind) {
    case "text":
      return (out, value) => {
        if (typeof value !== "string") throw misfit;
        out.text(value, 1);
      };
    case "whole":
      return (out, value) => {
        if (typeof value !== "number" || !isWhole(value)) throw misfit;
        out.zigzag(value);
      };
    case "choice":
      return choiceWriter(type.values, 0);
    default:
      throw new Error(`a field of kind "${type.kind}" is required`);
  }
}

/** Three branches from `first` on: one of the values, another text, anything else. */
function choiceWriter(values: readonly string[], first: 0 | 2): WriteField {
  const places = new Map(values.map((value, index) => [value, index]));
  return (out, value) => {
    if (typeof value !== "string") {
      if (first === 0) throw misfit;
      return writeOther(out, value, first + 4);
    }
    const place = places.get(value);
    if (place === undefined) {
      out.byte(first + 2);
      out.text(value, 1);
    } else {
      out.byte(first);
      out.zigzag(place);
    }
  };
}

/** Branch 1 is the generic value, the records follow. */
function byNameWriter(records: readonly NamedRecord[]): WriteField {
  const writers = new Map(
    records.map(({ name, fields }, index) => [
      name,
      { branch: index + 2, write: recordWriter(fields) },
    ]),
  );
  return (out, value, { name }) => {
    const known = typeof name === "string" ? writers.get(name) : undefined;
    if (known === undefined || !isObject(value)) return writeOther(out, value, 2);
    out.zigzag(known.branch);
    known.write(out, value);
  };
}

function writeOther(out: ByteWriter, value: Json, branch: number): void {
  out.byte(branch);
  writeValue(out, value, 0);
}

/** A long where that is exact, else a double: two branches from `first` on. */
function writeNumber(out: ByteWriter, value: number, first: number): void {
  if (isWhole(value)) {
    out.byte(first);
    out.zigzag(value);
  } else {
    if (!Number.isFinite(value)) throw misfit;
    out.byte(first + 2);
    out.double(value);
  }
}

function writeValue(out: ByteWriter, value: Json, depth: number): void {
  switch (typeof value) {
    case "string":
      out.byte(avroValue.text);
      out.text(value, 1);
      break;
    case "number":
      writeNumber(out, value, avroValue.whole);
      break;
    case "boolean":
      out.byte(avroValue.boolean);
      out.byte(value ? 1 : 0);
      break;
    case "object":
      if (depth >= valueDepthMax) throw misfit;
      if (value === null) out.byte(avroValue.none);
      else if (Array.isArray(value)) writeList(out, value, depth);
      else writeMap(out, value as JsonObject, depth);
      break;
    default:
      throw misfit;
  }
}

function writeList(out: ByteWriter, list: readonly Json[], depth: number): void {
  out.byte(avroValue.list);
  if (list.length > 0) out.zigzag(list.length);
  for (const item of list) writeValue(out, item, depth + 1);
  out.byte(0);
}

function writeMap(out: ByteWriter, object: JsonObject, depth: number): void {
  out.byte(avroValue.map);
  let count = 0;
  for (const key in object) if (object[key] !== undefined) count++;
  if (count > 0) out.zigzag(count);
  else if (!isPlain(object)) throw misfit;
  for (const key in object) {
    const value = object[key];
    if (value === undefined) continue;
    out.text(key, 1);
    writeValue(out, value, depth + 1);
  }
  out.byte(0);
}

/** What has no keys of its own may be no JSON: a date, which JSON writes as text. */
export function isPlain(object: JsonObject): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
