import { StateLockedError, StateWriteError } from "../../engine/port/errors.ts";
import {
  type ScanRange,
  type StateChange,
  type StateStore,
  type StateTable,
  stateTables,
} from "../../engine/port/state-store.ts";
import type { MemoryDisk } from "../log/memory-disk.ts";

const lockName = "state";

/**
 * The state store on a `MemoryDisk`. What was opened before a crash of the disk is dead and stays
 * silent.
 */
export async function openMemoryState(disk: MemoryDisk): Promise<StateStore> {
  if (!disk.lock(lockName)) {
    throw new StateLockedError({
      message: "the state on this memory disk is open already",
      hint: "close it, or crash the disk",
    });
  }
  for (const table of stateTables) {
    if (!disk.tables.has(table)) disk.tables.set(table, new Map());
  }
  return new MemoryStateStore(disk);
}

class MemoryStateStore implements StateStore {
  readonly #disk: MemoryDisk;
  readonly #epoch: number;
  #isClosed = false;
  #staged: StateChange[] = [];

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
    this.#epoch = disk.epoch;
  }

  get(table: StateTable, key: string): Uint8Array | undefined {
    const value = this.#table(table).get(key);
    return value === undefined ? undefined : Uint8Array.from(value);
  }

  *scan(table: StateTable, range: ScanRange): Iterable<readonly [string, Uint8Array]> {
    const entries = this.#table(table);
    const keys = sortedKeys(entries, range);
    if (range.reverse === true) keys.reverse();
    const found = keys.slice(0, range.limit ?? keys.length);
    // Taken before the first entry is handed out: a scan sees one moment, as LMDB's does.
    const values = found.map((key) => [key, Uint8Array.from(entries.get(key) ?? [])] as const);
    yield* values;
  }

  stage(changes: readonly StateChange[]): void {
    this.#staged.push(...changes);
  }

  async unstage(): Promise<void> {
    this.#staged = [];
  }

  async commit(changes: readonly StateChange[]): Promise<void> {
    const all = [...this.#staged, ...changes];
    this.#staged = [];
    if (this.#isClosed) throw writeError("it is closed", undefined);
    if (this.#disk.epoch !== this.#epoch) return new Promise(() => {});
    if (all.length === 0) return;
    const copies = all.map((change) => ({
      ...change,
      value: change.value === null ? null : Uint8Array.from(change.value),
    }));
    try {
      await this.#disk.submit({ apply: () => this.#apply(copies) });
    } catch (cause) {
      throw writeError(cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  count(table: StateTable): number {
    return this.#table(table).size;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#disk.epoch === this.#epoch) this.#disk.unlock(lockName);
  }

  #table(table: StateTable): Map<string, Uint8Array> {
    const entries = this.#disk.tables.get(table);
    if (entries === undefined) throw new Error(`state table "${table}" was not made`);
    return entries;
  }

  #apply(changes: readonly StateChange[]): void {
    for (const { table, key, value } of changes) {
      if (value === null) this.#table(table).delete(key);
      else this.#table(table).set(key, value);
    }
  }
}

function sortedKeys(entries: ReadonlyMap<string, unknown>, range: ScanRange): string[] {
  const from = Buffer.from(range.from ?? "");
  const to = range.to === undefined ? undefined : Buffer.from(range.to);
  return [...entries.keys()]
    .map((key) => ({ key, bytes: Buffer.from(key) }))
    .filter(({ bytes }) => Buffer.compare(bytes, from) >= 0)
    .filter(({ bytes }) => to === undefined || Buffer.compare(bytes, to) < 0)
    .sort((left, right) => Buffer.compare(left.bytes, right.bytes))
    .map(({ key }) => key);
}

function writeError(why: string, cause: unknown): StateWriteError {
  return new StateWriteError({
    message: `the state could not be written: ${why}`,
    hint: "free space on the disk of the data folder; the log replays what is missing",
    cause,
  });
}
