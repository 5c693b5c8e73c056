import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  hash53,
  hash128,
  hash128Into,
  hashHex,
  murmur2,
  murmur2Signed,
} from "../../src/core/hash.ts";
import { withSeed } from "../../src/testing/seed.ts";

/** From Python's mmh3 5.3.1: the four words with seed 0, and the first word with seed 42. */
const vectors: readonly (readonly [string, string, string])[] = [
  ["", "00000000000000000000000000000000", "af6d2cb6"],
  ["a", "a794933c5556b01b5556b01b5556b01b", "517b4f52"],
  ["abc", "75cdc6d1a2b006a5a2b006a5a2b006a5", "5bcf0fbe"],
  ["0123456789abcde", "3c76c46d4d0818c0add433daa78673fa", "0deb3ee2"],
  ["0123456789abcdef", "fb7d440936aed30a48ad1d9b572b3bfd", "786271aa"],
  ["0123456789abcdefg", "7f1f9836516b3876ac29c030f9d6f374", "c83b4930"],
  ["The quick brown fox jumps over the lazy dog", "2f1583c3ecee2c675d7bf66ce5e91d2c", "b0c69c19"],
  ["grüße", "0f84cef3326f5a7a6b4b37086b4b3708", "f62f5cf9"],
  ["日本語テキスト", "230fb27163ccd1b77281a22478807278", "f41e5715"],
  ["😀 emoji", "3cf05486dd8bc701f944eaef51667230", "8a309b60"],
  ["x".repeat(80), "525c2800c56890269f3e9e83177cb4ed", "4e886a71"],
];

describe("hash128", () => {
  it.each(vectors)("of %j is MurmurHash3 x86 128 of its UTF-8 bytes", (text, hex, seeded) => {
    expect(hashHex(text)).toBe(hex);
    expect(hash128(text)).toEqual(
      [0, 8, 16, 24].map((at) => Number.parseInt(hex.slice(at, at + 8), 16)),
    );
    const target = new Uint32Array(6);
    hash128Into(text, target, 1, 42);
    expect(target[1]).toBe(Number.parseInt(seeded, 16));
    expect([target[0], target[5]]).toEqual([0, 0]);
  });

  it("takes a lone surrogate for U+FFFD, as encoders write it", () => {
    expect(hashHex("a\ud800b")).toBe(hashHex("a\ufffdb"));
    expect(hashHex("\udc00\ud83d")).toBe(hashHex("\ufffd\ufffd"));
  });

  it("does not depend on what was hashed before", () => {
    const before = hashHex("short");
    hashHex("é".repeat(40_000));
    expect(hashHex("short")).toBe(before);
  });
});

describe("hash53", () => {
  it("spreads evenly over the integers below 2^53", () => {
    withSeed(import.meta.url, (seed) => {
      const buckets = new Array<number>(16).fill(0);
      for (let i = 0; i < 16_000; i++) {
        const hash = hash53(`${seed}:${i}`);
        expect(Number.isSafeInteger(hash) && hash >= 0).toBe(true);
        const bucket = Math.floor(hash / 2 ** 49);
        buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      }
      // 1000 each with a standard deviation of 31: seven of them are no accident.
      for (const size of buckets) expect(Math.abs(size - 1000)).toBeLessThan(220);
    });
  });
});

describe("murmur2", () => {
  it.each([
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ])("of %j is what Kafka computes", (text, signed) => {
    expect(murmur2Signed(text)).toBe(signed);
    expect(murmur2(text)).toBe(signed & 0x7fffffff);
  });

  it("works on UTF-8 bytes", () => {
    withSeed(import.meta.url, (seed) =>
      fc.assert(
        fc.property(fc.string({ unit: "binary" }), (text) => {
          expect(murmur2Signed(text)).toBe(slowMurmur2(new TextEncoder().encode(text)));
        }),
        { seed, numRuns: 500 },
      ),
    );
  });
});

/** As in Kafka's source, byte by byte. */
function slowMurmur2(data: Uint8Array): number {
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ data.length;
  const words = data.length >> 2;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let i = 0; i < words; i++) {
    let k = Math.imul(view.getInt32(i * 4, true), m);
    k ^= k >>> 24;
    h = Math.imul(h, m) ^ Math.imul(k, m);
  }
  const rest = data.length & 3;
  const at = words * 4;
  if (rest === 3) h ^= (data[at + 2] ?? 0) << 16;
  if (rest >= 2) h ^= (data[at + 1] ?? 0) << 8;
  if (rest >= 1) h = Math.imul(h ^ (data[at] ?? 0), m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}
