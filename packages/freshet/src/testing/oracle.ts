import type { Json } from "@freshet/protocol";
import type { FoldDefinition } from "../core/feature/compile.ts";
import type { KeyedItem } from "../core/feature/compiled.ts";
import type { FeatureOptions } from "../core/feature/type.ts";

/**
 * What a feature should read as, recomputed from all of its items by the simplest means there are. It shares
 * no code with the features. What it does share is what users are told about windows: 32 tiles, items one by
 * one up to eight in a tile, and otherwise all of a tile while a moment of it lies in the window.
 *
 * Sketches and saturated sums are compared with it within their stated errors.
 */
export function naiveFeature(
  definition: FoldDefinition,
  items: readonly KeyedItem[],
  now: number,
  key?: string,
): Json {
  const { type, options } = definition;
  const usable = items.filter((item) => isUsable(type, item.value));
  const read = (some: readonly KeyedItem[]) =>
    readOf(type, inWindow(definition, some, now), now, options);
  if (definition.by === undefined) return read(usable);
  if (key !== undefined) return read(usable.filter((item) => item.by === key));
  const keys = [...new Set(usable.map((item) => item.by))].filter((by) => by !== undefined);
  const entries = keys.map((by) => [by, usable.filter((item) => item.by === by)] as const);
  return Object.fromEntries(
    entries
      .filter(([, some]) => inWindow(definition, some, now).length > 0)
      .map(([by, some]) => [by, read(some)]),
  );
}

function isUsable(type: string, value: Json): boolean {
  const isNumber = typeof value === "number" && Number.isFinite(value);
  switch (type) {
    case "count":
      return true;
    case "first":
    case "last":
    case "distinct":
      return isNumber || typeof value === "string" || typeof value === "boolean";
    case "topK":
      return isNumber || typeof value === "string";
    default:
      return isNumber;
  }
}

function inWindow(
  { window }: FoldDefinition,
  items: readonly KeyedItem[],
  now: number,
): KeyedItem[] {
  if (window.kind !== "sliding") return [...items];
  const length = Math.ceil(window.ms / 32);
  const from = now - window.ms;
  const tileOf = (item: KeyedItem) => Math.floor(item.time / length);
  return items.filter((item) => {
    const inTile = items.filter((other) => tileOf(other) === tileOf(item)).length;
    if (inTile <= 8) return item.time > from && item.time <= now;
    return (tileOf(item) + 1) * length - 1 > from && tileOf(item) * length <= now;
  });
}

function readOf(
  type: string,
  items: readonly KeyedItem[],
  now: number,
  { n, scale, halfLifeMs }: FeatureOptions,
): Json {
  const numbers = items.map((item) => Number(item.value) + 0);
  switch (type) {
    case "count":
      return items.length;
    case "sum":
      return scaledSum(numbers, scale);
    case "mean":
      return numbers.length === 0 ? null : scaledSum(numbers, scale) / (numbers.length * scale) + 0;
    case "min":
      return numbers.length === 0 ? null : Math.min(...numbers);
    case "max":
      return numbers.length === 0 ? null : Math.max(...numbers);
    case "first":
      return inOrder(items.toSorted(byEventOrder), n);
    case "last":
      return inOrder(items.toSorted(byEventOrder).toReversed(), n);
    case "distinct":
      return new Set(items.map((item) => String(item.value))).size;
    case "topK":
      return mostFrequent(items, n);
    case "decayingScore":
      return items.reduce((score, { value, time }) => {
        return score + Number(value) * Math.exp((-Math.LN2 / halfLifeMs) * (now - time));
      }, 0);
    case "ratio":
      return ratioOf(items, scale);
    default:
      throw new Error(`the oracle does not know feature type "${type}"`);
  }
}

function scaledSum(numbers: readonly number[], scale: number): number {
  return numbers.reduce((total, value) => total + roundedHalfAway(value, scale), 0);
}

/** The decimal that a number prints as, times a whole scale, by long arithmetic. */
function roundedHalfAway(value: number, scale: number): number {
  const [mantissa = "", power = "0"] = Math.abs(value).toString().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const exponent = Number(power) - fraction.length;
  const digits = BigInt(whole + fraction) * BigInt(scale);
  if (exponent >= 0) return Math.sign(value) * Number(digits * 10n ** BigInt(exponent));
  const unit = 10n ** BigInt(-exponent);
  const rest = digits % unit;
  const rounded = digits / unit + (2n * rest >= unit ? 1n : 0n);
  return Math.sign(value) * Number(rounded) + 0;
}

/** By time, then id; where one event gave several values, by their kind and value. */
function byEventOrder(a: KeyedItem, b: KeyedItem): number {
  return (
    a.time - b.time ||
    ascending(a.id, b.id) ||
    ascending(typeof a.value, typeof b.value) ||
    ascending(a.value as string, b.value as string)
  );
}

function ascending(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function inOrder(items: readonly KeyedItem[], n: number): Json {
  // A Set keeps each value at its first place, and takes 0 and -0 for one.
  const values = [...new Set(items.map((item) => item.value))].slice(0, n);
  return n === 1 ? (values[0] ?? null) : values;
}

function mostFrequent(items: readonly KeyedItem[], n: number): Json[] {
  const counts = new Map<Json, number>();
  for (const { value } of items) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .sort(([a, x], [b, y]) => {
      return (
        y - x ||
        ascending(typeof a, typeof b) ||
        (a === b ? 0 : (a as string) < (b as string) ? -1 : 1)
      );
    })
    .slice(0, n)
    .map(([key]) => key);
}

function ratioOf(items: readonly KeyedItem[], scale: number): Json {
  const side = (input: number) =>
    scaledSum(
      items.filter((item) => item.input === input).map((item) => Number(item.value)),
      scale,
    );
  return side(1) === 0 ? null : side(0) / side(1) + 0;
}
