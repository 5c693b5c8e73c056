/**
 * The state port: what a checkpoint keeps, as bytes under text keys, in named tables. A checkpoint is one atomic
 * write of many changes; a reader sees all of it or nothing of it.
 *
 * - S1 `commit` is atomic: after a crash either all its changes are there or none.
 * - S2 commits become durable in order; after a crash a prefix of them is there.
 * - S3 `commit` resolves when the changes are on disk. One commit is in flight at a time; the engine sees to it.
 * - S4 `get` sees every commit that has resolved, and may see one that has not.
 * - S5 at most one process has a store open for writing.
 */
export interface StateStore {
  get(table: StateTable, key: string): Uint8Array | undefined;
  /** Keys in ascending order of their UTF-8 bytes, from `from` (included) up to `to` (excluded). */
  scan(table: StateTable, range: ScanRange): Iterable<readonly [key: string, value: Uint8Array]>;
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
] as const;

export type StateTable = (typeof stateTables)[number];

/** `value: null` deletes. */
export interface StateChange {
  readonly table: StateTable;
  readonly key: string;
  readonly value: Uint8Array | null;
}
