/** Thrown, without a stack, where a value has no place in a schema: its record is written as JSON instead. */
export const misfit: unique symbol = Symbol("misfit");

/** Whole numbers nearer to zero than this have a zigzag form that a double holds exactly; others go as doubles. */
export const wholeMax = 2 ** 52;

/** Levels of values that no schema describes; events nest 32 deep at most. */
export const valueDepthMax = 64;

/** A varint of any number that a double holds exactly. */
const varintBytesMax = 8;
/** One UTF-16 unit takes at most three bytes in UTF-8. */
const utf8BytesPerUnit = 3;
/** Shorter texts are copied unit by unit: calling out for them takes longer. */
const shortTextUnits = 16;

/** Where the length of a text is: Avro writes it zigzag, which doubles it. */
export type LengthShift = 0 | 1;

/**
 * Writes what Avro and Protobuf have in common at the end of a buffer that grows: varints, doubles and texts with
 * their length before them.
 *
 * - W1 Nothing is written past `at`, and `at` is only moved forward by what was written: moving it back forgets.
 */
export class ByteWriter {
  buffer: Buffer;
  at = 0;

  constructor(bytes: number) {
    this.buffer = Buffer.allocUnsafeSlow(bytes);
  }

  /** Makes room for this many more bytes; `buffer` may be another one afterwards. */
  room(bytes: number): void {
    const needed = this.at + bytes;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.at);
    this.buffer = grown;
  }

  byte(value: number): void {
    this.room(1);
    this.buffer[this.at++] = value;
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    this.room(varintBytesMax);
    let rest = value;
    if (value > 0x7fffffff) {
      const low = value & 0xfffffff;
      this.#sevens(low);
      rest = (value - low) / 0x10000000;
    }
    while (rest > 127) {
      this.buffer[this.at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.buffer[this.at++] = rest;
  }

  /** 28 bits, with more to come. */
  #sevens(low: number): void {
    const { buffer, at } = this;
    buffer[at] = (low & 127) | 128;
    buffer[at + 1] = ((low >>> 7) & 127) | 128;
    buffer[at + 2] = ((low >>> 14) & 127) | 128;
    buffer[at + 3] = (low >>> 21) | 128;
    this.at = at + 4;
  }

  /** A whole number nearer to zero than `wholeMax`. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  double(value: number): void {
    this.room(8);
    this.at = this.buffer.writeDoubleLE(value, this.at);
  }

  text(value: string, shift: LengthShift): void {
    const { length } = value;
    this.room(varintBytesMax + length * utf8BytesPerUnit);
    if (length < shortTextUnits && this.#plain(value, shift)) return;
    const expected = varintBytes(length << shift);
    const start = this.at + expected;
    const bytes = this.buffer.write(value, start, "utf8");
    // What UTF-8 cannot say would come back as another text; JSON has a form for it.
    if (bytes !== length && loneSurrogate.test(value)) throw misfit;
    const actual = varintBytes(bytes << shift);
    if (actual !== expected) this.buffer.copyWithin(this.at + actual, start, start + bytes);
    // The room for both was made above.
    this.varint(bytes << shift);
    this.at += bytes;
  }

  /** Begins what has its length in bytes before it; what it returns goes to `end`. */
  begin(): number {
    this.byte(0);
    return this.at;
  }

  /** Most lengths take the one byte that was left for them; longer content moves to make room. */
  end(start: number): void {
    const length = this.at - start;
    const more = varintBytes(length) - 1;
    if (more > 0) {
      this.room(more);
      this.buffer.copyWithin(start + more, start, this.at);
      this.at += more;
    }
    let rest = length;
    for (let at = start - 1; at < start + more; at++) {
      this.buffer[at] = rest > 127 ? (rest & 127) | 128 : rest;
      rest >>>= 7;
    }
  }

  /** False where a unit takes more than one byte; what was written by then is written over. */
  #plain(value: string, shift: LengthShift): boolean {
    const { buffer } = this;
    const { length } = value;
    let at = this.at + 1;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 127) return false;
      buffer[at++] = unit;
    }
    buffer[this.at] = length << shift;
    this.at = at;
    return true;
  }
}

/** In Unicode mode a surrogate matches only where it stands alone. */
const loneSurrogate = /\p{Surrogate}/u;

/** Bytes that the varint of a length takes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest >>>= 7) bytes++;
  return bytes;
}

/** Whether a number goes as a whole one: exactly, and not as 0 where it is -0. */
export function isWhole(value: number): boolean {
  return (
    Number.isInteger(value) &&
    value < wholeMax &&
    value > -wholeMax &&
    (value !== 0 || !Object.is(value, -0))
  );
}
