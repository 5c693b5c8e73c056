import type { Json } from "@freshet/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KeyedItem } from "../../src/core/feature/compiled.ts";
import {
  addAll,
  type Case,
  cases,
  checkIn,
  comparators,
  compare,
  itemsFor,
  momentsAfter,
} from "./feature-fixture.ts";

const far = 20_000;

describe.each(cases)("nextFlip of $name", (given) => {
  const { feature, definition } = given;
  const key = definition.by === undefined ? undefined : "x";

  it("is later than now, and the answer does not change before it (L4)", () => {
    check(questions(given), ({ items, comparator, nearby, step, extra }) => {
      const { state, clock } = addAll(feature, items);
      let now = clock + step;
      // Fire, check, arm again: what a timer does.
      for (let round = 0; round < 5; round++) {
        const constant = nearby(feature.read(state, now, key));
        const flip = feature.nextFlip(state, now, comparator, constant, key);
        const until = flip ?? now + far;
        expect(until).toBeGreaterThan(now);
        const answer = compare(feature.read(state, now, key), comparator, constant);
        const moments = [
          ...momentsAfter(items, now),
          ...extra.map((part) => now + Math.floor((until - now) * part)),
          until - 1,
        ];
        for (const moment of moments) {
          if (moment < now || moment >= until) continue;
          const later = feature.read(state, moment, key);
          expect([moment, compare(later, comparator, constant)]).toEqual([moment, answer]);
        }
        if (flip === null) return;
        now = flip;
      }
    });
  });

  const isNumber = !["first", "last", "topK", "decayingScore"].includes(definition.type);
  if (!isNumber) return;
  it("is exact for values that only change as items leave", () => {
    check(questions(given), ({ items, comparator, nearby, step }) => {
      const { state, clock } = addAll(feature, items);
      const now = clock + step;
      const value = feature.read(state, now, key);
      const constant = nearby(value);
      const flip = feature.nextFlip(state, now, comparator, constant, key);
      if (flip === null || value === null) return;
      const after = feature.read(state, flip, key);
      expect(compare(after, comparator, constant)).not.toBe(compare(value, comparator, constant));
    });
  });

  it("also covers an item that lies ahead of now", () => {
    check(questions(given), ({ items, comparator, nearby, step, extra }) => {
      const { state, clock } = addAll(feature, items);
      // A reader whose clock is behind by up to a tile: what counts then may come in later.
      const now = clock - Math.min(step, 31);
      const constant = nearby(feature.read(state, now, key));
      const flip = feature.nextFlip(state, now, comparator, constant, key);
      const answer = compare(feature.read(state, now, key), comparator, constant);
      for (const part of extra) {
        const moment = now + Math.floor(((flip ?? now + 100) - now) * part);
        expect(compare(feature.read(state, moment, key), comparator, constant)).toBe(answer);
      }
    });
  });
});

describe("nextFlip without a key", () => {
  it.each(
    cases.filter(
      ({ definition }) => definition.by !== undefined && definition.window.kind === "sliding",
    ),
  )("of $name comes no later than that of any entry", (given) => {
    check(questions(given), ({ items, comparator }) => {
      const { state, clock } = addAll(given.feature, items);
      const all = given.feature.nextFlip(state, clock, comparator, 1);
      for (const by of ["x", "y", "__proto__"]) {
        const one = given.feature.nextFlip(state, clock, comparator, 1, by);
        if (one !== null) expect(all).toBeLessThanOrEqual(one);
      }
    });
  });
});

function check<Value>(values: fc.Arbitrary<Value>, judge: (value: Value) => void): void {
  checkIn(import.meta.url, fc.property(values, judge), 60);
}

interface Question {
  readonly items: KeyedItem[];
  readonly comparator: (typeof comparators)[number];
  /** A constant that has a chance to be passed: near what is read now. */
  readonly nearby: (value: Json) => number;
  readonly step: number;
  readonly extra: number[];
}

function questions(given: Case): fc.Arbitrary<Question> {
  const change = fc.constantFrom<(value: number) => number>(
    (value) => value,
    (value) => value - 1,
    (value) => value + 1,
    (value) => value / 2,
    (value) => -value,
    (value) => value * 1e-6,
    () => 0,
  );
  return fc.record({
    items: itemsFor(given),
    comparator: fc.constantFrom(...comparators),
    nearby: change.map((move) => (value: Json) => move(typeof value === "number" ? value : 1)),
    step: fc.integer({ min: 0, max: 900 }),
    extra: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 3, maxLength: 8 }),
  });
}
