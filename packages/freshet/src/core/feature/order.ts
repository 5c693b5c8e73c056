import type { Json } from "@freshet/protocol";
import { hashHex } from "../hash.ts";

export type ScalarValue = string | number | boolean;

export function isScalar(value: Json): value is ScalarValue {
  return typeof value === "string" || typeof value === "boolean" || isNumber(value);
}

export function isNumber(value: Json): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** A total order of plain values: null, booleans, numbers, texts by code unit, then arrays item by item. */
export function comparePlain(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  if (Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  return rank(a) - rank(b);
}

/** Where `key` is in a sorted array, or ~(where it belongs). */
export function search<Key extends ScalarValue>(keys: readonly Key[], key: Key): number {
  let low = 0;
  let high = keys.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = comparePlain(keys[middle], key);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return ~low;
}

/** `splice(at, 0, value)` without the array that splice makes; `copyWithin` would be slower still. */
export function insertAt<Value>(array: Value[], at: number, value: Value): void {
  array.push(value);
  for (let i = array.length - 1; i > at; i--) array[i] = array[i - 1] as Value;
  array[at] = value;
}

/**
 * `insertAt` for numbers alone. It must not see anything else: V8 keeps doubles of an array side by side, and code that
 * also stores texts and arrays makes it box each of them, a memory access for each that is read.
 */
export function insertNumber(numbers: number[], at: number, value: number): void {
  numbers.push(value);
  for (let i = numbers.length - 1; i > at; i--) numbers[i] = numbers[i - 1] as number;
  numbers[at] = value;
}

export const keyLengthMax = 256;

/**
 * Keys are kept in states, and states are bounded: a key of more than 256 UTF-16 units is kept as its
 * beginning and its hash, which is as distinct as the whole.
 */
export function boundedKey(text: string): string {
  if (text.length <= keyLengthMax) return text;
  const last = text.charCodeAt(219);
  const cutsPair = last >= 0xd800 && last <= 0xdbff;
  return `${text.slice(0, cutsPair ? 219 : 220)}#${hashHex(text)}`;
}

function compareArrays(a: readonly unknown[], b: readonly unknown[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = comparePlain(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function rank(value: unknown): number {
  if (value === null) return 0;
  if (typeof value === "boolean") return 1;
  if (typeof value === "number") return 2;
  return typeof value === "string" ? 3 : 4;
}
