import type { Json } from "@freshet/protocol";
import { schemaBytes } from "../error.ts";
import type { AvroFixed, AvroLogical, AvroNode, AvroPrimitive } from "./schema.ts";
import type { Sink, Source } from "./sink.ts";
import { jsonKindOf } from "./union.ts";
import {
  base64Of,
  bytesOfBase64,
  dateText,
  daysOf,
  decimalOf,
  decimalText,
  fromTwosComplement,
  type Integral,
  isUuid,
  timeOf,
  timestampOf,
  timestampText,
  timeText,
  twosComplement,
} from "./values.ts";
import type { AvroWriter } from "./write.ts";

/** Types without parts. */
export type AvroScalar = Exclude<AvroNode, { readonly kind: "array" | "map" | "union" | "record" }>;

export function isScalar(node: AvroNode): node is AvroScalar {
  return !["array", "map", "union", "record"].includes(node.kind);
}

export function scalarWriter(node: AvroScalar): AvroWriter {
  switch (node.kind) {
    case "null":
      return writer(
        "null",
        (value) => value === null,
        () => {},
      );
    case "boolean":
      return writer(
        "true or false",
        (value) => typeof value === "boolean",
        (sink, value) => sink.byte(value === true ? 1 : 0),
      );
    case "int":
      if (node.logical !== undefined) return integralWriter(node.logical, 32n);
      return writer("a whole number of 32 bits", isInt, (sink, value) =>
        sink.whole(value as number),
      );
    case "long":
      return node.logical === undefined ? longWriter : integralWriter(node.logical, 64n);
    case "float":
      return writer("a number", isFloat, (sink, value) => sink.float(numberOf(value)));
    case "double":
      return writer("a number", isFloating, (sink, value) => sink.double(numberOf(value)));
    case "string": {
      const accepts =
        node.logical === undefined
          ? isText
          : (value: Json) => typeof value === "string" && isUuid(value);
      const expected = node.logical === undefined ? "text" : "a UUID";
      return writer(expected, accepts, (sink, value) => sink.text(value as string));
    }
    case "enum": {
      const indexes = new Map<Json, number>(node.symbols.map((symbol, index) => [symbol, index]));
      return writer(
        `one of the symbols of "${node.name}"`,
        (value) => indexes.has(value),
        (sink, value) => sink.whole(indexes.get(value) ?? 0),
      );
    }
    case "bytes":
      return bytesWriter(node.logical);
    case "fixed":
      return bytesWriter(node.logical, node.size);
  }
}

function writer(
  expected: string,
  accepts: (value: Json) => boolean,
  write: (sink: Sink, value: Json) => void,
): AvroWriter {
  return {
    accepts,
    write,
    explain(value, path, issues) {
      if (!accepts(value))
        issues.push({ path, message: `should be ${expected}, but came as ${jsonKindOf(value)}` });
    },
  };
}

function isText(value: Json): boolean {
  return typeof value === "string";
}

function isInt(value: Json): boolean {
  return typeof value === "number" && (value | 0) === value;
}

const special: ReadonlyMap<Json, number> = new Map<Json, number>([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

function isFloating(value: Json): boolean {
  return typeof value === "number" || special.has(value);
}

/** A number that would become infinite as a float is not one. */
function isFloat(value: Json): boolean {
  return typeof value === "number" ? Number.isFinite(Math.fround(value)) : special.has(value);
}

function numberOf(value: Json): number {
  return typeof value === "number" ? value : (special.get(value) ?? 0);
}

const longWriter = writer(
  "a whole number, or one of 64 bits as text",
  (value) => Number.isSafeInteger(value) || (typeof value === "string" && longOf(value).ok),
  (sink, value) => {
    if (typeof value === "number") return sink.whole(value);
    const long = longOf(value as string);
    if (long.ok) sink.long(long.value);
  },
);

function longOf(text: string): Integral {
  if (!/^-?\d{1,19}$/.test(text)) return { ok: false };
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? { ok: true, value } : { ok: false };
}

function integralWriter(logical: AvroLogical, bits: bigint): AvroWriter {
  const integral = (value: Json): Integral => {
    const found = integralOf(logical, value);
    return found.ok && BigInt.asIntN(Number(bits), found.value) === found.value
      ? found
      : { ok: false };
  };
  return writer(
    `a ${logical.kind}`,
    (value) => integral(value).ok,
    (sink, value) => {
      const found = integral(value);
      if (found.ok) sink.long(found.value);
    },
  );
}

function integralOf(logical: AvroLogical, value: Json): Integral {
  if (typeof value === "number")
    return Number.isSafeInteger(value) ? { ok: true, value: BigInt(value) } : { ok: false };
  if (typeof value !== "string") return { ok: false };
  // What has no text, as a day after the year 9999, is kept as its integer.
  const plain = longOf(value);
  if (plain.ok) return plain;
  switch (logical.kind) {
    case "date":
      return daysOf(value);
    case "time":
      return timeOf(value, logical.digits);
    case "timestamp":
    case "local-timestamp":
      return timestampOf(value, logical);
    case "decimal":
    case "uuid":
      return { ok: false };
  }
}

function bytesWriter(logical: AvroLogical | undefined, size?: number): AvroWriter {
  const bytesOf = (value: Json): Uint8Array | undefined => {
    const bytes = bytesFor(value, logical, size);
    return bytes === undefined || (size !== undefined && bytes.length !== size) ? undefined : bytes;
  };
  const expected = logical?.kind ?? `base64${size === undefined ? "" : ` of ${size} bytes`}`;
  return writer(
    `a ${expected}`,
    (value) => bytesOf(value) !== undefined,
    (sink, value) => {
      const bytes = bytesOf(value) ?? new Uint8Array();
      if (size === undefined) sink.whole(bytes.length);
      sink.raw(bytes);
    },
  );
}

function bytesFor(value: Json, logical: AvroLogical | undefined, size: number | undefined) {
  if (logical?.kind === "decimal") {
    if (typeof value !== "string" && typeof value !== "number") return undefined;
    const unscaled = decimalOf(value, logical);
    return unscaled.ok ? twosComplement(unscaled.value, size) : undefined;
  }
  if (typeof value !== "string") return undefined;
  if (logical?.kind !== "uuid") return bytesOfBase64(value);
  return isUuid(value) ? Buffer.from(value.replaceAll("-", ""), "hex") : undefined;
}

type Read = (source: Source) => Json;

/** How a type without parts is read as itself, or as one that it is promoted to. */
export function scalarReader(writer: AvroScalar, reader: AvroScalar): Read {
  switch (reader.kind) {
    case "null":
      return () => null;
    case "boolean":
      return (source) => source.byte() !== 0;
    case "int":
    case "long":
      return integralReader(writer, reader);
    case "float":
    case "double":
      return floatingReader(writer, reader.kind);
    case "string":
      return writer.kind === "bytes"
        ? (source) => Buffer.from(source.raw(source.size())).toString("utf8")
        : (source) => source.text();
    case "bytes":
    case "fixed":
      return bytesReader(reader);
    case "enum":
      return writer.kind === "enum" ? enumReader(writer.symbols, reader) : fails("an enum");
  }
}

function integralReader(writer: AvroScalar, reader: AvroScalar): Read {
  const isInt = writer.kind === "int";
  const own = "logical" in reader ? reader.logical : undefined;
  if (own === undefined) return isInt ? (source) => source.int() : (source) => plain(source.long());
  const theirs = "logical" in writer ? writer.logical : undefined;
  const digits = digitsOf(own) - (theirs?.kind === own.kind ? digitsOf(theirs) : digitsOf(own));
  return (source) => {
    const written = BigInt(isInt ? source.int() : source.long());
    const value = digits === 0 ? written : inUnit(written, digits);
    return logicalText(value, own) ?? String(value);
  };
}

function digitsOf(logical: AvroLogical): number {
  return "digits" in logical ? logical.digits : 0;
}

/** The same instant in the reader's unit, which the specification's resolution would move by powers of a thousand. */
function inUnit(value: bigint, digits: number): bigint {
  if (digits > 0) return value * 10n ** BigInt(digits);
  const unit = 10n ** BigInt(-digits);
  return (value - (((value % unit) + unit) % unit)) / unit;
}

function plain(value: number | bigint): Json {
  return typeof value === "number" ? value : String(value);
}

function logicalText(value: bigint, logical: AvroLogical): string | undefined {
  switch (logical.kind) {
    case "date":
      return dateText(value);
    case "time":
      return timeText(value, logical.digits);
    case "timestamp":
    case "local-timestamp":
      return timestampText(value, logical);
    case "decimal":
    case "uuid":
      return undefined;
  }
}

function floatingReader(writer: AvroScalar, kind: "float" | "double"): Read {
  switch (writer.kind) {
    case "int":
      return kind === "float" ? (source) => Math.fround(source.int()) : (source) => source.int();
    case "long":
      return kind === "float"
        ? (source) => Math.fround(Number(source.long()))
        : (source) => Number(source.long());
    case "float":
      return (source) => jsonNumber(source.float());
    default:
      return (source) => jsonNumber(source.double());
  }
}

/** JSON has no text for these, and -0 does not come back from it. */
function jsonNumber(value: number): Json {
  if (Number.isFinite(value)) return value === 0 ? 0 : value;
  return String(value);
}

function bytesReader(reader: AvroFixed | AvroPrimitive): Read {
  const size = reader.kind === "fixed" ? reader.size : undefined;
  const { logical } = reader;
  return (source) => {
    const bytes = source.raw(size ?? source.size());
    if (logical?.kind === "decimal") return decimalText(fromTwosComplement(bytes), logical.scale);
    return logical?.kind === "uuid" ? uuidText(bytes) : base64Of(bytes);
  };
}

function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  const cut = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ];
  return cut.join("-");
}

function enumReader(
  symbols: readonly string[],
  reader: Extract<AvroScalar, { readonly kind: "enum" }>,
): Read {
  const own = new Set(reader.symbols);
  const read = symbols.map((symbol) => (own.has(symbol) ? symbol : reader.default));
  return (source) => {
    const index = source.size();
    const symbol = read[index];
    if (symbol !== undefined) return symbol;
    throw schemaBytes(`symbol ${index} of "${reader.name}" is unknown to the reader`);
  };
}

function fails(expected: string): Read {
  return () => {
    throw schemaBytes(`the reader expects ${expected}`);
  };
}
