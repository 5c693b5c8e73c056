/**
 * Money without surprises. A double stands here for the decimal number that it prints as: 1.255 is 1255/1000
 * and not the binary fraction next to it. Products and roundings are those of the decimals, so that
 * 3 * 1.005 is 3.015 and 1.255 in cents is 126. Arguments are finite; no result is NaN or -0.
 */

/** Largest size of a sum; one that reached it stays there and counts as approximate. */
export const sumMax = Number.MAX_SAFE_INTEGER;

/** value * scale, rounded half away from zero; at most `sumMax` in size. */
export function toScaledInteger(value: number, scale: number): number {
  const size = Math.abs(value * scale);
  const whole = Math.floor(size);
  const fraction = size - whole;
  // Two roundings (the text to a double, the product) move the product by less than 2^-52 of its size.
  // Farther than that from a half, binary and decimal agree on where to round.
  if (Math.abs(fraction - 0.5) <= size * 1e-15) return scaleDigits(value, scale);
  const rounded = Math.min(fraction > 0.5 ? whole + 1 : whole, sumMax);
  return value < 0 !== scale < 0 && rounded !== 0 ? -rounded : rounded;
}

/**
 * The double next to the exact product of two decimals: it prints as that product whenever 15 digits are
 * enough for it. Not finite where the product is too large for a double.
 */
export function multiplyExact(a: number, b: number): number {
  const product = a * b;
  if (Number.isSafeInteger(product) && Number.isInteger(a) && Number.isInteger(b))
    return product + 0;
  const placesA = decimalPlaces(a);
  const placesB = decimalPlaces(b);
  if (placesA >= 0 && placesB >= 0) {
    const digits = Math.round(a * powerOf(placesA)) * Math.round(b * powerOf(placesB));
    // Both sides of this division are exact, so that its one rounding is the right one.
    if (Math.abs(digits) <= sumMax) return digits / powerOf(placesA + placesB) + 0;
  }
  return Number.isFinite(product) ? multiplyDigits(a, b) : product;
}

/** Sum of two scaled integers. Saturates, and a saturated sum stays: it no longer knows what it lost. */
export function addSaturating(a: number, b: number): number {
  if (isSaturated(a)) return isSaturated(b) ? Math.max(a, b) : a;
  if (isSaturated(b)) return b;
  return Math.max(-sumMax, Math.min(sumMax, a + b));
}

export function isSaturated(sum: number): boolean {
  return sum === sumMax || sum === -sumMax;
}

/** -0 would not come back from a codec as what it was. */
export function withoutMinusZero(value: number): number {
  return value + 0;
}

const powers = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];
const placesMax = 6;

function powerOf(exponent: number): number {
  return powers[exponent] as number;
}

/**
 * Digits after the point that the shortest text of a value has, or -1 where that is more than six or the
 * digits are more than 15 (below which a double and its decimal determine each other).
 */
function decimalPlaces(value: number): number {
  for (let places = 0; places <= placesMax; places++) {
    const digits = Math.round(value * powerOf(places));
    if (Math.abs(digits) >= 1e15) return -1;
    if (digits / powerOf(places) === value) return places;
  }
  return -1;
}

function scaleDigits(value: number, scale: number): number {
  const a = digitsOf(value);
  const b = digitsOf(scale);
  const exponent = a.exponent + b.exponent;
  const product = a.digits * b.digits;
  const size = product < 0n ? -product : product;
  const unit = 10n ** BigInt(Math.abs(exponent));
  const rounded = exponent >= 0 ? size * unit : (2n * size + unit) / (2n * unit);
  const result = rounded > BigInt(sumMax) ? sumMax : Number(rounded);
  return product < 0n && result !== 0 ? -result : result;
}

function multiplyDigits(a: number, b: number): number {
  const x = digitsOf(a);
  const y = digitsOf(b);
  return Number(`${x.digits * y.digits}e${x.exponent + y.exponent}`) + 0;
}

/** The shortest decimal text of a value as digits * 10^exponent. */
function digitsOf(value: number): { digits: bigint; exponent: number } {
  const [mantissa = "0", power = "0"] = String(value).split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  return { digits: BigInt(whole + fraction), exponent: Number(power) - fraction.length };
}
