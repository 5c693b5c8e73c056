import type { Json } from "@freshet/protocol";
import { describe, expect, it } from "vitest";
import { compileFeature } from "../../src/core/feature/compile.ts";
import type { KeyedItem } from "../../src/core/feature/compiled.ts";
import type { FeatureState } from "../../src/core/feature/type.ts";
import { tileItemsMax, tileLength } from "../../src/core/window.ts";
import { addAll } from "./feature-fixture.ts";

const hour = 3_600_000;
const options = { scale: 100, n: 1, halfLifeMs: hour };
const count = compileFeature({
  type: "count",
  window: { kind: "sliding", ms: 32 * hour },
  options,
});
/** A multiple of the tile's length, so that tiles begin at whole hours. */
const start = 500_000 * hour;

describe("a sliding window", () => {
  it("covers (now - ms, now], to the millisecond while tiles have few items", () => {
    const { state } = addAll(count, [at(0), at(5)]);
    expect(count.read(state, start + 4)).toBe(1);
    expect(count.read(state, start + 5)).toBe(2);
    expect(count.read(state, start + 32 * hour - 1)).toBe(2);
    expect(count.read(state, start + 32 * hour)).toBe(1);
    expect(count.read(state, start + 32 * hour + 5)).toBe(0);
  });

  it("keeps eight items of a tile apart and takes nine as a whole (the declared edge)", () => {
    const eight = Array.from({ length: tileItemsMax }, (_, i) => at(i * 1000));
    const half = start + 32 * hour + 3500;
    expect(count.read(addAll(count, eight).state, half)).toBe(4);
    const nine = addAll(count, [...eight, at(8000)]).state;
    expect(count.read(nine, half)).toBe(9);
    expect(count.read(nine, start + 33 * hour - 2)).toBe(9);
    expect(count.read(nine, start + 33 * hour - 1)).toBe(0);
  });

  it("does not count a tile that begins after now", () => {
    const nine = addAll(
      count,
      Array.from({ length: 9 }, (_, i) => at(i)),
    ).state;
    expect(count.read(nine, start - 1)).toBe(0);
    expect(count.read(nine, start)).toBe(9);
  });

  it("drops tiles when they have left, and takes no item for them", () => {
    let state = addAll(count, [at(0), at(hour)]).state as unknown[];
    expect(state).toHaveLength(2);
    state = count.add(state, at(33 * hour - 1), start + 33 * hour - 1) as unknown[];
    expect(state).toHaveLength(2);
    expect(count.add(state, at(0), start + 33 * hour - 1)).toHaveLength(2);
    expect(count.add(null, at(0), start + 33 * hour - 1)).toBe(null);
  });

  it("takes a late item for a tile that is still there, so that arrival does not show", () => {
    const items = Array.from({ length: 9 }, (_, i) => at(i * 1000));
    const clock = start + 32 * hour + 3500;
    const inTime = addAll(count, items).state;
    let late: FeatureState | null = null;
    for (const item of items.toReversed()) late = count.add(late, item, clock);
    expect(count.read(late, clock)).toBe(count.read(inTime, clock));
  });

  it("never has more than 34 tiles, also if states are only ever merged", () => {
    let added: FeatureState | null = null;
    let merged: FeatureState | null = null;
    for (let i = 0; i < 200; i++) {
      const item = at(i * hour);
      added = count.add(added, item, item.time);
      merged = count.merge(merged, count.add(null, item, item.time));
      expect((added as unknown[]).length).toBeLessThanOrEqual(34);
      expect((merged as unknown[]).length).toBeLessThanOrEqual(34);
    }
  });

  it("works for windows shorter than 32 ms and times before 1970", () => {
    expect(tileLength(7)).toBe(1);
    const short = compileFeature({ type: "count", window: { kind: "sliding", ms: 7 }, options });
    const items = [-3, -1, 0, 2].map((time) => ({ ...at(0), time, id: `m${time}` }));
    const { state } = addAll(short, items);
    expect([2, 3, 4, 6, 9].map((now) => short.read(state, now))).toEqual([4, 4, 3, 2, 0]);
  });

  it("knows when a count falls below what a condition asks, and that it cannot rise by itself", () => {
    const { state } = addAll(count, [at(0), at(10), at(20)]);
    const now = start + 100;
    expect(count.nextFlip(state, now, "gte", 3)).toBe(start + 32 * hour);
    expect(count.nextFlip(state, now, "gte", 2)).toBe(start + 10 + 32 * hour);
    expect(count.nextFlip(state, now, "gt", 0)).toBe(start + 20 + 32 * hour);
    expect(count.nextFlip(state, now, "gte", 4)).toBe(null);
    expect(count.nextFlip(state, now, "eq", 0)).toBe(start + 20 + 32 * hour);
  });
});

describe("a decaying score", () => {
  const score = compileFeature({ type: "decayingScore", window: { kind: "lifetime" }, options });

  it("halves in its half-life, and nextFlip finds when it passes a constant", () => {
    const { state } = addAll(score, [at(0, 8)]);
    expect(score.read(state, start + 3 * hour)).toBeCloseTo(1, 12);
    const flip = score.nextFlip(state, start, "gte", 1) ?? 0;
    expect(flip).toBeLessThanOrEqual(start + 3 * hour + 1);
    expect(flip).toBeGreaterThan(start + 3 * hour - 10);
    expect(score.nextFlip(state, start, "gt", -1)).toBe(null);
    expect(score.nextFlip(state, start, "gte", 9)).toBe(null);
  });

  it("ends at 0 and never at what JSON cannot hold", () => {
    const { state } = addAll(score, [at(0, 8), at(1, 1.7e308), at(2, 1.7e308)]);
    expect(score.approximate(state)).toBe(true);
    expect(score.read(state, start - 1000 * hour)).toBe(Number.MAX_VALUE);
    expect(score.read(state, start + 1e6 * hour)).toBe(0);
    const flip = score.nextFlip(addAll(score, [at(0, 8)]).state, start, "gt", 0) ?? 0;
    expect(score.read(addAll(score, [at(0, 8)]).state, flip + 1000)).toBe(0);
    expect(score.read(addAll(score, [at(0, -8)]).state, start + 1e6 * hour)).toBe(0);
  });
});

function at(offset: number, value: Json = 1): KeyedItem {
  return { time: start + offset, id: `m${offset}`, value, input: 0 };
}
