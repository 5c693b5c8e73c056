import type { Json } from "@freshet/protocol";

/**
 * How many characters a decoded value has as JSON, but for escapes; counts no further than past `max`. A few bytes may
 * stand for a long text of the schema, again and again, so that writing the JSON to measure it could take all memory.
 */
export function charsOf(value: Json, max: number, depth = 0): number {
  switch (typeof value) {
    case "string":
      return value.length + 2;
    case "object":
      return value === null || depth > depthMax ? nullChars : containerChars(value, max, depth);
    default:
      return scalarChars;
  }
}

/** Above what Avro and Protobuf may nest. JSON nests as deep as it is long, and is no longer than what was sent. */
const depthMax = 128;
const nullChars = 4;
/** Most numbers are shorter, and none is longer. */
const scalarChars = 24;

type Container = Exclude<Json, null | boolean | number | string>;

function containerChars(container: Container, max: number, depth: number): number {
  let chars = 2;
  if (Array.isArray(container)) {
    for (const item of container as readonly Json[]) {
      chars += 1 + charsOf(item, max - chars, depth + 1);
      if (chars > max) break;
    }
    return chars;
  }
  for (const key in container) {
    const value = (container as { readonly [key: string]: Json })[key] ?? null;
    chars += key.length + 4 + charsOf(value, max - chars, depth + 1);
    if (chars > max) break;
  }
  return chars;
}
