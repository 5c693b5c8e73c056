import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPlainEncoder } from "../../src/adapters/codec/encoder.ts";
import { msgpackCodec, strictMsgpackCodec } from "../../src/adapters/codec/msgpack.ts";
import type { StateCodec } from "../../src/engine/port/codec.ts";
import { withSeed } from "../../src/testing/seed.ts";

const numbers = fc
  .oneof(fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  .filter((value) => !Object.is(value, -0));
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    numbers,
    fc.string({ unit: "grapheme", maxLength: 300 }),
    fc.array(tie("value")),
    fc.dictionary(
      fc.string({ unit: "grapheme" }).filter((key) => key !== "__proto__"),
      tie("value"),
      { noNullPrototype: true },
    ),
  ),
})).value;

/** As bytes, and as a text. */
const bothWays = (codec: StateCodec, value: unknown) => [
  codec.decode(codec.encode(value)),
  codec.decodeText(codec.encodeText(value)),
];

describe("the state codec", () => {
  it("gives back every plain value as it was", () =>
    withSeed(import.meta.url, (seed) => {
      const codec = strictMsgpackCodec();
      fc.assert(
        fc.property(plain, (value) => {
          const bytes = codec.encode(value);
          expect(codec.decode(bytes)).toStrictEqual(value);
          const text = codec.encodeText(value);
          expect(codec.decodeText(text)).toStrictEqual(value);
          expect(codec.textOf(bytes)).toBe(text);
          expect([...codec.bytesOf(text)]).toStrictEqual([...bytes]);
          codec.recycle();
        }),
        { seed, numRuns: 2000 },
      );
    }));

  it("writes numbers at the edges of every width", () => {
    const codec = msgpackCodec();
    const edges = [
      0,
      127,
      128,
      255,
      256,
      65_535,
      65_536,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32,
      2 ** 53 - 1,
    ];
    for (const edge of [...edges, ...edges.slice(1).map((value) => -value), -32, -33, 0.1, 5e-324])
      for (const back of bothWays(codec, [edge])) expect(back).toStrictEqual([edge]);
  });

  it("writes texts and arrays at the edges of every length", () => {
    const codec = msgpackCodec();
    for (const length of [0, 15, 16, 31, 32, 63, 64, 255, 256, 65_535, 65_536, 200_000]) {
      for (const unit of ["a", "ü", "😀"]) {
        const text = unit.repeat(length);
        for (const back of bothWays(codec, [text])) expect(back).toStrictEqual([text]);
      }
      const list = new Array<number>(length).fill(7);
      for (const back of bothWays(codec, list)) expect(back).toStrictEqual(list);
    }
  });

  it("refuses what would not come back, and says where", () => {
    const { encode } = createPlainEncoder();
    const wrong = [
      undefined,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      -0,
      new Date(0),
      new Map(),
      1n,
      () => 1,
    ];
    for (const value of wrong) expect(() => encode([[1, value]])).toThrow("state[0][1]");
    expect(() => encode(["\ud800"])).toThrow("well-formed");
    expect(() => encode(new Array(2))).toThrow("state[0]");
  });

  it("keeps what it gave until it is told that nothing of it is needed", () => {
    const codec = msgpackCodec();
    const values = Array.from({ length: 300 }, (_, index) => [index, "x".repeat(index * 40)]);
    for (let round = 0; round < 3; round++) {
      const given = values.map((value) => codec.encode(value));
      expect(given.map(codec.decode)).toStrictEqual(values);
      codec.recycle();
    }
  });

  it("reads no text that it did not write", () => {
    const codec = msgpackCodec();
    const text = codec.encodeText([1, "two", 3.5]);
    expect(() => codec.decodeText(`${text}x`)).toThrow("ends at");
    expect(() => codec.decodeText("\xc1")).toThrow("0xc1");
  });
});
