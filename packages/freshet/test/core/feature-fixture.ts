import type { Json } from "@freshet/protocol";
import fc from "fast-check";
import { expect } from "vitest";
import type { Comparator } from "../../src/core/expression/type.ts";
import { compileFeature, type FoldDefinition } from "../../src/core/feature/compile.ts";
import type { CompiledFeature, KeyedItem } from "../../src/core/feature/compiled.ts";
import { featureTypes } from "../../src/core/feature/index.ts";
import type { FeatureState, FeatureWindow } from "../../src/core/feature/type.ts";
import { withSeed } from "../../src/testing/seed.ts";

/** Everything starts here, somewhere in 2026, so that times have the size that they have in life. */
export const epoch = 1_790_000_000_000;

export interface Case {
  readonly name: string;
  readonly definition: FoldDefinition;
  readonly feature: CompiledFeature;
}

/** The whole table of types, over lifetime and sliding windows, with and without `by`. */
export const cases: readonly Case[] = Object.keys(featureTypes).flatMap((type) =>
  (["lifetime", "sliding"] as const).flatMap((kind) =>
    [false, true].map((by) => {
      // 1000 is no multiple of 32: tiles of 32 ms do not line up with the window.
      const window: FeatureWindow = kind === "sliding" ? { kind, ms: 1000 } : { kind };
      const options = { scale: 100, n: by ? 1 : 3, halfLifeMs: 700 };
      const definition = { type, window, options, ...(by ? { by: { prop: "k" } } : {}) };
      return {
        name: `${type}, ${kind}${by ? ", by a property" : ""}`,
        definition,
        feature: compileFeature(definition),
      };
    }),
  ),
);

/**
 * Times after the beginning: over three windows; or few tiles with many items each, so that tiles of more
 * than eight occur, and items at one moment.
 */
const scattered = fc.integer({ min: 0, max: 3000 });
const dense = fc
  .tuple(fc.constantFrom(0, 1, 34, 66), fc.constantFrom(0, 1, 2, 15, 16, 30, 31))
  .map(([tile, offset]) => tile * 32 + offset);

function valueFor(type: string): fc.Arbitrary<Json> {
  const number = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: -2000, max: 5000 }).map((mills) => mills / 1000) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 6 }) },
    { weight: 1, arbitrary: fc.double({ noNaN: true, min: -1e9, max: 1e9 }) },
  );
  const other = fc.constantFrom<Json>(null, true, "7", "a", "b", "é", [1], { a: 1 });
  const few = fc.constantFrom<Json>("a", "b", "c", "d", 7, 8, "7");
  const texts = ["first", "last", "distinct", "topK"].includes(type);
  return fc.oneof(
    { weight: texts ? 6 : 1, arbitrary: texts ? few : other },
    { weight: texts ? 1 : 6, arbitrary: number },
    { weight: 1, arbitrary: other },
  );
}

/** Items as deduplication leaves them, in an order of arrival of no meaning. */
export function itemsFor(given: Case): fc.Arbitrary<KeyedItem[]> {
  return fc.oneof(
    listOf(given, scattered, { maxLength: 40 }),
    listOf(given, fc.oneof(scattered, dense), { maxLength: 60 }),
    listOf(given, dense, { minLength: 12, maxLength: 50, size: "max" }),
  );
}

/** One event may give several items where several selections match, but not the same one twice. */
function listOf(
  { definition }: Case,
  time: fc.Arbitrary<number>,
  size: fc.ArrayConstraints,
): fc.Arbitrary<KeyedItem[]> {
  const item = fc.record({
    time: time.map((offset) => epoch + offset),
    id: fc.nat({ max: 99 }).map((id) => `m${id}`),
    value: valueFor(definition.type),
    input: fc.integer({ min: 0, max: definition.type === "ratio" ? 1 : 0 }),
    ...(definition.by === undefined ? {} : { by: fc.constantFrom("x", "y", "__proto__") }),
  });
  return fc.uniqueArray(item, { ...size, selector: (one) => JSON.stringify(one) });
}

/** Adds in order of arrival. The clock is never behind an item, as `at` is never before event time. */
export function addAll(
  feature: CompiledFeature,
  items: readonly KeyedItem[],
  clockStart = 0,
): { state: FeatureState | null; clock: number } {
  let state: FeatureState | null = null;
  let clock = clockStart;
  for (const item of items) {
    clock = Math.max(clock, item.time);
    state = feature.add(state, item, clock);
  }
  return { state, clock };
}

export function latest(items: readonly KeyedItem[]): number {
  return Math.max(epoch, ...items.map((item) => item.time));
}

/** Moments at and after `clock` at which something may change: items and tiles leaving, and in between. */
export function momentsAfter(items: readonly KeyedItem[], clock: number, ms = 1000): number[] {
  const moments = [clock, clock + 1, clock + 137, clock + 5000];
  for (const item of items) {
    const tileEnd = (Math.floor(item.time / 32) + 1) * 32 - 1;
    for (const exit of [item.time + ms, tileEnd + ms]) moments.push(exit - 1, exit, exit + 1);
  }
  return [...new Set(moments)].filter((moment) => moment >= clock).sort((a, b) => a - b);
}

/** Equal, but for a decaying score, which is a float: 1e-9 of what went into it. */
export function expectSameValue(type: string, actual: Json, expected: Json, size: number): void {
  if (type !== "decayingScore") {
    expect(actual).toEqual(expected);
    return;
  }
  if (typeof actual === "number" && typeof expected === "number") {
    expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * size);
    return;
  }
  expect(Object.keys(actual as object).sort()).toEqual(Object.keys(expected as object).sort());
  for (const [key, value] of Object.entries(expected as Record<string, Json>)) {
    expectSameValue(type, (actual as Record<string, Json>)[key] as Json, value, size);
  }
}

/** Sum of the sizes of the values as far as they still weigh at `now`; what is below 1e-290 may read as 0. */
export function sizeOf(items: readonly KeyedItem[], now: number): number {
  return items.reduce((size, { value, time: at }) => {
    return (
      size +
      (typeof value === "number" ? Math.abs(value) * Math.exp(((at - now) * Math.LN2) / 700) : 0)
    );
  }, 1e-279);
}

export const comparators: readonly Comparator[] = ["eq", "ne", "lt", "lte", "gt", "gte"];

/** "none" where there is no number to compare. */
export function compare(value: Json, comparator: Comparator, constant: number): boolean | "none" {
  if (typeof value !== "number") return "none";
  const order = { eq: value === constant, lt: value < constant, gt: value > constant };
  switch (comparator) {
    case "eq":
      return order.eq;
    case "ne":
      return !order.eq;
    case "lt":
      return order.lt;
    case "lte":
      return !order.gt;
    case "gt":
      return order.gt;
    case "gte":
      return !order.lt;
  }
}

export function checkIn<Values>(file: string, property: fc.IProperty<Values>, runs: number): void {
  withSeed(file, (seed) => fc.assert(property, { seed, numRuns: runs }));
}
