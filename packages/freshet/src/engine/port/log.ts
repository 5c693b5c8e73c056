import type { LogRecord } from "../../core/record.ts";

/**
 * The log port: a durable, ordered sequence of records, numbered 0, 1, 2, ... (the offset). Logical partitions
 * live inside one physical log, so that one request is one append, all or nothing.
 *
 * - G1 `append` resolves after its records are on disk (synced), never before; a rejected append left nothing.
 * - G2 offsets are given in the order in which `append` was called, without gaps; one append is contiguous.
 * - G3 appends that wait together are committed together (group commit).
 * - G4 listeners hear each committed batch once, in offset order, before the append that wrote it resolves.
 * - G5 after a crash the log holds a prefix of what was appended that includes every resolved append.
 * - G6 at most one process has a log open; a second one gets `LogLockedError`.
 *
 * One caller at a time is not needed: `append` may be called while others wait.
 */
export interface Log {
  /** Rejects with LogWriteError (disk full, closed): the caller answers 503 and keeps nothing. */
  append(records: readonly LogRecord[]): Promise<AppendReceipt>;
  /**
   * The same for records that another thread has brought into the form of the log (`adapters/log/encoder.ts`), which
   * this one then need not do again. Rejects with LogCorruptError where they are none.
   */
  appendEncoded(records: Uint8Array): Promise<AppendReceipt>;
  /** Registers the single reader of live batches. */
  onCommitted(listener: (batch: CommittedBatch) => void): void;
  /**
   * Batches from the one that holds `offset` on, in order; for recovery and replay. Stops at the end of now.
   * Throws LogTrimmedError where `offset` is before `first`, LogCorruptError at a batch that is damaged.
   */
  read(offset: number): Iterable<CommittedBatch>;
  get(offset: number): LogRecord | undefined;
  /** Oldest offset that is kept. */
  readonly first: number;
  /** The offset that the next record will get. */
  readonly next: number;
  /** Number of ledger-counted records (events and dead letters) ever appended before `next`. */
  readonly counted: number;
  /** Forgets whole batches before `offset`. Never called past the checkpoint. */
  trim(offset: number): Promise<void>;
  /** Bytes that the kept records take. */
  readonly bytes: number;
  /** Random text made with the log; receipts carry it, so that another log's receipts are told apart. */
  readonly id: string;
  /** Resolves when everything appended is on disk and the lock is released. */
  close(): Promise<void>;
}

export interface AppendReceipt {
  readonly firstOffset: number;
  readonly lastOffset: number;
}

export interface CommittedBatch {
  readonly firstOffset: number;
  readonly records: readonly LogRecord[];
}

/** The half of a log that tools and other processes use; opened without the lock, beside a writer or alone. */
export type LogReader = Pick<
  Log,
  "read" | "get" | "first" | "next" | "counted" | "bytes" | "id" | "close"
>;
