import { hash128Into } from "../core/hash.ts";

/**
 * The deduplication window: exact over a stated time of log clock (DESIGN 3, rule 4).
 *
 * An id is kept as 128 bits (64 of the message id, 64 of its scope and the id) with the offset it was first
 * seen at, 24 bytes in an open-addressing table: at most 60 bytes per id right after a table grew.
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
    this.#shards = Array.from({ length: shardCount }, () => new Shard(shardSlotsMin));
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
/** Many small tables: growing one of them pauses the process for a few milliseconds at most. */
const shardCount = 64;
const shardShift = 32 - 6;
const shardSlotsMin = 1024;

/** Below every offset and unlike the mark of a free slot, so probing goes on past it. */
const forgotten = -2;

/** Open addressing with linear probing; an offset of -1 marks a free slot. */
class Shard {
  #hashes: Uint32Array;
  #offsets: Float64Array;
  #mask: number;
  size = 0;

  constructor(slots: number) {
    this.#hashes = new Uint32Array(slots * 4);
    this.#offsets = new Float64Array(slots).fill(-1);
    this.#mask = slots - 1;
  }

  get bytes(): number {
    return this.#hashes.byteLength + this.#offsets.byteLength;
  }

  isFull(): boolean {
    return this.size >= (this.#mask + 1) * 0.75;
  }

  find(hash: Uint32Array, startOffset: number): number | null {
    const hashes = this.#hashes;
    for (let slot = (hash[1] as number) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const offset = this.#offsets[slot] as number;
      if (offset === -1) return null;
      const at = slot * 4;
      if (
        hashes[at + 2] === hash[2] &&
        hashes[at] === hash[0] &&
        hashes[at + 1] === hash[1] &&
        hashes[at + 3] === hash[3] &&
        offset >= startOffset
      )
        return offset;
    }
  }

  offsetsOf(hash: Uint32Array, startOffset: number): number[] {
    const found: number[] = [];
    for (let slot = (hash[1] as number) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const offset = this.#offsets[slot] as number;
      if (offset === -1) return found.sort((a, b) => a - b);
      const at = slot * 4;
      if (this.#hashes[at] === hash[0] && this.#hashes[at + 1] === hash[1] && offset >= startOffset)
        found.push(offset);
    }
  }

  insert(hash: Uint32Array, offset: number): void {
    let slot = (hash[1] as number) & this.#mask;
    while (this.#offsets[slot] !== -1) slot = (slot + 1) & this.#mask;
    this.#offsets[slot] = offset;
    for (let word = 0; word < 4; word++) this.#hashes[slot * 4 + word] = hash[word] as number;
    this.size++;
  }

  /** Marks the entry as expired long ago; its slot is freed when the table is next rebuilt. */
  forget(hash: Uint32Array): void {
    for (
      let slot = (hash[1] as number) & this.#mask;
      this.#offsets[slot] !== -1;
      slot = (slot + 1) & this.#mask
    ) {
      const at = slot * 4;
      if (
        this.#hashes[at] === hash[0] &&
        this.#hashes[at + 1] === hash[1] &&
        this.#hashes[at + 2] === hash[2] &&
        this.#hashes[at + 3] === hash[3]
      )
        this.#offsets[slot] = forgotten;
    }
  }

  /** Leaves expired entries behind and grows when the rest needs it. */
  rebuild(startOffset: number): void {
    const [hashes, offsets] = [this.#hashes, this.#offsets];
    let alive = 0;
    for (const offset of offsets) if (offset >= startOffset) alive++;
    let slots = shardSlotsMin;
    while (alive >= slots * 0.5) slots *= 2;
    this.#hashes = new Uint32Array(slots * 4);
    this.#offsets = new Float64Array(slots).fill(-1);
    this.#mask = slots - 1;
    this.size = 0;
    offsets.forEach((offset, slot) => {
      if (offset >= startOffset) this.insert(hashes.subarray(slot * 4, slot * 4 + 4), offset);
    });
  }
}
