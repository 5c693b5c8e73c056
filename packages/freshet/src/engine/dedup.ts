import { hash128Into } from "../core/hash.ts";

/**
 * The deduplication window: exact over a stated time of log clock (DESIGN 3, rule 4).
 *
 * An id is kept as 128 bits (64 of the message id, 64 of its scope and the id) with the offset it was first
 * seen at, 24 bytes in an open-addressing table: 32 to 80 bytes per id, and at most 120 right after a table grew that
 * had expired ids in it.
 *
 * - D1 an id is found again as long as the clock has not moved more than the window past it.
 * - D2 an entry is expired by its offset: offsets grow with the clock, so one number ends the window.
 * - D3 a duplicate does not renew its entry.
 * - D4 past the capacity the window shrinks, and `shrunk` says so: never silently.
 */
export class DedupWindow {
  readonly #shards: Shard[];
  readonly #windowMs: number;
  readonly #sliceMs: number;
  readonly #idsMax: number;
  /** When each slice of time began, as (clock, first offset), oldest first. */
  #slices: SliceStart[] = [];
  #startOffset = 0;
  readonly #scratch = new Uint32Array(8);
  shrunk = 0;

  constructor(options: DedupOptions) {
    this.#windowMs = options.windowMs;
    this.#sliceMs = Math.max(1, Math.ceil(options.windowMs / slicesPerWindow));
    this.#idsMax = options.idsMax;
    this.#shards = Array.from(
      { length: shardCount },
      (_, index) => new Shard(shardSlotsMin, fullShareOf(index)),
    );
  }

  /** Offset at which the id was first seen, or null after taking it in. */
  take(scope: string, messageId: string, position: DedupPosition): number | null {
    this.#advance(position);
    const hash = this.#hash(scope, messageId);
    const shard = this.#shardOf(hash);
    const known = shard.find(hash, this.#startOffset);
    if (known !== null) return known;
    this.#insert(shard, hash, position.offset);
    return null;
  }

  /** Offsets of all ids inside the window that are this message id, whatever their scope. */
  offsetsOf(messageId: string): number[] {
    const hash = this.#hash("", messageId);
    return this.#shardOf(hash).offsetsOf(hash, this.#startOffset);
  }

  /** The hash that `take` last worked with, for the run that the next checkpoint writes. */
  lastHash(): Uint32Array {
    return this.#scratch;
  }

  /** The hash of an id, as `lastHash` has it for the last one that was taken. */
  hashOf(scope: string, messageId: string): Uint32Array {
    return this.#hash(scope, messageId);
  }

  /** Frees an id that was just taken in: its event was rejected after all. */
  forget(hash: Uint32Array = this.#scratch): void {
    this.#shardOf(hash).forget(hash);
  }

  /** Takes in an entry that a checkpoint kept. */
  restore(hash: Uint32Array, offset: number): void {
    this.#insert(this.#shardOf(hash), hash, offset);
  }

  get size(): number {
    let size = 0;
    for (const shard of this.#shards) size += shard.size;
    return size;
  }

  get bytes(): number {
    let bytes = 0;
    for (const shard of this.#shards) bytes += shard.bytes;
    return bytes;
  }

  /** Entries before this offset have left the window. */
  get startOffset(): number {
    return this.#startOffset;
  }

  get slices(): readonly SliceStart[] {
    return this.#slices;
  }

  restoreSlices(slices: readonly SliceStart[], startOffset: number, shrunk: number): void {
    this.shrunk = shrunk;
    this.#slices = [...slices];
    this.#startOffset = startOffset;
  }

  /** Milliseconds that the window really reaches back from `clock`. */
  reachMs(clock: number): number {
    const oldest = this.#slices[0];
    return oldest === undefined ? this.#windowMs : Math.max(0, clock - oldest[0]);
  }

  #advance({ clock, offset }: DedupPosition): void {
    const newest = this.#slices[this.#slices.length - 1];
    if (newest !== undefined && clock < newest[0] + this.#sliceMs) return;
    this.#slices.push([clock, offset]);
    // By its own beginning, as the next one may have begun much later: no entry is a step younger than that.
    const edge = clock - this.#windowMs - this.#sliceMs;
    while (this.#slices.length > 1 && (this.#slices[0] as SliceStart)[0] <= edge)
      this.#slices.shift();
    this.#startOffset = Math.max(this.#startOffset, (this.#slices[0] as SliceStart)[1]);
  }

  #insert(shard: Shard, hash: Uint32Array, offset: number): void {
    if (shard.isFull()) {
      shard.rebuild(this.#startOffset);
      if (this.size > this.#idsMax) this.#shrink();
    }
    shard.insert(hash, offset);
  }

  /** Gives up the oldest slice. Within one slice the capacity may be passed: a window of nothing helps nobody. */
  #shrink(): void {
    if (this.#slices.length < 2) return;
    this.#slices.shift();
    this.#startOffset = (this.#slices[0] as SliceStart)[1];
    this.shrunk++;
    for (const shard of this.#shards) shard.rebuild(this.#startOffset);
  }

  /**
   * First half: the message id alone, so that a journey finds it. Second half: the rest of the id's 128 bits,
   * mixed with the scope, so that ids of one scope are told apart by all of them.
   */
  #hash(scope: string, messageId: string): Uint32Array {
    const scratch = this.#scratch;
    hash128Into(messageId, scratch, 4, 0);
    const a = scratch[4] as number;
    const c = scratch[6] as number;
    const d = scratch[7] as number;
    scratch[0] = a;
    scratch[1] = scratch[5] as number;
    hash128Into(scope, scratch, 4, a);
    scratch[2] = (c ^ (scratch[4] as number)) >>> 0;
    scratch[3] = (d ^ (scratch[5] as number)) >>> 0;
    return scratch;
  }

  #shardOf(hash: Uint32Array): Shard {
    return this.#shards[(hash[0] as number) >>> shardShift] as Shard;
  }
}

export interface DedupOptions {
  readonly windowMs: number;
  readonly idsMax: number;
}

export interface DedupPosition {
  readonly clock: number;
  readonly offset: number;
}

export type SliceStart = readonly [clock: number, firstOffset: number];

/** The window is given up in this many steps, so it reaches up to one step further than stated. */
const slicesPerWindow = 28;
/** Many small tables: growing one of them takes a few milliseconds where there are millions of ids. */
const shardCount = 512;
const shardShift = 32 - 9;
const shardSlotsMin = 256;
/** Tables fill alike; each is full at another share of its slots, so that they do not all grow in the same second. */
const fullShareOf = (index: number): number => 0.6 + (0.15 * index) / (shardCount - 1);

/** Words of an entry: the hash's four, and the offset as its lower 32 bits and the rest, so that one look finds both. */
const entryWords = 6;
const wordSize = 0x1_0000_0000;
/** In place of an offset's upper word: a free slot, and an entry that probing goes on past. No offset is so large. */
const free = 0xffff_ffff;
const forgotten = 0xffff_fffe;

/** Open addressing with linear probing. */
class Shard {
  #words: Uint32Array;
  #mask: number;
  readonly #fullShare: number;
  size = 0;

  constructor(slots: number, fullShare: number) {
    this.#fullShare = fullShare;
    this.#words = freeWords(slots);
    this.#mask = slots - 1;
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  isFull(): boolean {
    return this.size >= (this.#mask + 1) * this.#fullShare;
  }

  find(hash: Uint32Array, startOffset: number): number | null {
    const words = this.#words;
    for (let slot = (hash[1] as number) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * entryWords;
      const upper = words[at + 5] as number;
      if (upper === free) return null;
      if (upper === forgotten || !isAt(words, at, hash)) continue;
      const offset = upper * wordSize + (words[at + 4] as number);
      if (offset >= startOffset) return offset;
    }
  }

  offsetsOf(hash: Uint32Array, startOffset: number): number[] {
    const words = this.#words;
    const found: number[] = [];
    for (let slot = (hash[1] as number) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * entryWords;
      const upper = words[at + 5] as number;
      if (upper === free) return found.sort((a, b) => a - b);
      if (upper === forgotten || words[at] !== hash[0] || words[at + 1] !== hash[1]) continue;
      const offset = upper * wordSize + (words[at + 4] as number);
      if (offset >= startOffset) found.push(offset);
    }
  }

  insert(hash: Uint32Array, offset: number): void {
    const at = this.#freeFor(hash[1] as number);
    const words = this.#words;
    for (let word = 0; word < 4; word++) words[at + word] = hash[word] as number;
    words[at + 4] = offset % wordSize;
    words[at + 5] = Math.floor(offset / wordSize);
    this.size++;
  }

  #freeFor(second: number): number {
    let slot = second & this.#mask;
    while (this.#words[slot * entryWords + 5] !== free) slot = (slot + 1) & this.#mask;
    return slot * entryWords;
  }

  /** Its slot is freed when the table is next rebuilt. */
  forget(hash: Uint32Array): void {
    const words = this.#words;
    for (let slot = (hash[1] as number) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * entryWords;
      if (words[at + 5] === free) return;
      if (isAt(words, at, hash)) words[at + 5] = forgotten;
    }
  }

  /** Leaves expired entries behind and grows when the rest needs it. */
  rebuild(startOffset: number): void {
    const before = this.#words;
    const isKept = (at: number): boolean => {
      const upper = before[at + 5] as number;
      return upper < forgotten && upper * wordSize + (before[at + 4] as number) >= startOffset;
    };
    let alive = 0;
    for (let at = 0; at < before.length; at += entryWords) if (isKept(at)) alive++;
    let slots = shardSlotsMin;
    // A third of what it may hold is free then at least: the next time is not soon.
    while (alive >= slots * this.#fullShare * (2 / 3)) slots *= 2;
    this.#words = freeWords(slots);
    this.#mask = slots - 1;
    this.size = alive;
    for (let from = 0; from < before.length; from += entryWords) {
      if (!isKept(from)) continue;
      const to = this.#freeFor(before[from + 1] as number);
      for (let word = 0; word < entryWords; word++)
        this.#words[to + word] = before[from + word] as number;
    }
  }
}

/**
 * Shared memory is not counted in what V8 collects for: of ordinary memory a table that grew by 64 MB begins a
 * collection of everything, though nothing of it is garbage.
 */
function freeWords(slots: number): Uint32Array {
  const bytes = slots * entryWords * Uint32Array.BYTES_PER_ELEMENT;
  return new Uint32Array(new SharedArrayBuffer(bytes)).fill(free);
}

function isAt(words: Uint32Array, at: number, hash: Uint32Array): boolean {
  return (
    words[at + 2] === hash[2] &&
    words[at] === hash[0] &&
    words[at + 1] === hash[1] &&
    words[at + 3] === hash[3]
  );
}
