import { assertPlain, plainDepthMax } from "../../core/codec.ts";

/**
 * Writes plain values as MessagePack (github.com/msgpack/msgpack, spec.md) and refuses everything else in the same
 * walk. A library's packer after a check of its own costs twice the walk, and states are written at every
 * checkpoint; reading is the library's.
 *
 * Results are pieces of slabs and stay as they are until `recycle`, after which the slabs are written over. Buffers
 * of their own would be gigabytes a minute outside of the heap, each of which makes V8 collect all of it early.
 */
export interface PlainEncoder {
  /** Throws with the path of what cannot be written. */
  encode(value: unknown): Uint8Array;
  /** Says that no earlier result is needed any more. */
  recycle(): void;
}

export function createPlainEncoder(): PlainEncoder {
  // Variables of a closure rather than fields of an object: this is the hottest loop of a checkpoint.
  let bytes = Buffer.allocUnsafeSlow(slabBytes);
  let view = new DataView(bytes.buffer);
  let at = 0;
  let start = 0;
  /** Full slabs, and those that may be written over. */
  let full: Buffer<ArrayBuffer>[] = [];
  let free: Buffer<ArrayBuffer>[] = [];

  /** Moves the value at hand to a slab of its own size. */
  function grow(needed: number): void {
    const written = bytes.subarray(start, at);
    renew(Math.max(slabBytes, 2 * (written.length + needed)));
    written.copy(bytes);
    at = written.length;
  }

  function renew(size: number): void {
    full.push(bytes);
    bytes = (size === slabBytes ? free.pop() : undefined) ?? Buffer.allocUnsafeSlow(size);
    view = new DataView(bytes.buffer);
    at = 0;
    start = 0;
  }

  function write(value: unknown, depth: number): boolean {
    if (at + headBytesMax > bytes.length) grow(headBytesMax);
    if (typeof value === "number") return writeNumber(value);
    if (typeof value === "string") return writeText(value);
    if (value === null) {
      bytes[at++] = 0xc0;
      return true;
    }
    if (typeof value === "boolean") {
      bytes[at++] = value ? 0xc3 : 0xc2;
      return true;
    }
    if (typeof value !== "object" || depth === plainDepthMax) return false;
    if (Array.isArray(value)) return writeArray(value, depth);
    return writeRecord(value as Readonly<Record<string, unknown>>, depth);
  }

  function writeNumber(value: number): boolean {
    if ((value | 0) !== value) {
      // Also whole numbers beyond 32 bits, such as times: they come back as what they were.
      if (value - value !== 0) return false;
      bytes[at] = 0xcb;
      view.setFloat64(at + 1, value);
      at += 9;
      return true;
    }
    if (value === 0 && 1 / value < 0) return false;
    if (value >= 0) {
      if (value < 0x80) bytes[at++] = value;
      else if (value < 0x100) {
        bytes[at++] = 0xcc;
        bytes[at++] = value;
      } else if (value < 0x10000) writeShort(0xcd, value);
      else writeWord(0xce, value);
      return true;
    }
    if (value >= -0x20) bytes[at++] = value + 0x100;
    else writeWord(0xd2, value);
    return true;
  }

  function writeText(value: string): boolean {
    const { length } = value;
    if (length >= shortTextMax) return writeLongText(value);
    if (at + headBytesMax + length > bytes.length) grow(headBytesMax + length);
    const begin = at;
    let next = begin + (length < 0x20 ? 1 : 2);
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) return writeLongText(value);
      bytes[next++] = code;
    }
    if (length < 0x20) bytes[begin] = 0xa0 | length;
    else {
      bytes[begin] = 0xd9;
      bytes[begin + 1] = length;
    }
    at = next;
    return true;
  }

  function writeLongText(value: string): boolean {
    if (!(value as string & { isWellFormed(): boolean }).isWellFormed()) return false;
    const length = Buffer.byteLength(value, "utf8");
    if (at + headBytesMax + length > bytes.length) grow(headBytesMax + length);
    writeWord(0xdb, length);
    at += bytes.write(value, at, "utf8");
    return true;
  }

  function writeArray(value: readonly unknown[], depth: number): boolean {
    const { length } = value;
    if (length < 0x10) bytes[at++] = 0x90 | length;
    else if (length < 0x10000) writeShort(0xdc, length);
    else writeWord(0xdd, length);
    for (let index = 0; index < length; index++) if (!write(value[index], depth + 1)) return false;
    return true;
  }

  function writeRecord(value: Readonly<Record<string, unknown>>, depth: number): boolean {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return false;
    const keys = Object.keys(value);
    writeWord(0xdf, keys.length);
    for (const key of keys)
      if (key === "__proto__" || !write(key, depth) || !write(value[key], depth + 1)) return false;
    return true;
  }

  function writeShort(mark: number, value: number): void {
    bytes[at] = mark;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value;
    at += 3;
  }

  function writeWord(mark: number, value: number): void {
    bytes[at] = mark;
    view.setInt32(at + 1, value);
    at += 5;
  }

  return {
    encode(value) {
      if (bytes.length - at < slabRestMin) renew(slabBytes);
      start = at;
      if (!write(value, 0)) {
        at = start;
        assertPlain(value);
        throw new Error("the state holds a text that is not well-formed");
      }
      return bytes.subarray(start, at);
    },
    recycle() {
      const kept = full.filter((slab) => slab.length === slabBytes);
      free = [...free, ...kept].slice(0, freeSlabsMax);
      full = [];
      at = 0;
    },
  };
}

const slabBytes = 1024 * 1024;
/** Slabs kept for the next checkpoint: 32 MiB hold about 20,000 states. */
const freeSlabsMax = 32;
/** Below this a new slab is begun: most states fit, and growing copies what was written. */
const slabRestMin = 16 * 1024;
/** The longest head of a value. */
const headBytesMax = 9;
/** Texts below this are written unit by unit, which is faster than a call into the platform. */
const shortTextMax = 64;
