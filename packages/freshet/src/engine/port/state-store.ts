/**
 * The state port: what a checkpoint keeps, as bytes under text keys, in named tables. A checkpoint is one atomic
 * write of many changes; a reader sees all of it or nothing of it.
 *
 * - S1 `commit` is atomic: after a crash either all its changes are there or none.
 * - S2 commits become durable in order; after a crash a prefix of them is there.
 * - S3 `commit` resolves when the changes are on disk. One commit is in flight at a time; the engine sees to it.
 * - S4 `get` sees every commit that has resolved, and may see one that has not.
 * - S5 at most one process has a store open for writing.
 * - S6 what is staged belongs to the next commit, before that one's own changes: until it resolves `get` does not see
 *   it, and after a crash or a commit that rejects nothing of it is there.
 */
export interface StateStore {
  get(table: StateTable, key: string): Uint8Array | undefined;
  /** Keys in ascending order of their UTF-8 bytes, from `from` (included) up to `to` (excluded). */
  scan(table: StateTable, range: ScanRange): Iterable<readonly [key: string, value: Uint8Array]>;
  /**
   * Hands changes over ahead of their commit, so that a large one is written bit by bit. Their values must not change
   * until that commit has resolved. What goes wrong here is told by the commit.
   */
  stage(changes: readonly StateChange[]): void;
  /** Drops what was staged, where there is no commit to come. */
  unstage(): Promise<void>;
  commit(changes: readonly StateChange[]): Promise<void>;
  /** Number of entries, for metrics and doctor; may be an estimate. */
  count(table: StateTable): number;
  close(): Promise<void>;
}

export interface ScanRange {
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** The tables; each adapter creates all of them. */
export const stateTables = [
  /** Key -> encoded state of a profile or an entity. */
  "state",
  /** <time, 16 hex digits>/<key> -> empty: which key has a timer when. */
  "timer",
  /** <slice>/<sequence> -> packed ids of the deduplication window. */
  "dedup",
  /** <destination>/<sequence> -> effect that waits to be dispatched. */
  "outbox",
  /** <sequence> -> dead letter. */
  "deadLetter",
  /** Positions, clocks, counters, plan manifest, tables, bookkeeping of imports. */
  "meta",
  /** In a store of its own, empty in the engine's: schemas, versions and settings of the schema registry. */
  "registry",
] as const;

export type StateTable = (typeof stateTables)[number];

/** `value: null` deletes. */
export interface StateChange {
  readonly table: StateTable;
  readonly key: string;
  readonly value: Uint8Array | null;
}
