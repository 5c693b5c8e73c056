/**
 * The state port on LMDB: an environment of its own, apart from the log's, so that a checkpoint
 * never holds up an acknowledgement. One named database per table; keys are the UTF-8 bytes of the
 * text, so that their order is the one that the port promises.
 *
 * - C1 A commit is one transaction (S1), written and synced on a thread of its own; the loop that
 *   hands the changes over takes about 0.3 µs for each.
 * - C2 The values must not change until the commit resolves: they are copied by that thread, not
 *   here.
 */
import type { Database } from "lmdb";
import { StateLockedError, StateWriteError } from "../../engine/port/errors.ts";
import {
  type ScanRange,
  type StateChange,
  type StateStore,
  type StateTable,
  stateTables,
} from "../../engine/port/state-store.ts";
import {
  closeEnvironment,
  commitDurably,
  diskBytesFreeMin,
  type Environment,
  type EnvironmentOptions,
  openOwned,
  openReadOnly,
  statOf,
} from "../log/lmdb-environment.ts";

export type LmdbStateOptions = EnvironmentOptions;

/** A change copies at most its leaf and, split, one more; the pages above are shared by many. */
const treeBytesOfChangeMax = 2 * 4096;

/**
 * Rejects with StateLockedError (S5), or StateWriteError (the folder cannot be made or written).
 */
export async function openLmdbState(options: LmdbStateOptions): Promise<StateStore> {
  const environment = await openOwned(options).catch((cause: unknown) => {
    throw writeError(cause);
  });
  if (environment === undefined) throw lockedError(options.folder);
  return new LmdbStateStore(environment);
}

/** For tools, beside a writer or alone. `commit` rejects. */
export function openLmdbStateReader(options: Pick<LmdbStateOptions, "folder">): StateStore {
  return new LmdbStateStore(openReadOnly(options.folder));
}

type Table = Database<Uint8Array, Uint8Array>;

/** LMDB's limit with pages of 4 KiB, as lmdb-js has it. */
export const keyBytesMax = 1978;
const noBytes = new Uint8Array(0);
/**
 * The first key of all, where a scan backwards ends; left to itself, lmdb-js leaves this one out.
 */
const leastKey = Uint8Array.of(0);

class LmdbStateStore implements StateStore {
  readonly #environment: Environment;
  readonly #tables: { readonly [T in StateTable]: Table };
  #isClosed = false;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#tables = openTables(environment);
  }

  get(table: StateTable, key: string): Uint8Array | undefined {
    return this.#tables[table].getBinary(keyBytes(key));
  }

  *scan(table: StateTable, range: ScanRange): Iterable<readonly [string, Uint8Array]> {
    for (const { key, value } of this.#tables[table].getRange(rangeOptions(range))) {
      yield [Buffer.from(key).toString("utf8"), value];
    }
  }

  async commit(changes: readonly StateChange[]): Promise<void> {
    if (this.#isClosed || this.#environment.ownership === undefined) throw closedError();
    if (changes.length === 0) return;
    // All keys are checked before the first change is handed over: lmdb-js commits what it was given
    // before its callback threw (S1).
    const keys = changes.map(({ key }) => keyBytes(key));
    try {
      await commitDurably(this.#environment, {
        // Checkpoints may use half of the room that appends leave alone.
        bytesMax: bytesMaxOf(changes) - diskBytesFreeMin / 2,
        start: () => this.#environment.root.batch(() => this.#write(changes, keys)),
      });
    } catch (cause) {
      throw writeError(cause);
    }
  }

  count(table: StateTable): number {
    return statOf(this.#tables[table], "entryCount");
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await closeEnvironment(this.#environment);
  }

  #write(changes: readonly StateChange[], keys: readonly Buffer[]): void {
    for (const [index, { table, value }] of changes.entries()) {
      const key = keys[index];
      if (key === undefined) continue;
      if (value === null) this.#tables[table].remove(key);
      else this.#tables[table].put(key, value);
    }
  }
}

function bytesMaxOf(changes: readonly StateChange[]): number {
  let bytes = 0;
  for (const { value } of changes) bytes += treeBytesOfChangeMax + (value?.length ?? 0);
  return bytes;
}

function openTables({ root }: Environment): { readonly [T in StateTable]: Table } {
  const openTable = (table: StateTable): Table =>
    root.openDB({ name: table, encoding: "binary", keyEncoding: "binary" });
  const entries = stateTables.map((table) => [table, openTable(table)] as const);
  // Every table of the union is in `stateTables`, which the union is made of.
  return Object.fromEntries(entries) as { [T in StateTable]: Table };
}

function keyBytes(key: string): Buffer {
  const bytes = Buffer.from(key, "utf8");
  if (bytes.length === 0 || bytes.length > keyBytesMax) {
    throw new RangeError(`a state key has 1 to ${keyBytesMax} bytes, this one has ${bytes.length}`);
  }
  return bytes;
}

function rangeOptions(range: ScanRange) {
  const from = range.from === undefined || range.from === "" ? undefined : keyBytes(range.from);
  const to = range.to === undefined ? undefined : Buffer.from(range.to, "utf8");
  const limit = range.limit === undefined ? {} : { limit: range.limit };
  if (range.reverse !== true) {
    return { ...limit, start: from ?? noBytes, ...(to === undefined ? {} : { end: to }) };
  }
  return {
    ...limit,
    reverse: true,
    ...(to === undefined ? {} : { start: to, exclusiveStart: true }),
    end: from ?? leastKey,
    inclusiveEnd: true,
  };
}

function lockedError(folder: string): StateLockedError {
  return new StateLockedError({
    message: `the state in "${folder}" is open in another process`,
    hint: "stop the other process, or give this one another data folder",
  });
}

function writeError(cause: unknown): StateWriteError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StateWriteError({
    message: `the state could not be written: ${why}`,
    hint: "free space on the disk of the data folder; the log replays what is missing",
    cause,
  });
}

function closedError(): StateWriteError {
  return new StateWriteError({
    message: "the state store is not open for writing",
    hint: "open it again without a reader",
  });
}
