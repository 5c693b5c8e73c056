import type { JsonObject } from "@freshet/protocol";
import type { AvroLogical } from "./schema.ts";

/** The logical type of a schema object; undefined where it has none, or one that does not fit the type under it. */
export function logicalOf(
  schema: JsonObject,
  kind: string,
  size?: number,
): AvroLogical | undefined {
  const name = schema["logicalType"];
  if (typeof name !== "string") return undefined;
  if (name === "decimal") return decimalOf(schema, kind, size);
  if (name === "uuid") return kind === "string" || size === 16 ? { kind: "uuid" } : undefined;
  const known = integerLogicals.get(`${kind}:${name}`);
  return known;
}

const integerLogicals: ReadonlyMap<string, AvroLogical> = new Map<string, AvroLogical>([
  ["int:date", { kind: "date" }],
  ["int:time-millis", { kind: "time", digits: 3 }],
  ["long:time-micros", { kind: "time", digits: 6 }],
  ["long:timestamp-millis", { kind: "timestamp", digits: 3 }],
  ["long:timestamp-micros", { kind: "timestamp", digits: 6 }],
  ["long:timestamp-nanos", { kind: "timestamp", digits: 9 }],
  ["long:local-timestamp-millis", { kind: "local-timestamp", digits: 3 }],
  ["long:local-timestamp-micros", { kind: "local-timestamp", digits: 6 }],
  ["long:local-timestamp-nanos", { kind: "local-timestamp", digits: 9 }],
]);

function decimalOf(schema: JsonObject, kind: string, size?: number): AvroLogical | undefined {
  const precision = schema["precision"];
  const scale = schema["scale"] ?? 0;
  if (kind !== "bytes" && kind !== "fixed") return undefined;
  if (!isWhole(precision) || !isWhole(scale)) return undefined;
  if (precision < 1 || precision > precisionMax || scale < 0 || scale > precision) return undefined;
  if (size !== undefined && precision > digitsIn(size)) return undefined;
  return { kind: "decimal", precision, scale };
}

/** Beyond it text and integer take noticeable time to turn into each other. */
const precisionMax = 1000;

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}

/** Decimal digits that always fit a two's complement number of this many bytes. */
function digitsIn(bytes: number): number {
  return Math.floor(Math.log10(2) * (8 * bytes - 1));
}
