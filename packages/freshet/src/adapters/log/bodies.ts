import { readPlainJson } from "@freshet/protocol";
import { ByteWriter } from "./payload/byte-writer.ts";

/** Bytes of bodies that are parsed together: bounds the copy and the text. What is larger is parsed by itself. */
const togetherBytesMax = 1024 * 1024;
/** Grows to what that takes. */
const bufferBytesAtFirst = 64 * 1024;
const [open, comma, close] = [0x5b, 0x2c, 0x5d];

/** Where a body is in its batch. */
export interface BodyPlace {
  readonly start: number;
  readonly end: number;
}

let buffer: ByteWriter | undefined;

/**
 * Parses JSON bodies together, as arrays of up to 1 MiB: two hundred of the shop's events take 1.7 us each, and 2.2 us
 * with a call of the parser for each.
 *
 * - P1 gives as many values as there are places, in their order; undefined for those of an array that is no JSON, has
 *   another number of values or an escape in a key, and for what is too large. Whoever needs one of these parses it by
 *   itself.
 * - P2 it relies on each body being one value, which the crc over what our encoder wrote says: two that are halves of
 *   one would pass for two.
 */
export function parseBodies(batch: Buffer, places: readonly BodyPlace[]): readonly unknown[] {
  const values: unknown[] = [];
  while (values.length < places.length) {
    const count = countTogether(places, values.length);
    const group = places.slice(values.length, values.length + count);
    const parsed = count > 1 ? parseTogether(batch, group) : undefined;
    for (let index = 0; index < count; index++)
      values.push(parsed?.length === count ? parsed[index] : undefined);
  }
  return values;
}

/** At least one. */
function countTogether(places: readonly BodyPlace[], first: number): number {
  let bytes = 0;
  let next = first;
  for (; next < places.length; next++) {
    const { start, end } = places[next] as BodyPlace;
    bytes += end - start;
    if (next > first && bytes > togetherBytesMax) break;
  }
  return next - first;
}

function parseTogether(
  batch: Buffer,
  places: readonly BodyPlace[],
): readonly unknown[] | undefined {
  buffer ??= new ByteWriter(bufferBytesAtFirst);
  const out = buffer;
  out.at = 0;
  for (const { start, end } of places) {
    out.byte(out.at === 0 ? open : comma);
    out.room(end - start);
    out.at += batch.copy(out.buffer, out.at, start, end);
  }
  out.byte(close);
  try {
    return readPlainJson(out.buffer.toString("utf8", 0, out.at)) as readonly unknown[] | undefined;
  } catch {
    return undefined;
  }
}
