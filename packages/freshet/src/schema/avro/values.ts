import { FreshetError } from "@freshet/protocol";
import type { AvroLogical } from "./schema.ts";

/**
 * Logical values as plain JSON and back: what has a unit of its own is text as people write it.
 *
 * | logical type | JSON |
 * | --- | --- |
 * | `decimal` | `"12.30"`, exactly `scale` digits; a number or text of at most as many is taken |
 * | `uuid` | text of 36 characters |
 * | `date` | `"2026-05-04"` |
 * | `time-*` | `"11:00:00.000"`, `.000000` for micros |
 * | `timestamp-*` | `"2026-05-04T11:00:00.000Z"`; text with any zone, or the integer itself, is taken |
 * | `local-timestamp-*` | the same without a zone |
 */
export type Integral = { readonly ok: true; readonly value: bigint } | { readonly ok: false };

const no: Integral = { ok: false };
const yes = (value: bigint): Integral => ({ ok: true, value });

const dayMs = 86_400_000;

/** Days of a date text. */
export function daysOf(text: string): Integral {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return no;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return isRealDate(text, ms) ? yes(BigInt(ms / dayMs)) : no;
}

export function dateText(days: bigint): string | undefined {
  return isoOf(days * BigInt(dayMs))?.slice(0, 10);
}

/** Units since midnight. */
export function timeOf(text: string, digits: 3 | 6): Integral {
  const match = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return no;
  const [, hour, minute, second, fraction = ""] = match;
  const seconds = BigInt(hour ?? 0) * 3600n + BigInt(minute ?? 0) * 60n + BigInt(second ?? 0);
  return withFraction(seconds, fraction, digits);
}

export function timeText(units: bigint, digits: 3 | 6): string | undefined {
  const unit = 10n ** BigInt(digits);
  if (units < 0n || units >= 86_400n * unit) return undefined;
  const seconds = units / unit;
  const part = (value: bigint) => String(value).padStart(2, "0");
  const clock = `${part(seconds / 3600n)}:${part((seconds / 60n) % 60n)}:${part(seconds % 60n)}`;
  return `${clock}.${String(units % unit).padStart(digits, "0")}`;
}

type Timestamp = Extract<AvroLogical, { readonly kind: "timestamp" | "local-timestamp" }>;

/** Units since 1970-01-01T00:00:00, in UTC or in no zone. */
export function timestampOf(text: string, { kind, digits }: Timestamp): Integral {
  const match =
    /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|z|[+-]\d{2}:\d{2})?$/.exec(
      text,
    );
  if (match === null) return no;
  const [, date = "", clock, fraction = "", zone] = match;
  if ((zone === undefined) !== (kind === "local-timestamp")) return no;
  const ms = Date.parse(`${date}T${clock}${zone?.toUpperCase() ?? "Z"}`);
  if (!isRealDate(date, Date.parse(`${date}T00:00:00Z`)) || Number.isNaN(ms)) return no;
  return withFraction(BigInt(ms / 1000), fraction, digits);
}

export function timestampText(units: bigint, { kind, digits }: Timestamp): string | undefined {
  const unit = 10n ** BigInt(digits);
  const within = ((units % unit) + unit) % unit;
  const iso = isoOf(((units - within) / unit) * 1000n);
  if (iso === undefined) return undefined;
  const fraction = String(within).padStart(digits, "0");
  return `${iso.slice(0, 19)}.${fraction}${kind === "timestamp" ? "Z" : ""}`;
}

function withFraction(seconds: bigint, fraction: string, digits: number): Integral {
  // Digits that the type cannot hold would be lost without a word.
  if (/[1-9]/.test(fraction.slice(digits))) return no;
  const padded = fraction.slice(0, digits).padEnd(digits, "0");
  return yes(seconds * 10n ** BigInt(digits) + BigInt(padded));
}

function isRealDate(text: string, ms: number): boolean {
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

/** ISO text of the years 0000 to 9999; others have no form that everybody reads. */
function isoOf(ms: bigint): string | undefined {
  if (ms < yearMsMin || ms > yearMsMax) return undefined;
  return new Date(Number(ms)).toISOString();
}

const yearMsMin = BigInt(Date.parse("0000-01-01T00:00:00Z"));
const yearMsMax = BigInt(Date.parse("9999-12-31T23:59:59.999Z"));

type Decimal = Extract<AvroLogical, { readonly kind: "decimal" }>;

/** The unscaled integer of a decimal; none for one that has more digits than fit. */
export function decimalOf(value: string | number, { precision, scale }: Decimal): Integral {
  const text = typeof value === "number" ? plainNumber(value) : value;
  const match = /^(-?)(\d{1,1000})(?:\.(\d{1,1000}))?$/.exec(text);
  if (match === null) return no;
  const [, sign, whole = "", fraction = ""] = match;
  if (/[1-9]/.test(fraction.slice(scale))) return no;
  const digits = `${whole}${fraction.slice(0, scale).padEnd(scale, "0")}`.replace(/^0+(?=\d)/, "");
  if (digits.length > precision) return no;
  return yes(BigInt(digits) * (sign === "-" ? -1n : 1n));
}

/** A double as JavaScript prints it, without an exponent. */
function plainNumber(value: number): string {
  const text = String(value);
  if (!text.includes("e")) return text;
  return Number.isInteger(value) ? BigInt(value).toString() : value.toFixed(20).replace(/0+$/, "");
}

export function decimalText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? "-" : "";
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Big-endian two's complement: of the given size, or else the shortest. */
export function twosComplement(value: bigint, size?: number): Uint8Array | undefined {
  const bits = (value < 0n ? -value - 1n : value).toString(2).length + 1;
  const length = size ?? Math.max(1, Math.ceil((value === 0n || value === -1n ? 1 : bits) / 8));
  if (size !== undefined && bits > size * 8 && value !== 0n && value !== -1n) return undefined;
  const bytes = new Uint8Array(length);
  let rest = BigInt.asUintN(length * 8, value);
  for (let at = length - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes;
}

export function fromTwosComplement(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  if (bytes.length > decimalBytesMax)
    throw new FreshetError("schemaBytes", `a decimal has more than ${decimalBytesMax} bytes`);
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString("hex")}`));
}

/** 1,000 digits, the largest precision, and room for writers that pad. */
const decimalBytesMax = 1024;

/** Base64 that gives its bytes back and nothing else. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

const uuidForm = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

export function isUuid(text: string): boolean {
  return uuidForm.test(text);
}
