/**
 * The state port on LMDB: an environment of its own, apart from the log's, so that a checkpoint
 * never holds up an acknowledgement. One named database per table; keys are the UTF-8 bytes of the
 * text, so that their order is the one that the port promises.
 *
 * - C1 A commit is one transaction (S1), written and synced on a thread of its own; the loop that
 *   hands the changes over takes about 0.3 µs for each.
 * - C2 The values must not change until the commit resolves: they are copied by that thread, not
 *   here.
 * - C3 The state table, which nearly all bytes belong to, is written in runs (`runs.ts`). What is
 *   staged of it goes to the disk in transactions of its own, unseen until the commit.
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
import { type Prepared, Runs } from "./runs.ts";
import { type Entry, mergeScans } from "./scan.ts";

export interface LmdbStateOptions extends EnvironmentOptions {
  /** Bytes of states that stay in runs; tests take fewer. */
  readonly runBytesMin?: number;
}

/** Some checkpoints' worth: what a busy profile writes again within them never comes to the tree. */
const runBytesMinUsual = 32 * 1024 * 1024;
/** Pieces of staged states that go to the disk at once: some 250 KB, which sync in a millisecond or two. */
const stagedPiecesMax = 16;

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
  return new LmdbStateStore(environment, options.runBytesMin ?? runBytesMinUsual);
}

/** For tools, beside a writer or alone. `commit` rejects. */
export function openLmdbStateReader(options: Pick<LmdbStateOptions, "folder">): StateStore {
  return new LmdbStateStore(openReadOnly(options.folder), runBytesMinUsual);
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
  readonly #runs: Runs;
  /** Of tables other than that of states. */
  #staged: StateChange[] = [];
  #staging: Promise<void>[] = [];
  #isClosed = false;

  constructor(environment: Environment, runBytesMin: number) {
    this.#environment = environment;
    this.#tables = openTables(environment);
    this.#runs = new Runs({
      table: openTable(environment, runTable),
      tree: this.#tables.state,
      runBytesMin,
    });
  }

  get(table: StateTable, key: string): Uint8Array | undefined {
    if (table !== "state") return this.#tables[table].getBinary(keyBytes(key));
    this.#refresh();
    return this.#runs.get(key, keyBytes(key));
  }

  *scan(table: StateTable, range: ScanRange): Iterable<readonly [string, Uint8Array]> {
    const found =
      table === "state"
        ? this.#scanStates(range)
        : this.#tables[table].getRange(rangeOptions(range));
    for (const { key, value } of found) yield [Buffer.from(key).toString("utf8"), value];
  }

  *#scanStates(range: ScanRange): Iterable<Entry> {
    this.#refresh();
    const transaction = this.#tables.state.useReadTransaction();
    try {
      const { limit: _, ...bounds } = rangeOptions(range);
      const tree = this.#tables.state.getRange({ ...bounds, transaction });
      yield* mergeScans(tree, this.#runs.entriesAt(transaction), range);
    } finally {
      transaction.done();
    }
  }

  /** A reader beside a writer: the runs move on. */
  #refresh(): void {
    if (this.#environment.ownership !== undefined) return;
    this.#environment.root.resetReadTxn();
    if (this.#runs.isOutdated()) this.#runs.load();
  }

  stage(changes: readonly StateChange[]): void {
    this.#take(changes);
    if (this.#runs.waiting < stagedPiecesMax || !this.#isWritable()) return;
    const staged = this.#transact(this.#runs.prepare("stage"), []);
    // The commit tells; until then a rejection must not pass for one that nobody handles.
    staged.catch(() => {});
    this.#staging.push(staged);
  }

  #take(changes: readonly StateChange[]): void {
    for (const change of changes) {
      if (change.table === "state")
        this.#runs.stage(change.key, keyBytes(change.key), change.value);
      else this.#staged.push(change);
    }
  }

  async unstage(): Promise<void> {
    await Promise.allSettled(this.#staging);
    this.#staging = [];
    this.#staged = [];
    this.#runs.unstage();
  }

  async commit(changes: readonly StateChange[]): Promise<void> {
    try {
      if (!this.#isWritable()) throw closedError();
      // All keys are checked before the first change is handed over: lmdb-js commits what it was given
      // before its callback threw (S1).
      for (const { key } of changes) keyBytes(key);
      this.#take(changes);
      await Promise.all(this.#staging);
      const prepared = this.#runs.prepare("commit");
      const others = this.#staged;
      this.#staged = [];
      this.#staging = [];
      await this.#transact(prepared, others);
    } catch (error) {
      await this.unstage();
      throw error;
    }
  }

  #isWritable(): boolean {
    return !this.#isClosed && this.#environment.ownership !== undefined;
  }

  async #transact(prepared: Prepared, others: readonly StateChange[]): Promise<void> {
    try {
      await commitDurably(this.#environment, {
        // Checkpoints may use half of the room that appends leave alone.
        bytesMax: prepared.bytesMax + bytesMaxOf(others) - diskBytesFreeMin / 2,
        start: () =>
          this.#environment.root.batch(() => {
            prepared.write();
            this.#write(others);
          }),
      });
      prepared.done();
    } catch (cause) {
      prepared.failed();
      throw writeError(cause);
    }
  }

  count(table: StateTable): number {
    const count = statOf(this.#tables[table], "entryCount");
    return table === "state" ? this.#runs.count(count) : count;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.allSettled(this.#staging);
    await closeEnvironment(this.#environment);
  }

  #write(changes: readonly StateChange[]): void {
    for (const { table, key, value } of changes) {
      if (value === null) this.#tables[table].remove(keyBytes(key));
      else this.#tables[table].put(keyBytes(key), value);
    }
  }
}

function bytesMaxOf(changes: readonly StateChange[]): number {
  let bytes = 0;
  for (const { value } of changes) bytes += treeBytesOfChangeMax + (value?.length ?? 0);
  return bytes;
}

function openTables(environment: Environment): { readonly [T in StateTable]: Table } {
  const entries = stateTables.map((table) => [table, openTable(environment, table)] as const);
  // Every table of the union is in `stateTables`, which the union is made of.
  return Object.fromEntries(entries) as { [T in StateTable]: Table };
}

const runTable = "stateRun";

function openTable({ root }: Environment, name: string): Table {
  return root.openDB({ name, encoding: "binary", keyEncoding: "binary" });
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
