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
  /** The same bytes as a text of one character each, which lasts. */
  encodeText(value: unknown): string;
  /** Of such a text, the bytes. */
  bytesOf(text: string): Uint8Array;
  /** Says that no earlier result of `encode` and `bytesOf` is needed any more. */
  recycle(): void;
}

/**
 * Each of the functions inside writes at a position and returns the next one, or one of `cannot` and `noRoom`: the
 * hottest loop of a checkpoint keeps its position in a register.
 */
export function createPlainEncoder(): PlainEncoder {
  let bytes = Buffer.allocUnsafeSlow(slabBytes);
  let view = new DataView(bytes.buffer);
  let free = 0;
  /** Full slabs, and those that may be written over. */
  let full: Buffer<ArrayBuffer>[] = [];
  let spare: Buffer<ArrayBuffer>[] = [];

  function renew(size: number): void {
    full.push(bytes);
    bytes = (size === slabBytes ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(size);
    view = new DataView(bytes.buffer);
    free = 0;
  }

  function write(value: unknown, at: number, depth: number): number {
    if (at + headBytesMax > bytes.length) return noRoom;
    if (typeof value === "number") return writeNumber(value, at);
    if (typeof value === "string") return writeText(value, at);
    if (value === null) {
      bytes[at] = 0xc0;
      return at + 1;
    }
    if (typeof value === "boolean") {
      bytes[at] = value ? 0xc3 : 0xc2;
      return at + 1;
    }
    if (typeof value !== "object" || depth === plainDepthMax) return cannot;
    if (Array.isArray(value)) return writeArray(value, at, depth);
    return writeRecord(value as Readonly<Record<string, unknown>>, at, depth);
  }

  function writeNumber(value: number, at: number): number {
    const target = bytes;
    if ((value | 0) !== value) {
      // Also whole numbers beyond 32 bits, such as times: they come back as what they were.
      if (value - value !== 0) return cannot;
      target[at] = 0xcb;
      view.setFloat64(at + 1, value);
      return at + 9;
    }
    if (value > 0) {
      if (value < 0x80) {
        target[at] = value;
        return at + 1;
      }
      if (value < 0x100) {
        target[at] = 0xcc;
        target[at + 1] = value;
        return at + 2;
      }
      return value < 0x10000 ? writeShort(0xcd, value, at) : writeWord(0xce, value, at);
    }
    if (value === 0 && 1 / value < 0) return cannot;
    if (value < -0x20) return writeWord(0xd2, value, at);
    target[at] = value < 0 ? value + 0x100 : 0;
    return at + 1;
  }

  function writeText(value: string, at: number): number {
    const { length } = value;
    if (length >= shortTextMax) return writeLongText(value, at);
    const target = bytes;
    if (at + 2 + length > target.length) return noRoom;
    let next = at + (length < 0x20 ? 1 : 2);
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) return writeLongText(value, at);
      target[next++] = code;
    }
    if (length < 0x20) target[at] = 0xa0 | length;
    else {
      target[at] = 0xd9;
      target[at + 1] = length;
    }
    return next;
  }

  function writeLongText(value: string, at: number): number {
    if (!(value as string & { isWellFormed(): boolean }).isWellFormed()) return cannot;
    const length = Buffer.byteLength(value, "utf8");
    if (at + headBytesMax + length > bytes.length) return noRoom;
    const next = writeWord(0xdb, length, at);
    return next + bytes.write(value, next, "utf8");
  }

  function writeArray(value: readonly unknown[], at: number, depth: number): number {
    const { length } = value;
    let next = at;
    if (length < 0x10) bytes[next++] = 0x90 | length;
    else if (length < 0x10000) next = writeShort(0xdc, length, next);
    else next = writeWord(0xdd, length, next);
    for (let index = 0; index < length; index++) {
      next = write(value[index], next, depth + 1);
      if (next < 0) return next;
    }
    return next;
  }

  function writeRecord(
    value: Readonly<Record<string, unknown>>,
    at: number,
    depth: number,
  ): number {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return cannot;
    const keys = Object.keys(value);
    let next = writeWord(0xdf, keys.length, at);
    for (const key of keys) {
      if (key === "__proto__") return cannot;
      next = write(key, next, depth);
      if (next >= 0) next = write(value[key], next, depth + 1);
      if (next < 0) return next;
    }
    return next;
  }

  function writeShort(mark: number, value: number, at: number): number {
    bytes[at] = mark;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value;
    return at + 3;
  }

  function writeWord(mark: number, value: number, at: number): number {
    bytes[at] = mark;
    view.setInt32(at + 1, value);
    return at + 5;
  }

  /** What does not fit is begun anew in a slab of twice the size. */
  function writeWhole(value: unknown): number {
    for (;;) {
      const end = write(value, free, 0);
      if (end !== noRoom) return end;
      renew(free === 0 ? bytes.length * 2 : slabBytes);
    }
  }

  /** Where what was written ends; it begins at `free`. */
  function endOf(value: unknown): number {
    if (bytes.length - free < slabRestMin) renew(slabBytes);
    const end = writeWhole(value);
    if (end !== cannot) return end;
    assertPlain(value);
    throw new Error("the state holds a text that is not well-formed");
  }

  function take(end: number): Uint8Array {
    const taken = bytes.subarray(free, end);
    free = end;
    return taken;
  }

  return {
    encode: (value) => take(endOf(value)),
    encodeText: (value) => {
      const end = endOf(value);
      return bytes.toString("latin1", free, end);
    },
    bytesOf(text) {
      const { length } = text;
      if (bytes.length - free < length) renew(Math.max(slabBytes, length));
      bytes.write(text, free, "latin1");
      return take(free + length);
    },
    recycle() {
      const kept = full.filter((slab) => slab.length === slabBytes);
      spare = [...spare, ...kept].slice(0, spareSlabsMax);
      full = [];
      free = 0;
    },
  };
}

const cannot = -1;
const noRoom = -2;

const slabBytes = 1024 * 1024;
/** Slabs kept for the next checkpoint: 32 MiB hold about 20,000 states. */
const spareSlabsMax = 32;
/** Below this a new slab is begun: most states fit, and what does not is written twice. */
const slabRestMin = 16 * 1024;
/** The longest head of a value. */
const headBytesMax = 9;
/** Texts below this are written unit by unit, which is faster than a call into the platform. */
const shortTextMax = 64;
