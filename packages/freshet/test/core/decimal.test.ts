import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addSaturating, multiplyExact, sumMax, toScaledInteger } from "../../src/core/decimal.ts";
import { withSeed } from "../../src/testing/seed.ts";

describe("toScaledInteger", () => {
  it.each([
    [1.255, 100, 126],
    [-1.255, 100, -126],
    [1.005, 100, 101],
    [0.285, 100, 29],
    [8.345, 100, 835],
    [2.5, 1, 3],
    [-2.5, 1, -3],
    [-0.004, 100, 0],
    [-0, 100, 0],
    [1e-7, 100, 0],
    [5e-324, 100, 0],
    [19.99, 100, 1999],
    [2251799813685248.5, 1, 2251799813685249],
    [0.1, 3, 0],
    [0.5, 3, 2],
    [1e21, 1, sumMax],
    [-1.7976931348623157e308, 100, -sumMax],
  ])("rounds %d times %d to %d", (value, scale, expected) => {
    expect(toScaledInteger(value, scale)).toBe(expected);
  });

  it("rounds as long arithmetic does", () => {
    const value = fc.oneof(
      fc.double({ noNaN: true, min: -1e12, max: 1e12 }),
      fc
        .tuple(fc.integer(), fc.integer({ min: 0, max: 6 }))
        .map(([digits, places]) => Number(`${digits}e-${places}`)),
    );
    check(
      fc.property(value, fc.constantFrom(1, 10, 100, 1000, 60), (given, scale) => {
        expect(toScaledInteger(given, scale)).toBe(slowlyScaled(given, scale));
      }),
    );
  });
});

describe("multiplyExact", () => {
  it.each([
    [3, 1.005, 3.015],
    [0.1, 3, 0.3],
    [1.1, 1.1, 1.21],
    [19.99, 3, 59.97],
    [-0, 5, 0],
    [0, -5, 0],
    [-1.5, 1.5, -2.25],
    [1e-10, 0.1, 1e-11],
    [123456789.123, 1000, 123456789123],
    [5e-324, 0.1, 0],
    [1e200, 1e100, 1e300],
    [-5e-324, 0.1, 0],
  ])("%d times %d is %d", (a, b, expected) => {
    expect(multiplyExact(a, b)).toBe(expected);
  });

  it("is the double next to the product of the decimals", () => {
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }),
      fc
        .tuple(fc.integer(), fc.integer({ min: 0, max: 8 }))
        .map(([digits, places]) => Number(`${digits}e-${places}`)),
    );
    check(
      fc.property(value, value, (a, b) => {
        const x = decimalOf(a);
        const y = decimalOf(b);
        expect(multiplyExact(a, b)).toBe(
          Number(`${x.digits * y.digits}e${x.exponent + y.exponent}`) + 0,
        );
      }),
    );
  });

  it("makes price times quantity round to the cents that people expect", () => {
    check(
      fc.property(
        fc.integer({ min: 1, max: 999 }),
        fc.integer({ min: 0, max: 1e8 }),
        (quantity, mills) => {
          const total = multiplyExact(quantity, mills / 1000);
          expect(toScaledInteger(total, 100)).toBe(Math.floor((quantity * mills + 5) / 10));
        },
      ),
    );
  });
});

describe("addSaturating", () => {
  it("stays at the limit once it got there, whatever comes after", () => {
    const full = addSaturating(sumMax - 1, 5);
    expect(full).toBe(sumMax);
    expect(addSaturating(full, -100)).toBe(sumMax);
    expect(addSaturating(-100, full)).toBe(sumMax);
    expect(addSaturating(-sumMax, -1)).toBe(-sumMax);
  });

  it("is exact below the limit", () => {
    expect(addSaturating(sumMax - 2, 1)).toBe(sumMax - 1);
    expect(addSaturating(5, -5)).toBe(0);
  });
});

function check<Values>(property: fc.IProperty<Values>): void {
  withSeed(import.meta.url, (seed) => fc.assert(property, { seed, numRuns: 2000 }));
}

function slowlyScaled(value: number, scale: number): number {
  const { digits, exponent } = decimalOf(value);
  const size = (digits < 0n ? -digits : digits) * BigInt(scale);
  const unit = 10n ** BigInt(Math.abs(exponent));
  const rounded =
    exponent >= 0 ? size * unit : size / unit + (2n * (size % unit) >= unit ? 1n : 0n);
  const bounded = rounded > BigInt(sumMax) ? BigInt(sumMax) : rounded;
  return Number(digits < 0n ? -bounded : bounded);
}

function decimalOf(value: number): { digits: bigint; exponent: number } {
  const [mantissa = "", power = "0"] = value.toExponential().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return { digits: BigInt(whole + fraction), exponent: Number(power) - fraction.length };
}
