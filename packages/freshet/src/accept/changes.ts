import { FreshetError, type Json, type JsonObject, limits } from "@freshet/protocol";
import { type Conversion, conversions, type LetterChange } from "../core/letter.ts";
import { isObject } from "./field.ts";
import { parseTime } from "./time.ts";

/** Steps of one correction. */
export const changesMax = 100;
const pathCharsMax = 1024;

/** Checks what came as changes. Throws `changeInvalid` naming the step, what was expected, and what came. */
export function readChanges(value: Json | undefined): readonly LetterChange[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > changesMax)
    throw invalid(`"changes" should be a list of 1 to ${changesMax} changes`);
  // They are made to each letter, and kept with their job; an event has no more room than this either.
  if (JSON.stringify(value).length > limits.eventBytesMax)
    throw invalid(`"changes" should be at most ${limits.eventBytesMax} characters as JSON`);
  return (value as readonly Json[]).map(readChange);
}

const operations = ["set", "default", "remove", "rename", "convert", "split", "event"] as const;

function readChange(value: Json, index: number): LetterChange {
  const at = `change ${index}`;
  if (!isObject(value)) throw invalid(`${at} should be an object`);
  const op = operations.find((known) => known === value.op);
  if (op === undefined) throw invalid(`"op" of ${at} should be one of ${operations.join(", ")}`);
  if (op === "event") return { op, name: readText(value, "name", at) };
  const path = readPointer(value, "path", at);
  switch (op) {
    case "set":
    case "default":
      if (value.value === undefined) throw invalid(`"value" of ${at} should be there`);
      return { op, path, value: value.value };
    case "remove":
      return { op, path };
    case "rename":
      return { op, path, to: readPointer(value, "to", at) };
    case "convert": {
      const to = conversions.find((known) => known === value.to);
      if (to !== undefined) return { op, path, to };
      throw invalid(`"to" of ${at} should be one of ${conversions.join(", ")}`);
    }
    case "split":
      return { op, path, by: readText(value, "by", at) };
  }
}

function readText(change: JsonObject, field: string, at: string): string {
  const text = change[field];
  if (typeof text === "string" && text !== "" && text.length <= pathCharsMax) return text;
  throw invalid(`"${field}" of ${at} should be a text of 1 to ${pathCharsMax} characters`);
}

function readPointer(change: JsonObject, field: string, at: string): string {
  const pointer = readText(change, field, at);
  const isPointer = pointer.startsWith("/") && !/~(?![01])/.test(pointer);
  if (isPointer && !keysOf(pointer).includes("__proto__")) return pointer;
  throw invalid(`"${field}" of ${at} should be a JSON pointer such as /properties/price`);
}

function invalid(message: string): FreshetError {
  return new FreshetError("changeInvalid", message);
}

/**
 * The event with the changes made, in their order; nothing that it is given is changed in place. A change whose path
 * leads nowhere, or whose value cannot be converted, leaves the event as it is: accept says what is wrong with it.
 */
export function applyChanges(event: Json, changes: readonly LetterChange[]): Json {
  return changes.reduce(applyChange, event);
}

function applyChange(event: Json, change: LetterChange): Json {
  switch (change.op) {
    case "set":
      return put(event, keysOf(change.path), () => change.value);
    case "default":
      return put(event, keysOf(change.path), (value) => value ?? change.value);
    case "remove":
      return remove(event, keysOf(change.path));
    case "rename": {
      const value = valueAt(event, keysOf(change.path));
      if (value === undefined) return event;
      return put(remove(event, keysOf(change.path)), keysOf(change.to), () => value);
    }
    case "convert":
      return replace(event, change.path, (value) => convert(value, change.to));
    case "split":
      return replace(event, change.path, (value) =>
        typeof value === "string" ? value.split(change.by) : value,
      );
    case "event":
      return renameEvent(event, change.name);
  }
}

function keysOf(pointer: string): readonly string[] {
  return pointer
    .slice(1)
    .split("/")
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function replace(event: Json, path: string, change: (value: Json) => Json): Json {
  const value = valueAt(event, keysOf(path));
  return value === undefined ? event : put(event, keysOf(path), () => change(value));
}

function valueAt(value: Json | undefined, keys: readonly string[]): Json | undefined {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  if (Array.isArray(value)) return valueAt((value as readonly Json[])[indexOf(key) ?? -1], rest);
  return isObject(value) && Object.hasOwn(value, key) ? valueAt(value[key], rest) : undefined;
}

const indexOf = (key: string): number | undefined =>
  /^(0|[1-9]\d{0,8})$/.test(key) ? Number(key) : undefined;

/** Objects on the way are made where there is nothing; `-` is the place behind the end of a list. */
function put(
  value: Json | undefined,
  keys: readonly string[],
  make: (known: Json | undefined) => Json,
): Json {
  const [key, ...rest] = keys;
  if (key === undefined) return make(value);
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    const index = key === "-" ? list.length : indexOf(key);
    if (index === undefined || index > list.length) return list;
    return [...list.slice(0, index), put(list[index], rest, make), ...list.slice(index + 1)];
  }
  if (value !== undefined && value !== null && !isObject(value)) return value;
  const object = isObject(value) ? value : {};
  const known = Object.hasOwn(object, key) ? object[key] : undefined;
  return { ...object, [key]: put(known, rest, make) };
}

function remove(value: Json, keys: readonly string[]): Json {
  const [key = "", ...rest] = keys;
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    const index = indexOf(key);
    const known = index === undefined ? undefined : list[index];
    if (index === undefined || known === undefined) return list;
    const kept = rest.length === 0 ? [] : [remove(known, rest)];
    return [...list.slice(0, index), ...kept, ...list.slice(index + 1)];
  }
  if (!isObject(value) || !Object.hasOwn(value, key)) return value;
  const { [key]: known = null, ...others } = value;
  return rest.length === 0 ? others : { ...value, [key]: remove(known, rest) };
}

/** What cannot be converted stays: the event is then refused for it, with its value. */
function convert(value: Json, to: Conversion): Json {
  switch (to) {
    case "number":
      return typeof value === "string" ? numberOf(value) : value;
    case "text":
      return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
    case "boolean":
      return booleanOf(value);
    case "time":
      return timeOf(value);
    case "trim":
      return typeof value === "string" ? value.trim() : value;
    case "lowercase":
      return typeof value === "string" ? value.toLowerCase() : value;
    case "uppercase":
      return typeof value === "string" ? value.toUpperCase() : value;
  }
}

/** As people write numbers: `12.50`, ` 1e3 `. Not `0x10`, not an empty text, not what a double cannot hold. */
function numberOf(text: string): Json {
  const trimmed = text.trim();
  const isNumber = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(trimmed);
  const value = Number(trimmed);
  return isNumber && Number.isFinite(value) ? value : text;
}

/** Seconds are what clients send by mistake: as milliseconds they would lie before any event. */
function timeOf(value: Json): Json {
  const number = typeof value === "string" ? numberOf(value) : value;
  const isSeconds =
    typeof number === "number" &&
    number < limits.eventTimeMsMin &&
    number * 1000 >= limits.eventTimeMsMin;
  const time = parseTime(
    isSeconds ? number * 1000 : typeof value === "string" ? value.trim() : value,
  );
  return time === undefined ? value : new Date(time).toISOString();
}

const words: ReadonlyMap<Json, boolean> = new Map<Json, boolean>([
  ...(["true", "yes", "1", 1] as const).map((word) => [word, true] as const),
  ...(["false", "no", "0", 0] as const).map((word) => [word, false] as const),
]);

function booleanOf(value: Json): Json {
  return words.get(typeof value === "string" ? value.trim().toLowerCase() : value) ?? value;
}

/** The field that a wire has the name in: `event_type` of native events, `type` of CloudEvents, else `event`. */
function renameEvent(event: Json, name: string): Json {
  if (!isObject(event)) return event;
  if (event.specversion !== undefined) return { ...event, type: name };
  const isSegment = event.type !== undefined || event.event !== undefined;
  if (event.event_type !== undefined || (!isSegment && event.user_id !== undefined))
    return { ...event, event_type: name };
  return { ...event, event: name };
}
