import { assertPlain, plainDepthMax } from "../../core/codec.ts";

/**
 * Writes plain values as MessagePack (github.com/msgpack/msgpack, spec.md) and refuses everything else in the same
 * walk. A library's packer after a check of its own costs twice the walk, and states are written at every
 * checkpoint; reading is the library's.
 */
export class PlainEncoder {
  #bytes = Buffer.allocUnsafeSlow(slabBytes);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  /** Where the value at hand begins; everything before it was given away. */
  #start = 0;

  /**
   * The result is the caller's own: a piece of a slab that nothing else is written over. Many small results share
   * one slab, since a buffer of its own for each costs more than writing it. Throws with the path of what cannot
   * be written.
   */
  encode(value: unknown): Uint8Array {
    if (this.#bytes.length - this.#at < slabRestMin) this.#renew(slabBytes);
    this.#start = this.#at;
    if (!this.#write(value, 0)) {
      this.#at = this.#start;
      assertPlain(value);
      throw new Error("the state holds a text that is not well-formed");
    }
    return this.#bytes.subarray(this.#start, this.#at);
  }

  #write(value: unknown, depth: number): boolean {
    if (this.#at + headBytesMax > this.#bytes.length) this.#grow(headBytesMax);
    switch (typeof value) {
      case "number":
        return this.#number(value);
      case "string":
        return this.#text(value);
      case "boolean":
        this.#bytes[this.#at++] = value ? 0xc3 : 0xc2;
        return true;
      case "object":
        if (value === null) {
          this.#bytes[this.#at++] = 0xc0;
          return true;
        }
        if (depth === plainDepthMax) return false;
        return Array.isArray(value)
          ? this.#array(value, depth)
          : this.#record(value as Readonly<Record<string, unknown>>, depth);
      default:
        return false;
    }
  }

  #number(value: number): boolean {
    if ((value | 0) !== value) return this.#double(value);
    if (value === 0 && 1 / value < 0) return false;
    const bytes = this.#bytes;
    if (value >= 0) {
      if (value < 0x80) bytes[this.#at++] = value;
      else if (value < 0x100) {
        bytes[this.#at++] = 0xcc;
        bytes[this.#at++] = value;
      } else if (value < 0x10000) this.#short(0xcd, value);
      else this.#word(0xce, value);
      return true;
    }
    if (value >= -0x20) bytes[this.#at++] = value + 0x100;
    else this.#word(0xd2, value);
    return true;
  }

  /** Also whole numbers beyond 32 bits, such as times: they come back as what they were. */
  #double(value: number): boolean {
    if (value - value !== 0) return false;
    this.#bytes[this.#at] = 0xcb;
    this.#view.setFloat64(this.#at + 1, value);
    this.#at += 9;
    return true;
  }

  #text(value: string): boolean {
    const { length } = value;
    if (length < shortTextMax) {
      if (this.#at + headBytesMax + length > this.#bytes.length) this.#grow(headBytesMax + length);
      const bytes = this.#bytes;
      const start = this.#at;
      let at = start + (length < 0x20 ? 1 : 2);
      for (let index = 0; index < length; index++) {
        const code = value.charCodeAt(index);
        if (code > 0x7f) return this.#longText(value);
        bytes[at++] = code;
      }
      if (length < 0x20) bytes[start] = 0xa0 | length;
      else {
        bytes[start] = 0xd9;
        bytes[start + 1] = length;
      }
      this.#at = at;
      return true;
    }
    return this.#longText(value);
  }

  #longText(value: string): boolean {
    if (!(value as string & { isWellFormed(): boolean }).isWellFormed()) return false;
    const length = Buffer.byteLength(value, "utf8");
    if (this.#at + headBytesMax + length > this.#bytes.length) this.#grow(headBytesMax + length);
    this.#word(0xdb, length);
    this.#at += this.#bytes.write(value, this.#at, "utf8");
    return true;
  }

  #array(value: readonly unknown[], depth: number): boolean {
    const { length } = value;
    if (length < 0x10) this.#bytes[this.#at++] = 0x90 | length;
    else if (length < 0x10000) this.#short(0xdc, length);
    else this.#word(0xdd, length);
    for (let index = 0; index < length; index++)
      if (!this.#write(value[index], depth + 1)) return false;
    return true;
  }

  #record(value: Readonly<Record<string, unknown>>, depth: number): boolean {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return false;
    const keys = Object.keys(value);
    this.#word(0xdf, keys.length);
    for (const key of keys) {
      if (key === "__proto__" || !this.#write(key, depth)) return false;
      if (!this.#write(value[key], depth + 1)) return false;
    }
    return true;
  }

  #short(mark: number, value: number): void {
    this.#bytes[this.#at] = mark;
    this.#view.setUint16(this.#at + 1, value);
    this.#at += 3;
  }

  #word(mark: number, value: number): void {
    this.#bytes[this.#at] = mark;
    this.#view.setInt32(this.#at + 1, value);
    this.#at += 5;
  }

  /** Moves the value at hand to a slab of its own size. */
  #grow(needed: number): void {
    const written = this.#bytes.subarray(this.#start, this.#at);
    this.#renew(Math.max(slabBytes, 2 * (written.length + needed)));
    written.copy(this.#bytes);
    this.#at = written.length;
  }

  #renew(size: number): void {
    this.#bytes = Buffer.allocUnsafeSlow(size);
    this.#view = new DataView(this.#bytes.buffer);
    this.#at = 0;
    this.#start = 0;
  }
}

const slabBytes = 1024 * 1024;
/** Below this a new slab is begun: most states fit, and growing copies what was written. */
const slabRestMin = 16 * 1024;
/** The longest head of a value. */
const headBytesMax = 9;
/** Texts below this are written unit by unit, which is faster than a call into the platform. */
const shortTextMax = 64;
