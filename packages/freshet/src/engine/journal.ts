import type { DedupWindow } from "./dedup.ts";
import type { StateChange, StateStore } from "./port/state-store.ts";
import { hexTime } from "./store-key.ts";

/**
 * The deduplication window on disk: runs of (hash, offset), each the size of a page or two, and the duplicates
 * that were turned away, for journeys.
 */
export class DedupJournal {
  readonly #store: StateStore;
  /** The run that is being filled; written again with each checkpoint until it is full. */
  #run = new Run();
  #runStart = -1;
  #writtenEntries = 0;
  /** Full runs that a checkpoint holds, and those whose memory is free again. */
  #full: Run[] = [];
  #spare: Run[] = [];
  #pending: StateChange[] = [];
  #duplicates: Duplicate[] = [];
  /** In the checkpoint that is being written, or in one that failed. */
  #writing: Duplicate[] = [];

  constructor(store: StateStore) {
    this.#store = store;
  }

  accepted(hash: Uint32Array, offset: number): void {
    if (this.#runStart === -1) this.#runStart = offset;
    this.#run.add(hash, offset);
  }

  duplicate(first: number, offset: number): void {
    this.#duplicates.push({
      id: `${duplicatePrefix}${hexTime(first)}/${hexTime(offset)}`,
      offset,
      first,
    });
  }

  /** Offsets of the duplicates of the event at `first`, also of those not yet in a checkpoint. */
  duplicatesOf(first: number): number[] {
    const prefix = `${duplicatePrefix}${hexTime(first)}/`;
    const stored = [
      ...this.#store.scan("dedup", { from: prefix, to: `${prefix}~`, limit: 100 }),
    ].map(([key]) => Number.parseInt(key.slice(prefix.length), 16));
    const fresh = [...this.#writing, ...this.#duplicates]
      .filter((entry) => entry.first === first)
      .map((entry) => entry.offset);
    return [...new Set([...stored, ...fresh])].sort((a, b) => a - b);
  }

  beginSnapshot(startOffset: number): StateChange[] {
    const changes: StateChange[] = [];
    if (this.#run.count > this.#writtenEntries) {
      changes.push({
        table: "dedup",
        key: `${runPrefix}${hexTime(this.#runStart)}`,
        value: this.#run.bytes(),
      });
      this.#writtenEntries = this.#run.count;
      if (this.#run.count >= runEntriesMax) this.#startRun();
    }
    for (const { id } of this.#duplicates) changes.push({ table: "dedup", key: id, value: none });
    this.#writing = [...this.#writing, ...this.#duplicates];
    this.#duplicates = [];
    this.#pending = [...this.#pending, ...changes];
    return [...this.#pending, ...this.#expired(startOffset)];
  }

  /** What a failed commit held goes into the next one, in the same order. */
  endSnapshot(outcome: "committed" | "failed"): void {
    if (outcome === "failed") return;
    this.#pending = [];
    this.#writing = [];
    for (const run of this.#full) run.count = 0;
    this.#spare = [...this.#spare, ...this.#full].slice(0, spareRunsMax);
    this.#full = [];
  }

  /** Reads the window back; later entries of this process start a run of their own. */
  restore(window: DedupWindow): void {
    const hash = new Uint32Array(4);
    for (const [, run] of this.#store.scan("dedup", { from: runPrefix, to: `${runPrefix}~` }))
      decodeRun(run, (words, offset) => {
        hash.set(words);
        if (offset >= window.startOffset) window.restore(hash, offset);
      });
  }

  #startRun(): void {
    this.#full.push(this.#run);
    this.#run = this.#spare.pop() ?? new Run();
    this.#runStart = -1;
    this.#writtenEntries = 0;
  }

  /** A few at each checkpoint: enough to keep up, too few to hold it up. */
  #expired(startOffset: number): StateChange[] {
    const changes: StateChange[] = [];
    for (const prefix of [runPrefix, duplicatePrefix]) {
      const keys = [
        ...this.#store.scan("dedup", {
          from: prefix,
          to: `${prefix}${hexTime(startOffset)}`,
          limit: 65,
        }),
      ];
      // The run before the first one inside the window may reach into it: the last key stays.
      const gone = prefix === runPrefix ? keys.slice(0, -1) : keys;
      for (const [key] of gone) changes.push({ table: "dedup", key, value: null });
    }
    return changes;
  }
}

interface Duplicate {
  readonly id: string;
  readonly offset: number;
  readonly first: number;
}

const runPrefix = "run/";
const duplicatePrefix = "dup/";
const runEntriesMax = 1024;
/** One is filled while another is written. */
const spareRunsMax = 2;
const entryBytes = 24;
const none = new Uint8Array(0);

/** Entries as they are written: four words of the hash, and the offset as a double. */
class Run {
  #view = new DataView(new ArrayBuffer(runEntriesMax * entryBytes));
  count = 0;

  add(hash: Uint32Array, offset: number): void {
    const at = this.count * entryBytes;
    if (at === this.#view.byteLength) this.#grow();
    const view = this.#view;
    for (let word = 0; word < 4; word++) view.setUint32(at + word * 4, hash[word] as number);
    view.setFloat64(at + 16, offset);
    this.count++;
  }

  /** They stay as they are while others are added. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, 0, this.count * entryBytes);
  }

  #grow(): void {
    const grown = new Uint8Array(this.#view.byteLength * 2);
    grown.set(this.bytes());
    this.#view = new DataView(grown.buffer);
  }
}

function decodeRun(
  bytes: Uint8Array,
  each: (words: readonly number[], offset: number) => void,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + entryBytes <= bytes.byteLength; at += entryBytes)
    each(
      [view.getUint32(at), view.getUint32(at + 4), view.getUint32(at + 8), view.getUint32(at + 12)],
      view.getFloat64(at + 16),
    );
}
