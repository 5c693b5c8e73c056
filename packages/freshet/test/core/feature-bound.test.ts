import type { Json } from "@freshet/protocol";
import { describe, expect, it } from "vitest";
import { assertPlainStrict } from "../../src/core/codec.ts";
import { compileFeature } from "../../src/core/feature/compile.ts";
import type { CompiledFeature, KeyedItem } from "../../src/core/feature/compiled.ts";
import { distinctExactMax } from "../../src/core/feature/distinct.ts";
import { featureTypes } from "../../src/core/feature/index.ts";
import { keysMax } from "../../src/core/feature/keyed.ts";
import { boundedKey, keyLengthMax } from "../../src/core/feature/order.ts";
import { topKeysMax } from "../../src/core/feature/top-k.ts";
import type { FeatureWindow } from "../../src/core/feature/type.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { addAll, epoch } from "./feature-fixture.ts";

const options = { scale: 100, n: 3, halfLifeMs: 1000 };

describe("every feature type", () => {
  it.each(Object.entries(featureTypes))(
    "%s is listed by its own name and says what bounds it",
    (name, type) => {
      expect(type.name).toBe(name);
      expect(type.bound).not.toBe("");
    },
  );

  it("is found by name only, and not among what every object has", () => {
    expect(() => compile("toString")).toThrow('feature type "toString" does not exist');
  });

  it.each(Object.keys(featureTypes))(
    "%s reads as its natural nothing before the first item",
    (name) => {
      const nothing: Record<string, Json> = {
        count: 0,
        sum: 0,
        distinct: 0,
        decayingScore: 0,
        first: [],
        last: [],
        topK: [],
        min: null,
        max: null,
        mean: null,
        ratio: null,
      };
      expect(compile(name).read(null, epoch)).toEqual(nothing[name]);
      expect(compile(name, { kind: "sliding", ms: 1000 }).read(null, epoch)).toEqual(nothing[name]);
      expect(compile(name).nextFlip(null, epoch, "gte", 1)).toBe(null);
      expect(compile(name).approximate(null)).toBe(false);
    },
  );
});

describe("sum", () => {
  it("saturates, stays there and says so", () => {
    const sum = compile("sum");
    const { state } = addAll(sum, [item(0, 6e13), item(1, 6e13), item(2, -1)]);
    expect(sum.read(state, epoch)).toBe(Number.MAX_SAFE_INTEGER);
    expect(sum.approximate(state)).toBe(true);
    expect(sum.approximate(addAll(sum, [item(0, 9e13)]).state)).toBe(false);
  });
});

describe("distinct", () => {
  const distinct = compile("distinct");

  it("is exact at 256 values, estimated at 257, and repeats change nothing", () => {
    const items = range(distinctExactMax, (i) => item(i, `v${i}`));
    const { state } = addAll(distinct, [...items, ...items]);
    expect(distinct.read(state, epoch)).toBe(distinctExactMax);
    expect(distinct.approximate(state)).toBe(false);
    const more = distinct.add(state, item(300, "another"), epoch + 300);
    expect(distinct.approximate(more)).toBe(true);
    expect(distinct.read(more, epoch)).toBeGreaterThan(distinctExactMax);
  });

  it("estimates without a bias and within its stated error, in any order and split", () => {
    withSeed(import.meta.url, (seed) => {
      const size = 3000;
      const errors = range(40, (round) => {
        const items = range(size, (i) => item(i, `${seed}:${round}:${i}`));
        const { state } = addAll(distinct, items);
        const halves = [items.slice(1000).reverse(), items.slice(0, 1700)].map(
          (part) => addAll(distinct, part).state,
        );
        expect(distinct.merge(halves[0], halves[1])).toEqual(state);
        expect((state as number[]).length).toBe(distinctExactMax + 1);
        return (Number(distinct.read(state, epoch)) - size) / size;
      });
      // One standard error is 6.3 %; of the mean of 40 it is 1 %. Five of them are no accident.
      expect(Math.abs(errors.reduce((a, b) => a + b) / 40)).toBeLessThan(0.05);
      const spread = Math.sqrt(errors.reduce((a, b) => a + b * b, 0) / 40);
      expect(spread).toBeGreaterThan(0.03);
      expect(spread).toBeLessThan(0.11);
    });
  });
});

describe("topK", () => {
  const topK = compile("topK");

  it("keeps 256 keys exactly", () => {
    const items = range(topKeysMax, (i) => item(i, `k${i}`));
    const { state } = addAll(topK, [...items, item(900, "k7"), item(901, "k7"), item(902, "k200")]);
    expect(topK.approximate(state)).toBe(false);
    expect(topK.read(state, epoch)).toEqual(["k7", "k200", "k0"]);
  });

  it("past that drops the rarest, says so, and still lets a newcomer rise", () => {
    const often = range(250, (i) => [item(i, `often${i}`), item(i + 300, `often${i}`)]).flat();
    const rare = range(2000, (i) => item(i + 1000, `rare${i}`));
    const risen = range(60, (i) => item(i + 4000, "risen"));
    const { state } = addAll(topK, [...often, ...rare, ...risen]);
    expect(topK.approximate(state)).toBe(true);
    expect((topK.read(state, epoch) as string[])[0]).toBe("risen");
    const [lost, keys, counts] = state as [number, string[], number[]];
    expect(keys.length).toBe(counts.length);
    expect(keys.length).toBeLessThanOrEqual(topKeysMax);
    expect(lost).toBeGreaterThan(0);
    expect(addAll(topK, [...often, ...rare, ...risen]).state).toEqual(state);
  });

  it("keeps long keys short and apart", () => {
    const long = "é".repeat(5000);
    const { state } = addAll(topK, [item(0, `${long}a`), item(1, `${long}b`), item(2, `${long}b`)]);
    const keys = topK.read(state, epoch) as string[];
    expect(keys).toEqual([boundedKey(`${long}b`), boundedKey(`${long}a`)]);
    for (const key of keys) expect(key.length).toBeLessThanOrEqual(keyLengthMax);
  });
});

describe("a key that is too long", () => {
  it("is not cut within a character", () => {
    for (const shift of [0, 1]) {
      const key = boundedKey("x".repeat(shift) + "😀".repeat(400));
      expect(() => assertPlainStrict(key)).not.toThrow();
      expect(key.length).toBeLessThanOrEqual(keyLengthMax);
    }
    expect(boundedKey("x".repeat(keyLengthMax))).toBe("x".repeat(keyLengthMax));
  });
});

describe.each(["lifetime", "sliding"] as const)("a %s feature by a property", (kind) => {
  const window: FeatureWindow = kind === "sliding" ? { kind, ms: 100_000 } : { kind };
  const byKey = compileFeature({ type: "count", window, options, by: { prop: "k" } });

  it("keeps 128 keys, and past that those with the newest items", () => {
    const items = range(keysMax, (i) => item(i, 1, `k${i}`));
    const full = addAll(byKey, [item(1, 1, "k0"), ...items]);
    expect(byKey.approximate(full.state)).toBe(false);
    expect(byKey.read(full.state, epoch + 500, "k0")).toBe(2);
    const { state } = addAll(byKey, [...items, item(200, 1, "k0"), item(201, 1, "new")]);
    expect(byKey.approximate(state)).toBe(true);
    expect(["k0", "k1", "k2", "new"].map((key) => byKey.read(state, epoch + 500, key))).toEqual([
      2, 0, 1, 1,
    ]);
  });

  it("merges two full ones to the keys with the newest items", () => {
    const sides = [0, 1].map(
      (side) =>
        addAll(
          byKey,
          range(100, (i) => item(2 * i + side, 1, `k${2 * i + side}`)),
        ).state,
    );
    const merged = byKey.merge(sides[0], sides[1]);
    expect(byKey.merge(sides[1], sides[0])).toEqual(merged);
    expect(byKey.approximate(merged)).toBe(true);
    const keys = Object.keys(byKey.read(merged, epoch + 500) as object);
    expect(keys.sort()).toEqual(range(keysMax, (i) => `k${199 - i}`).sort());
  });

  it("finds long keys again, and leaves out items without a key", () => {
    const { state } = addAll(byKey, [item(0, 1, "y".repeat(900)), item(1, 1)]);
    expect(byKey.read(state, epoch + 5, "y".repeat(900))).toBe(1);
    expect(Object.keys(byKey.read(state, epoch + 5) as object)).toHaveLength(1);
  });
});

describe("a sliding feature by a property", () => {
  it("forgets keys that left the window without calling itself approximate", () => {
    const byKey = compileFeature({
      type: "count",
      window: { kind: "sliding", ms: 320 },
      options,
      by: true,
    });
    const { state } = addAll(
      byKey,
      range(1000, (i) => item(i * 10, 1, `k${i}`)),
    );
    expect(byKey.approximate(state)).toBe(false);
    expect(Object.keys(byKey.read(state, epoch + 9990) as object)).toHaveLength(32);
    expect((state as [number, string[]])[1].length).toBeLessThanOrEqual(34);
  });
});

function compile(type: string, window: FeatureWindow = { kind: "lifetime" }): CompiledFeature {
  return compileFeature({ type, window, options });
}

function item(offset: number, value: Json, by?: string): KeyedItem {
  return {
    time: epoch + offset,
    id: `m${offset}`,
    value,
    input: 0,
    ...(by === undefined ? {} : { by }),
  };
}

function range<Value>(size: number, make: (i: number) => Value): Value[] {
  return Array.from({ length: size }, (_, i) => make(i));
}
