import type { Json } from "@freshet/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assertPlainStrict, deepEqualPlain, roundTrip } from "../../src/core/codec.ts";
import type { KeyedItem } from "../../src/core/feature/compiled.ts";
import type { FeatureState } from "../../src/core/feature/type.ts";
import { naiveFeature } from "../../src/testing/oracle.ts";
import {
  addAll,
  type Case,
  cases,
  checkIn,
  expectSameValue,
  itemsFor,
  latest,
  momentsAfter,
  sizeOf,
} from "./feature-fixture.ts";

const runs = 60;

describe.each(cases)("$name", (given) => {
  const { feature, definition } = given;
  const keys = definition.by === undefined ? [undefined] : [undefined, "x", "__proto__", "nobody"];

  /** Reads of a state are what the oracle says of its items, now and at each moment that matters later. */
  function expectOracle(
    state: FeatureState | null,
    items: readonly KeyedItem[],
    clock: number,
  ): void {
    for (const now of momentsAfter(items, clock)) {
      for (const key of keys) {
        const expected = naiveFeature(definition, items, now, key);
        expectSameValue(
          definition.type,
          feature.read(state, now, key),
          expected,
          sizeOf(items, now),
        );
      }
    }
  }

  it("merges in any grouping and order to the same state, and null changes nothing (L1)", () => {
    check(given, splits(given), (parts) => {
      const clock = latest(parts.flat());
      const [a, b, c] = parts.map((part) => addAll(feature, part, clock).state) as [
        unknown,
        unknown,
        unknown,
      ];
      const left = feature.merge(feature.merge(a, b), c);
      expectSameState(given, feature.merge(a, feature.merge(b, c)), left, clock);
      expectSameState(given, feature.merge(c, feature.merge(b, a)), left, clock);
      expectSameState(given, feature.merge(a, null), a, clock);
      expectSameState(given, feature.merge(null, a), a, clock);
      expect(feature.merge(null, null)).toBe(null);
    });
  });

  it("adds an item as if it merged a state of that item alone (L2)", () => {
    check(given, itemsFor(given), (items) => {
      let merged: FeatureState | null = null;
      let clock = 0;
      for (const item of items) {
        clock = Math.max(clock, item.time);
        merged = feature.merge(merged, feature.add(null, item, clock));
      }
      expectSameReads(given, merged, addAll(feature, items).state, items, clock);
    });
  });

  it("reads as the oracle says, in whatever order items came (L3)", () => {
    check(given, itemsFor(given), (items) => {
      const { state, clock } = addAll(feature, items);
      expectOracle(state, items, clock);
    });
  });

  it("reads as the oracle says after any split into parts with clocks of their own (L3)", () => {
    check(given, splits(given), (parts) => {
      const states = parts.map((part) => addAll(feature, part).state);
      const folded = states.reduce((a, b) => feature.merge(a, b), null);
      expectOracle(folded, parts.flat(), latest(parts.flat()));
    });
  });

  it("gives the same when the state goes through the codec at every step (L5)", () => {
    check(given, itemsFor(given), (items) => {
      let state: FeatureState | null = null;
      let clock = 0;
      for (const item of items) {
        clock = Math.max(clock, item.time);
        state = roundTrip(feature.add(state, item, clock));
      }
      expect(deepEqualPlain(state, addAll(feature, items).state)).toBe(true);
    });
  });

  it("merges without touching or sharing what it was given, and reads without touching (F2, F3)", () => {
    check(given, splits(given), (parts) => {
      const clock = latest(parts.flat());
      const [a, b] = parts.map((part) => addAll(feature, part, clock).state) as [unknown, unknown];
      const before = roundTrip([a, b]);
      const merged = feature.merge(a, b);
      assertPlainStrict([a, b, merged]);
      // A value that is read goes out as JSON, where a key may be "__proto__"; a state must not have one.
      for (const key of keys) assertPlainStrict(entriesOf(feature.read(merged, clock, key)));
      feature.approximate(merged);
      for (const item of parts.flat()) feature.add(merged, item, clock);
      expect([a, b]).toEqual(before);
    });
  });

  it("is never approximate below its bound", () => {
    check(given, itemsFor(given), (items) => {
      expect(feature.approximate(addAll(feature, items).state)).toBe(false);
    });
  });
});

function check<Value>(
  _case: Case,
  values: fc.Arbitrary<Value>,
  judge: (value: Value) => void,
): void {
  checkIn(import.meta.url, fc.property(values, judge), runs);
}

function entriesOf(value: Json): unknown {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? Object.entries(value) : value;
}

/** Items in three parts; any of them may be empty. */
function splits(given: Case): fc.Arbitrary<KeyedItem[][]> {
  return itemsFor(given).chain((items) =>
    fc
      .array(fc.integer({ min: 0, max: 2 }), { minLength: items.length, maxLength: items.length })
      .map((places) => [0, 1, 2].map((part) => items.filter((_, i) => places[i] === part))),
  );
}

/** States are canonical: not only reads are equal, but for the last bits of a decaying score. */
function expectSameState(
  given: Case,
  actual: FeatureState,
  expected: FeatureState,
  clock: number,
): void {
  if (given.definition.type === "decayingScore")
    expectSameReads(given, actual, expected, [], clock);
  else expect(actual).toEqual(expected);
}

function expectSameReads(
  { feature, definition }: Case,
  actual: FeatureState | null,
  expected: FeatureState | null,
  items: readonly KeyedItem[],
  clock: number,
): void {
  for (const now of momentsAfter(items, clock)) {
    // Values are below 1e9 each, and at most 60 of them.
    expectSameValue(definition.type, feature.read(actual, now), feature.read(expected, now), 6e10);
  }
}
