import type { Database, Transaction } from "lmdb";
import { type PieceEntry, PieceMemory, PieceWriter, readPiece } from "./piece.ts";

type Table = Database<Uint8Array, Uint8Array>;

/** Where a run has the value of a key. */
interface Place {
  readonly piece: number;
  readonly at: number;
  /** Null where the key was deleted. */
  readonly length: number | null;
}

/** Pieces `first` to `last`; the oldest may have moved on. */
interface Run {
  readonly first: number;
  readonly last: number;
}

/** What one transaction does to the runs. */
interface Work {
  readonly full: readonly { readonly id: number; readonly bytes: Buffer<ArrayBuffer> }[];
  readonly garbage: readonly number[];
  readonly moves: readonly Move[];
  /** To be marked. */
  readonly run: Run | null;
}

/** A piece on its way to the tree, with the entries that no newer run has. */
interface Move {
  readonly id: number;
  /** What the values are parts of; given back when they are in the tree. */
  readonly bytes: Buffer<ArrayBuffer>;
  readonly entries: readonly { readonly key: string; readonly value: Uint8Array | null }[];
}

export interface RunsOptions {
  /** Holds pieces and marks. */
  readonly table: Table;
  /** Where values come to rest, one to a key. */
  readonly tree: Table;
  /** Values stay in runs while these have fewer bytes: what is written again in that time never comes to the tree. */
  readonly runBytesMin: number;
}

/** One transaction's part; `done` or `failed` is called when it is over. */
export interface Prepared {
  readonly bytesMax: number;
  write(): void;
  done(): void;
  failed(): void;
}

/**
 * The state table as LMDB has it. States lie under random keys, and in a tree each takes a page of 4 KiB to write, at
 * a random place, all at once when a checkpoint commits. So a checkpoint writes them as a run of pieces, bit by bit
 * as they are encoded, and they move on from the oldest run into the tree, a few with each piece that is written.
 *
 * - R1 A run is visible when its mark is there, which the commit that it belongs to writes. Pieces that a crash or a
 *   failed commit left without a mark go with a later transaction.
 * - R2 A key's value is that of the newest visible run that has it, else that of the tree.
 * - R3 A piece goes in the transaction that moves its values to the tree, which no reader can tell. Values that a
 *   newer run has do not move.
 * - R4 With each piece that is written two may move on, so that the runs stay below `runBytesMin` and twice the
 *   largest checkpoint.
 */
export class Runs {
  readonly #options: RunsOptions;
  /** Of what is visible. */
  #places = new Map<string, Place>();
  #runs: Run[] = [];
  /** Bytes of visible and staged pieces by id, oldest first. */
  #pieces = new Map<number, number>();
  #bytes = 0;
  #nextPiece = 0;
  readonly #moving = new Set<number>();
  #garbage: number[] = [];
  /** What no commit has shown yet. */
  #staged: (readonly [key: string, place: Place])[] = [];
  #stagedFirst = 0;
  readonly #memory = new PieceMemory();
  #writer = new PieceWriter(this.#memory);
  #full: Work["full"][number][] = [];

  constructor(options: RunsOptions) {
    this.#options = options;
    this.load();
  }

  /** Reads what is visible on disk. */
  load(): void {
    const { table } = this.#options;
    this.#places = new Map();
    this.#pieces = new Map();
    this.#bytes = 0;
    this.#runs = [...table.getRange({ start: markKey(0) })].map(({ key, value }) => ({
      first: Buffer.from(value).readUInt32BE(0),
      last: idOf(key),
    }));
    this.#nextPiece = (this.#runs.at(-1)?.last ?? -1) + 1;
    this.#garbage = [];
    for (const { key, value } of table.getRange({ end: markKey(0) })) {
      const id = idOf(key);
      this.#nextPiece = Math.max(this.#nextPiece, id + 1);
      if (this.#runs.some(({ first, last }) => first <= id && id <= last)) {
        for (const entry of readPiece(viewOf(value)))
          this.#places.set(entry.key, placeOf(id, entry));
        this.#count(id, value.length);
      } else this.#garbage.push(id);
    }
    this.#stagedFirst = this.#nextPiece;
  }

  #count(id: number, bytes: number): void {
    this.#pieces.set(id, bytes);
    this.#bytes += bytes;
  }

  #uncount(id: number): void {
    this.#bytes -= this.#pieces.get(id) ?? 0;
    this.#pieces.delete(id);
  }

  /** True where another process has written since `load`. */
  isOutdated(): boolean {
    const { table } = this.#options;
    const [newest] = [...table.getKeys({ reverse: true, limit: 1 })];
    const [oldest] = [...table.getKeys({ limit: 1 })];
    const last = newest !== undefined && newest[0] === markFlag ? idOf(newest) : -1;
    const first = oldest !== undefined && oldest[0] !== markFlag ? idOf(oldest) : -1;
    const [known = -1] = this.#pieces.keys();
    return last !== (this.#runs.at(-1)?.last ?? -1) || first !== known;
  }

  get(key: string, keyBytes: Buffer): Uint8Array | undefined {
    const place = this.#places.get(key);
    return place === undefined
      ? this.#options.tree.getBinary(keyBytes)
      : this.#read(place, keyBytes, {});
  }

  #read(
    { piece, at, length }: Place,
    keyBytes: Buffer,
    snapshot: { readonly transaction?: Transaction },
  ): Uint8Array | undefined {
    if (length === null) return undefined;
    const { table, tree } = this.#options;
    const bytes = readAt(table, pieceKey(piece), snapshot);
    // It has moved on, and the promise of that transaction has not resolved (R3).
    if (bytes === undefined) return readAt(tree, keyBytes, snapshot);
    return bytes.slice(at, at + length);
  }

  /** What runs have at the moment of a transaction, to be read later; undefined is a deleted key. */
  entriesAt(transaction: Transaction): RunEntry[] {
    return [...this.#places].map(([text, place]) => {
      const key = Buffer.from(text, "utf8");
      return { key, value: () => this.#read(place, key, { transaction }) };
    });
  }

  /** Number of keys, where the tree has `treeCount`. Asks the tree about each key in the runs. */
  count(treeCount: number): number {
    let count = treeCount;
    for (const [key, { length }] of this.#places) {
      const isInTree = this.#options.tree.doesExist(Buffer.from(key, "utf8"));
      if (isInTree !== (length !== null)) count += isInTree ? -1 : 1;
    }
    return count;
  }

  /** Takes an entry for the run that the next commit shows. The value is copied with its piece. */
  stage(key: string, keyBytes: Buffer, value: Uint8Array | null): void {
    if (!this.#writer.hasRoom(keyBytes, value)) this.#finishPiece();
    this.#writer.add(key, keyBytes, value);
  }

  #finishPiece(): void {
    if (this.#writer.isEmpty) return;
    const { bytes, entries } = this.#writer.take();
    const id = this.#nextPiece++;
    for (const entry of entries) this.#staged.push([entry.key, placeOf(id, entry)]);
    this.#full.push({ id, bytes });
    this.#count(id, bytes.length);
  }

  /** Full pieces that wait for a transaction. */
  get waiting(): number {
    return this.#full.length;
  }

  /** What the next transaction is to write; a commit closes the run and shows it. */
  prepare(kind: "stage" | "commit"): Prepared {
    if (kind === "commit") this.#finishPiece();
    const run = { first: this.#stagedFirst, last: this.#nextPiece - 1 };
    const work: Work = {
      full: this.#full,
      garbage: this.#garbage,
      moves: this.#pickMoves(this.#full.length * movesPerPiece),
      run: kind === "commit" && this.#staged.length > 0 ? run : null,
    };
    this.#full = [];
    this.#garbage = [];
    return {
      bytesMax: bytesMaxOf(work),
      write: () => this.#write(work),
      done: () => this.#done(work),
      failed: () => {
        this.#garbage.push(...work.garbage);
        for (const { id } of work.moves) this.#moving.delete(id);
      },
    };
  }

  /** The oldest pieces that are visible, while there is more than should stay. */
  #pickMoves(piecesMax: number): Move[] {
    const moves: Move[] = [];
    let left = this.#bytes;
    for (const [id, bytes] of this.#pieces) {
      if (moves.length >= piecesMax || left <= this.#options.runBytesMin) break;
      if (id >= this.#stagedFirst) break;
      left -= bytes;
      if (this.#moving.has(id)) continue;
      this.#moving.add(id);
      moves.push(this.#moveOf(id));
    }
    return moves;
  }

  #moveOf(id: number): Move {
    const piece = this.#options.table.getBinaryFast(pieceKey(id));
    if (piece === undefined) throw new Error(`piece ${id} of the state is not there`);
    const bytes = this.#memory.copyOf(piece);
    const entries = readPiece(bytes)
      .filter(({ key }) => this.#places.get(key)?.piece === id)
      .map(({ key, at, length }) => ({
        key,
        value: length === null ? null : bytes.subarray(at, at + length),
      }));
    return { id, bytes, entries };
  }

  #write({ full, garbage, moves, run }: Work): void {
    const { table, tree } = this.#options;
    for (const { id, bytes } of full) table.put(pieceKey(id), bytes);
    for (const id of garbage) table.remove(pieceKey(id));
    for (const { id, entries } of moves) {
      for (const { key, value } of entries) {
        if (value === null) tree.remove(Buffer.from(key, "utf8"));
        else tree.put(Buffer.from(key, "utf8"), value);
      }
      table.remove(pieceKey(id));
      if (this.#runs.some(({ last }) => last === id)) table.remove(markKey(id));
    }
    if (run === null) return;
    const first = Buffer.alloc(4);
    first.writeUInt32BE(run.first);
    table.put(markKey(run.last), first);
  }

  #done({ full, moves, run }: Work): void {
    for (const { bytes } of full) this.#memory.giveBack(bytes);
    for (const { id, bytes, entries } of moves) {
      this.#memory.giveBack(bytes);
      for (const { key } of entries)
        if (this.#places.get(key)?.piece === id) this.#places.delete(key);
      this.#moving.delete(id);
      this.#uncount(id);
      this.#runs = this.#runs.filter(({ last }) => last !== id);
    }
    if (run === null) return;
    for (const [key, place] of this.#staged) this.#places.set(key, place);
    this.#runs.push(run);
    this.#staged = [];
    this.#stagedFirst = this.#nextPiece;
  }

  /** Drops what no commit has shown. No transaction may be under way. */
  unstage(): void {
    for (let id = this.#stagedFirst; id < this.#nextPiece; id++) {
      this.#garbage.push(id);
      this.#uncount(id);
    }
    this.#full = [];
    this.#staged = [];
    this.#writer = new PieceWriter(this.#memory);
    this.#stagedFirst = this.#nextPiece;
  }
}

export interface RunEntry {
  readonly key: Buffer;
  value(): Uint8Array | undefined;
}

const movesPerPiece = 2;
/** A value that moves copies its leaf in the tree and, split, one more. */
const treeBytesOfMoveMax = 2 * 4096;
const markFlag = 1;

function bytesMaxOf({ full, moves }: Work): number {
  let bytes = 0;
  for (const piece of full) bytes += piece.bytes.length + 4096;
  for (const { entries } of moves)
    for (const { value } of entries) bytes += treeBytesOfMoveMax + (value?.length ?? 0);
  return bytes;
}

function placeOf(piece: number, { at, length }: PieceEntry): Place {
  return { piece, at, length };
}

function readAt(
  table: Table,
  key: Uint8Array,
  snapshot: { readonly transaction?: Transaction },
): Uint8Array | undefined {
  return snapshot.transaction === undefined
    ? table.getBinary(key)
    : table.get(key, { transaction: snapshot.transaction });
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function pieceKey(id: number): Buffer {
  const key = Buffer.alloc(5);
  key.writeUInt32BE(id, 1);
  return key;
}

function markKey(id: number): Buffer {
  const key = pieceKey(id);
  key[0] = markFlag;
  return key;
}

function idOf(key: Uint8Array): number {
  return Buffer.from(key).readUInt32BE(1);
}
