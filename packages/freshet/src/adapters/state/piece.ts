/**
 * A piece: several entries of the state table in one value.
 *
 * | bytes | what |
 * | --- | --- |
 * | 2 | number of entries |
 * | 6 each | bytes of the key (2), bytes of the value (4; 0xffffffff: the key was deleted) |
 * | | all keys, then all values |
 */
export interface PieceEntry {
  readonly key: string;
  /** Where the value begins in the piece. */
  readonly at: number;
  /** Null where the key was deleted. */
  readonly length: number | null;
}

/** Four pages of LMDB with their header: freed pieces are of one size, so that new ones fit where they were. */
export const pieceBytes = 4 * 4096 - 16;

const headBytes = 2;
const entryBytes = 6;
const deleted = 0xffff_ffff;

interface Waiting {
  readonly key: string;
  readonly keyBytes: Buffer;
  readonly value: Uint8Array | null;
}

/** Pieces' worth of memory that waits to be used again, 4 MiB: more is in flight only while a disk is slow. */
const sparesMax = 256;

/**
 * Memory of pieces, used again. Sixteen megabytes a second outside of the heap would make V8 collect all of it every
 * few seconds, 200 ms each.
 */
export class PieceMemory {
  #spares: Buffer<ArrayBuffer>[] = [];

  /** Of exactly this length. */
  take(length: number): Buffer<ArrayBuffer> {
    if (length > pieceBytes) return Buffer.allocUnsafeSlow(length);
    return (this.#spares.pop() ?? Buffer.allocUnsafeSlow(pieceBytes)).subarray(0, length);
  }

  /** Of what `getBinaryFast` gave, which lasts until the next get, in a buffer longer than it says. */
  copyOf(piece: Buffer): Buffer<ArrayBuffer> {
    const { length } = piece;
    const copy = this.take(length);
    copy.set(piece.subarray(0, length));
    return copy;
  }

  /** What `take` or `copyOf` gave, and nobody reads any more. */
  giveBack({ buffer }: Buffer<ArrayBuffer>): void {
    if (buffer.byteLength !== pieceBytes || this.#spares.length >= sparesMax) return;
    this.#spares.push(Buffer.from(buffer));
  }
}

/** Gathers entries until a piece is full. The values must not change until `take`. */
export class PieceWriter {
  readonly #memory: PieceMemory;
  #waiting: Waiting[] = [];
  #bytes = headBytes;

  constructor(memory: PieceMemory) {
    this.#memory = memory;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** False where the entry does not fit beside those that are there; alone in a piece it may have any size. */
  hasRoom(keyBytes: Buffer, value: Uint8Array | null): boolean {
    return this.isEmpty || this.#bytes + sizeOf(keyBytes, value) <= pieceBytes;
  }

  add(key: string, keyBytes: Buffer, value: Uint8Array | null): void {
    this.#waiting.push({ key, keyBytes, value });
    this.#bytes += sizeOf(keyBytes, value);
  }

  /** The piece, with what is where in it; then it begins anew. */
  take(): { readonly bytes: Buffer<ArrayBuffer>; readonly entries: readonly PieceEntry[] } {
    const bytes = this.#memory.take(this.#bytes);
    bytes.writeUInt16LE(this.#waiting.length, 0);
    let head = headBytes;
    let at = headBytes + this.#waiting.length * entryBytes;
    for (const { keyBytes, value } of this.#waiting) {
      bytes.writeUInt16LE(keyBytes.length, head);
      bytes.writeUInt32LE(value === null ? deleted : value.length, head + 2);
      head += entryBytes;
      bytes.set(keyBytes, at);
      at += keyBytes.length;
    }
    const entries: PieceEntry[] = [];
    for (const { key, value } of this.#waiting) {
      entries.push({ key, at, length: value === null ? null : value.length });
      if (value === null) continue;
      bytes.set(value, at);
      at += value.length;
    }
    this.#waiting = [];
    this.#bytes = headBytes;
    return { bytes, entries };
  }
}

function sizeOf(keyBytes: Buffer, value: Uint8Array | null): number {
  return entryBytes + keyBytes.length + (value?.length ?? 0);
}

export function readPiece(piece: Buffer): PieceEntry[] {
  const count = piece.readUInt16LE(0);
  const heads = Array.from({ length: count }, (_, index) => headBytes + index * entryBytes);
  let at = headBytes + count * entryBytes;
  const keys = heads.map((head) => {
    const start = at;
    at += piece.readUInt16LE(head);
    return piece.toString("utf8", start, at);
  });
  return heads.map((head, index) => {
    const bytes = piece.readUInt32LE(head + 2);
    const entry = { key: keys[index] as string, at, length: bytes === deleted ? null : bytes };
    at += entry.length ?? 0;
    return entry;
  });
}
