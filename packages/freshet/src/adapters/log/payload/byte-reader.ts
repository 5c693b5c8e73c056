import type { LengthShift } from "./byte-writer.ts";

/** The bytes are not what any writer of their schema makes. */
export class PayloadDamaged extends Error {
  override readonly name = "PayloadDamaged";
}

/** The bytes may be whole, but a later version has to read them. */
export class PayloadUnknown extends Error {
  override readonly name = "PayloadUnknown";
}

export function damaged(what: string): PayloadDamaged {
  return new PayloadDamaged(what);
}

/** Short texts are looked up before they are made: keys, names and languages come again and again. */
const cachedBytesMax = 20;
const cachedTexts = 4096;

/** Reads what `ByteWriter` writes, and nothing beyond the end of the payload. */
export class ByteReader {
  readonly #bytes: Buffer;
  #end: number;
  at: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.at;
  }

  /** All bytes belong to the value. */
  finish(): void {
    if (this.at !== this.#end) throw damaged(`${this.left} bytes are left after the event`);
  }

  /** What is read from now on ends after this many bytes; returns what `widen` takes to undo it. */
  narrow(bytes: number): number {
    const before = this.#end;
    if (bytes > before - this.at) throw cut();
    this.#end = this.at + bytes;
    return before;
  }

  widen(end: number): void {
    this.#end = end;
  }

  byte(): number {
    if (this.at >= this.#end) throw cut();
    return this.#bytes[this.at++] as number;
  }

  /** A whole number from 0 to 2^53. */
  varint(): number {
    const first = this.byte();
    if (first < 128) return first;
    let value = first & 127;
    let scale = 128;
    for (let index = 0; index < 7; index++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte >= 128) {
        scale *= 128;
        continue;
      }
      if (value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    throw damaged("a number is longer than any that is written");
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A varint that counts things of at least `bytesEach` bytes. */
  count(bytesEach: number, shift: LengthShift): number {
    const count = this.#length(shift);
    if (count * bytesEach > this.left) throw cut();
    return count;
  }

  #length(shift: LengthShift): number {
    const value = this.varint();
    if (shift === 0) return value;
    if (value % 2 === 1) throw damaged("a length is negative");
    return value / 2;
  }

  double(): number {
    const { at } = this;
    if (at + 8 > this.#end) throw cut();
    this.at = at + 8;
    const value = this.#bytes.readDoubleLE(at);
    if (!Number.isFinite(value)) throw damaged("a number is none");
    return value;
  }

  bytes(length: number): Uint8Array {
    const { at } = this;
    if (at + length > this.#end) throw cut();
    this.at = at + length;
    return this.#bytes.subarray(at, at + length);
  }

  text(shift: LengthShift): string {
    const length = this.#length(shift);
    const { at } = this;
    if (at + length > this.#end) throw cut();
    this.at = at + length;
    if (length > cachedBytesMax) return this.#bytes.toString("utf8", at, at + length);
    return this.#cached(at, length);
  }

  #cached(at: number, length: number): string {
    const bytes = this.#bytes;
    let hash = length;
    for (let index = at; index < at + length; index++)
      hash = (Math.imul(hash, 31) + (bytes[index] as number)) | 0;
    const slot = hash & (cachedTexts - 1);
    const known = cache[slot];
    if (known !== undefined && isText(bytes, at, length, known)) return known;
    const text = bytes.toString("utf8", at, at + length);
    // Only what has a byte for each unit can be held against the bytes again.
    if (text.length === length) cache[slot] = text;
    return text;
  }
}

const cache: (string | undefined)[] = Array.from({ length: cachedTexts }, () => undefined);

function isText(bytes: Buffer, at: number, length: number, text: string): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++)
    if (text.charCodeAt(index) !== bytes[at + index]) return false;
  return true;
}

function cut(): PayloadDamaged {
  return damaged("the payload ends within a value");
}

/** Sets a key of an object that is being made; an assignment would take this one for a prototype. */
export function put<Value>(object: { [key: string]: Value }, key: string, value: Value): void {
  if (key === "__proto__")
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  else object[key] = value;
}
