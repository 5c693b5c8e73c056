import { readJson } from "@freshet/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  assertPlain,
  assertPlainStrict,
  deepEqualPlain,
  plainDepthMax,
  roundTrip,
} from "../../src/core/codec.ts";
import { withSeed } from "../../src/testing/seed.ts";

class Point {
  readonly x = 1;
}

const refused: readonly (readonly [string, unknown])[] = [
  ["undefined", undefined],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["-0", -0],
  ["a Date", new Date(0)],
  ["a Map", new Map()],
  ["a Set", new Set()],
  ["a function", () => 0],
  ["a symbol", Symbol("s")],
  ["a bigint", 1n],
  ["a Point", new Point()],
  ["an Uint8Array", new Uint8Array(1)],
  ["a hole", new Array(1)],
  ['an object with a key "__proto__"', readJson('{"__proto__":1}')],
];

const refusedStrictly: readonly (readonly [string, unknown])[] = [
  ["a text with a lone surrogate", "a\ud800"],
  ["an object whose key has a lone surrogate", { "\udc00": 1 }],
  ["an array with named properties", Object.assign([1], { extra: 1 })],
  ["an object with symbol properties", { [Symbol("s")]: 1 }],
];

describe("assertPlain", () => {
  it.each(refused)("refuses %s and names where it is", (what, value) => {
    const place = what === "a hole" ? "state.features[1].a[0]" : "state.features[1].a";
    expect(() => assertPlain({ features: [0, { a: value }] })).toThrow(
      `${place} is ${what}, which`,
    );
  });

  it.each(refusedStrictly)("leaves %s to the strict variant", (what, value) => {
    expect(() => assertPlain([value])).not.toThrow();
    expect(() => assertPlainStrict([value], "profile")).toThrow(`profile[0] is ${what}, which`);
  });

  it("refuses what refers to itself instead of running forever", () => {
    const loop: unknown[] = [];
    loop.push(loop);
    expect(() => assertPlain(loop)).toThrow(`nested more than ${plainDepthMax} deep`);
    expect(() => assertPlainStrict(loop)).toThrow("state[0] is a value that is reached twice");
  });

  it("takes 64 levels and no more", () => {
    expect(() => assertPlainStrict(nested(plainDepthMax))).not.toThrow();
    expect(() => assertPlainStrict(nested(plainDepthMax + 1))).toThrow("deep");
  });

  it("refuses strictly what is reached twice, though it is no loop", () => {
    const shared = [1];
    expect(() => assertPlain({ a: shared, b: shared })).not.toThrow();
    expect(() => assertPlainStrict({ a: shared, b: shared })).toThrow(
      "state.b is a value that is reached twice",
    );
  });
});

describe("roundTrip", () => {
  it("gives an equal value that shares nothing", () => {
    withSeed(import.meta.url, (seed) =>
      fc.assert(
        fc.property(plain(), (value) => {
          const before = JSON.stringify(value);
          const copy = roundTrip(value);
          expect(deepEqualPlain(copy, value)).toBe(true);
          expect(JSON.stringify(copy)).toBe(before);
          expect(() => assertPlainStrict([copy, value])).not.toThrow();
        }),
        { seed, numRuns: 300 },
      ),
    );
  });

  it("throws where the value is not plain", () => {
    expect(() => roundTrip({ a: undefined })).toThrow("state.a is undefined");
  });
});

describe("deepEqualPlain", () => {
  it("does not look at the order of keys", () => {
    expect(deepEqualPlain({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
  });

  it.each([
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [[1], [1, 2]],
    [[], {}],
    [{}, []],
    [null, {}],
    [1, "1"],
    [{ a: [1] }, { a: [2] }],
  ])("tells %j from %j", (a, b) => {
    expect(deepEqualPlain(a, b)).toBe(false);
  });
});

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

function plain() {
  return fc
    .jsonValue({ noUnicodeString: false })
    .filter((value) => !JSON.stringify(value).includes("__proto__"))
    .map((value) => readJson(JSON.stringify(value)) as unknown);
}
