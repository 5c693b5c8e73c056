import { schemaBytes } from "../error.ts";
import { schemaLimits } from "../limits.ts";

/** Writes Avro's primitive encodings into a buffer that grows. One value at a time: `take` ends it. */
export class Sink {
  #buffer = Buffer.allocUnsafe(1024);
  #at = 0;

  reset(): void {
    this.#at = 0;
  }

  take(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#buffer, 0, this.#at);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }

  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#at++] = value;
  }

  /** Whole numbers that a double holds exactly. */
  whole(value: number): void {
    this.#room(10);
    if (value >= -0x40000000 && value < 0x40000000) {
      let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
      while (zigzag > 127) {
        this.#buffer[this.#at++] = (zigzag & 127) | 128;
        zigzag >>>= 7;
      }
      this.#buffer[this.#at++] = zigzag;
    } else this.long(BigInt(value));
  }

  long(value: bigint): void {
    this.#room(10);
    let zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    while (zigzag > 127n) {
      this.#buffer[this.#at++] = Number(zigzag & 127n) | 128;
      zigzag >>= 7n;
    }
    this.#buffer[this.#at++] = Number(zigzag);
  }

  float(value: number): void {
    this.#room(4);
    this.#at = this.#buffer.writeFloatLE(value, this.#at);
  }

  double(value: number): void {
    this.#room(8);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  text(value: string): void {
    // Most texts are short and plain, and then their length takes one byte.
    const { length } = value;
    if (length < 64) {
      this.#room(1 + length * 3);
      const from = this.#at + 1;
      let at = from;
      let index = 0;
      for (; index < length; index++) {
        const unit = value.charCodeAt(index);
        if (unit > 127) break;
        this.#buffer[at++] = unit;
      }
      if (index === length) {
        this.#buffer[this.#at] = length << 1;
        this.#at = at;
        return;
      }
    }
    const bytes = Buffer.byteLength(value);
    this.whole(bytes);
    this.#room(bytes);
    this.#at += this.#buffer.write(value, this.#at, "utf8");
  }
}

/** Reads Avro's primitive encodings, and nothing beyond the end or beyond the limits. */
export class Source {
  readonly #bytes: Buffer;
  #at = 0;
  #items = 0;
  #read = 0;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    if (bytes.length > schemaLimits.payloadBytesMax)
      throw schemaBytes(
        `the payload is ${bytes.length} bytes, at most ${schemaLimits.payloadBytesMax} are taken`,
      );
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** All bytes belong to the value. */
  end(): void {
    if (this.#at < this.#bytes.length)
      throw schemaBytes(`${this.#bytes.length - this.#at} bytes are left after the value`);
  }

  /** Where the next byte is read from; to read a part again. */
  get position(): number {
    return this.#at;
  }

  set position(at: number) {
    this.#at = at;
  }

  /** What was read that could have no bytes; what was only claimed is not in it. */
  get items(): number {
    return this.#read;
  }

  /** Reads an item of a block. */
  item(): void {
    this.#read++;
  }

  /** Begins a record of so many fields, an array or a map. Records of no bytes could hold any number of each other. */
  enter(fields = 0): void {
    this.#count(1 + fields);
    this.#read += 1 + fields;
    if (++this.#depth > schemaLimits.valueDepthMax)
      throw schemaBytes(`the value is nested more than ${schemaLimits.valueDepthMax} deep`);
  }

  leave(): void {
    this.#depth--;
  }

  /** The number of items in the next block of an array or map; 0 ends it. */
  block(): number {
    let count = this.size();
    if (count < 0) {
      count = -count;
      this.size();
    }
    this.#count(count);
    return count;
  }

  #count(count: number): void {
    this.#items += count;
    if (this.#items > schemaLimits.valueItemsMax)
      throw schemaBytes(`the value has more than ${schemaLimits.valueItemsMax} items`);
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw schemaBytes("the payload ends within a value");
    this.#at++;
    return value;
  }

  /** A long that counts something. */
  size(): number {
    const value = this.long();
    return typeof value === "number" ? value : sizeTooLarge;
  }

  int(): number {
    const value = this.long();
    if (typeof value !== "number" || value < -0x80000000 || value > 0x7fffffff)
      throw schemaBytes("an int has more than 32 bits");
    return value;
  }

  /** A number where a double holds it exactly. */
  long(): number | bigint {
    let zigzag = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      zigzag |= (byte & 127) << shift;
      if (byte < 128) return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    return this.#longRest(BigInt(zigzag));
  }

  #longRest(low: bigint): number | bigint {
    let zigzag = low;
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      if (shift === 63n && byte > 1) break;
      zigzag |= BigInt(byte & 127) << shift;
      if (byte >= 128) continue;
      const value = (zigzag >> 1n) ^ -(zigzag & 1n);
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value;
    }
    throw schemaBytes("a long has more than 64 bits");
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#skip(4));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#skip(8));
  }

  raw(length: number): Uint8Array {
    const from = this.#skip(length);
    return this.#bytes.subarray(from, from + length);
  }

  text(): string {
    const length = this.size();
    const from = this.#skip(length);
    if (length > 24) return this.#bytes.toString("utf8", from, from + length);
    let text = "";
    for (let at = from; at < from + length; at++) {
      const unit = this.#bytes[at] ?? 0;
      if (unit > 127) return this.#bytes.toString("utf8", from, from + length);
      text += String.fromCharCode(unit);
    }
    return text;
  }

  #skip(length: number): number {
    const from = this.#at;
    if (length < 0 || from + length > this.#bytes.length)
      throw schemaBytes("the payload ends within a value");
    this.#at += length;
    return from;
  }
}

/** More than any payload has. */
const sizeTooLarge = 2 ** 52;
