/**
 * The log port over a `BatchStore`: group commit, offsets and the live listener.
 *
 * Boundary: knows nothing of files or clocks; the store says when something is synced and what
 * "soon" means.
 *
 * - L1 One write is in flight at a time. Appends that come meanwhile gather in the next group (G3).
 * - L2 An offset is given when its group is written, not when it is queued: a group that fails
 *   takes none, so there are never gaps (G2).
 * - L3 A group is sealed into one batch, so it is kept or lost as a whole, and an append with it
 *   (G1).
 * - L4 The end moves, then the listener hears, then the appends resolve (G4).
 * - L5 The last batch is never trimmed: it alone says where the log ends.
 * - L6 A schema is written in its turn (L1), and used by appends that come after it is on disk (F1).
 */
import type { LogRecord } from "../../core/record.ts";
import { LogWriteError } from "../../engine/port/errors.ts";
import type { AppendReceipt, CommittedBatch } from "../../engine/port/log.ts";
import type { BatchStore } from "./batch-store.ts";
import { BatchEncoder } from "./encoder.ts";
import { decodeRecords } from "./format.ts";
import type { FormattedLog, SchemaToUse } from "./formatted-log.ts";
import type { EventSchema, FindSchema } from "./payload/event-payload.ts";
import { isSameSchema, type KeptSchema, rowOf } from "./payload/schema-row.ts";
import {
  endOf,
  headOf,
  type LogEnd,
  readBatches,
  readRecord,
  readSchemas,
  schemasIn,
} from "./reader.ts";

/**
 * A group past this takes no more appends: a longer write would hold up those that wait behind it.
 */
const groupBytesMax = 4 * 1024 * 1024;
/**
 * The same in records: they are acknowledged together, and the last one is seen only when all of them are reduced.
 */
const groupRecordsMax = 1000;
/** Batches that one trim transaction removes; an append waits behind at most one of these. */
const trimBatchesMax = 256;
/** Ids of registries are positive numbers of 32 bits: from here on none of them means another schema. */
const ownIdsFrom = 2 ** 31;
/** One gathers while one is written; more exist only while a backlog lasts. */
const spareEncodersMax = 2;

interface Waiter {
  /** Index of its first record in the group. */
  readonly index: number;
  readonly count: number;
  readonly resolve: (receipt: AppendReceipt) => void;
  readonly reject: (error: LogWriteError) => void;
}

interface Group {
  readonly encoder: BatchEncoder;
  readonly records: LogRecord[];
  readonly waiters: Waiter[];
}

interface Trim {
  readonly before: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Change {
  readonly schema: SchemaToUse | null;
  readonly resolve: (id: number | null) => void;
  readonly reject: (error: unknown) => void;
}

export class BatchLog implements FormattedLog {
  readonly #batches: BatchStore;
  readonly #schemas: FindSchema;
  #schema: EventSchema | undefined;
  #groups: Group[] = [];
  #trims: Trim[] = [];
  #changes: Change[] = [];
  #spare: BatchEncoder[] = [];
  #end: LogEnd;
  #first: number;
  #bytesTrimmed: number;
  #listener: ((batch: CommittedBatch) => void) | undefined;
  #state: "idle" | "writing" | "closed" = "idle";
  #closing: Promise<void> | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(batches: BatchStore) {
    this.#batches = batches;
    this.#schemas = schemasIn(batches);
    this.#end = endOf(batches);
    this.#first = batches.first() ?? 0;
    this.#bytesTrimmed = headOf(batches, batches.first())?.bytesBefore ?? 0;
  }

  get id(): string {
    return this.#batches.id;
  }
  get first(): number {
    return this.#first;
  }
  get next(): number {
    return this.#end.next;
  }
  get counted(): number {
    return this.#end.counted;
  }
  get bytes(): number {
    return this.#end.bytes - this.#bytesTrimmed;
  }

  append(records: readonly LogRecord[]): Promise<AppendReceipt> {
    return this.#append(records, (encoder) => encoder.add(records, this.#schema));
  }

  async appendEncoded(bytes: Uint8Array): Promise<AppendReceipt> {
    const records = decodeRecords(bytes, this.#end.next, this.#schemas);
    return this.#append(records, (encoder) => encoder.addEncoded(bytes, records));
  }

  #append(
    records: readonly LogRecord[],
    write: (encoder: BatchEncoder) => void,
  ): Promise<AppendReceipt> {
    return new Promise((resolve, reject) => {
      if (records.length === 0) throw new RangeError("an append has at least one record");
      if (this.#closing !== undefined) throw closedError();
      const group = this.#groupWithRoom();
      const index = group.encoder.count;
      write(group.encoder);
      for (const record of records) group.records.push(record);
      group.waiters.push({ index, count: records.length, resolve, reject });
      this.#wake();
    });
  }

  onCommitted(listener: (batch: CommittedBatch) => void): void {
    if (this.#listener !== undefined) throw new Error("the log has a listener already");
    this.#listener = listener;
  }

  read(offset: number): Iterable<CommittedBatch> {
    return readBatches(this.#batches, offset, this.#schemas);
  }

  get(offset: number): LogRecord | undefined {
    return readRecord(this.#batches, offset, this.#schemas);
  }

  schemas(): readonly KeptSchema[] {
    return readSchemas(this.#batches);
  }

  writeEventsAs(schema: SchemaToUse | null): Promise<number | null> {
    return new Promise((resolve, reject) => {
      if (this.#closing !== undefined) throw closedError();
      this.#changes.push({ schema, resolve, reject });
      this.#wake();
    });
  }

  get eventsAs(): number | null {
    return this.#schema?.id ?? null;
  }

  trim(offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closing !== undefined) throw closedError();
      this.#trims.push({ before: offset, resolve, reject });
      this.#wake();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeWhenIdle();
    return this.#closing;
  }

  async #closeWhenIdle(): Promise<void> {
    if (this.#state === "writing") {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    this.#state = "closed";
    await this.#batches.close();
  }

  #groupWithRoom(): Group {
    const last = this.#groups.at(-1);
    if (last !== undefined && hasRoom(last.encoder)) return last;
    const encoder = this.#spare.pop() ?? new BatchEncoder();
    const group: Group = { encoder, records: [], waiters: [] };
    this.#groups.push(group);
    return group;
  }

  #wake(): void {
    if (this.#state !== "idle") return;
    this.#state = "writing";
    this.#batches.soon(() => void this.#writeAll());
  }

  /** What has gathered during a write is written at once: the disk works while the reducer does. */
  async #writeAll(): Promise<void> {
    try {
      while (this.#hasWork) await this.#writeNext();
    } finally {
      this.#state = "idle";
      if (this.#hasWork) this.#wake();
      else this.#whenIdle?.();
    }
  }

  get #hasWork(): boolean {
    return this.#groups.length + this.#trims.length + this.#changes.length > 0;
  }

  /** Changes the schema, writes one group and trims one piece, in turns, so that none starves (L1). */
  async #writeNext(): Promise<void> {
    const change = this.#changes.shift();
    if (change !== undefined) await this.#changeSchema(change);
    const group = this.#groups.shift();
    if (group !== undefined && group.waiters.length > 0) await this.#writeGroup(group);
    const trim = this.#trims[0];
    if (trim !== undefined) await this.#trimSome(trim);
  }

  async #writeGroup(group: Group): Promise<void> {
    const { encoder } = group;
    const firstOffset = this.#end.next;
    const { counted: countedBefore, bytes: bytesBefore } = this.#end;
    const batch = encoder.seal({ firstOffset, countedBefore, bytesBefore });
    try {
      await this.#batches.write(firstOffset, batch);
    } catch (cause) {
      const error = writeError(cause);
      for (const waiter of group.waiters) waiter.reject(error);
      return;
    }
    this.#end = {
      next: firstOffset + encoder.count,
      counted: countedBefore + encoder.counted,
      bytes: bytesBefore + batch.length,
    };
    encoder.reset();
    if (this.#spare.length < spareEncodersMax) this.#spare.push(encoder);
    this.#announce(firstOffset, group);
  }

  /**
   * A listener that throws is our bug and crashes the process; the appends are on disk all the
   * same.
   */
  #announce(firstOffset: number, group: Group): void {
    try {
      this.#listener?.({ firstOffset, records: group.records });
    } finally {
      for (const { index, count, resolve } of group.waiters) {
        const first = firstOffset + index;
        resolve({ firstOffset: first, lastOffset: first + count - 1 });
      }
    }
  }

  /** Keeps L6. */
  async #changeSchema({ schema, resolve, reject }: Change): Promise<void> {
    try {
      const id = schema === null ? null : await this.#idOf(schema);
      this.#schema = id === null ? undefined : this.#schemas(id);
      resolve(id);
    } catch (error) {
      reject(error);
    }
  }

  /** Writes the schema where the log does not have it (F2). */
  async #idOf(schema: SchemaToUse): Promise<number> {
    const known = this.schemas();
    const same = known.find((one) => isSameSchema(one, schema));
    if (same !== undefined) return same.id;
    const ids = known.map(({ id }) => id);
    const wanted = schema.id ?? 0;
    const isFree =
      Number.isInteger(wanted) && wanted > 0 && wanted < ownIdsFrom && !ids.includes(wanted);
    const id = isFree ? wanted : Math.max(ownIdsFrom - 1, ...ids) + 1;
    try {
      await this.#batches.writeSchema(id, rowOf(schema));
    } catch (cause) {
      throw writeError(cause);
    }
    return id;
  }

  async #trimSome(trim: Trim): Promise<void> {
    try {
      const found = this.#batchesBefore(trim.before);
      if (found.remove.length > 0) await this.#batches.remove(found.remove);
      this.#first = found.keep;
      this.#bytesTrimmed = headOf(this.#batches, this.#batches.first())?.bytesBefore ?? 0;
      if (found.remove.length === trimBatchesMax) return;
      trim.resolve();
    } catch (error) {
      trim.reject(error);
    }
    this.#trims.shift();
  }

  #batchesBefore(offset: number): { remove: number[]; keep: number } {
    const remove: number[] = [];
    const last = this.#batches.last() ?? this.#first;
    let firstOffset = this.#first;
    while (firstOffset < last && remove.length < trimBatchesMax) {
      const head = headOf(this.#batches, firstOffset);
      if (head === undefined || firstOffset + head.count > offset) break;
      remove.push(firstOffset);
      firstOffset += head.count;
    }
    return { remove, keep: firstOffset };
  }
}

function hasRoom({ bytes, count }: BatchEncoder): boolean {
  return bytes < groupBytesMax && count < groupRecordsMax;
}

function writeError(cause: unknown): LogWriteError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LogWriteError({
    message: `the log could not be written: ${why}`,
    hint: "make room on the disk of the data folder; nothing of the request was kept",
    cause,
  });
}

function closedError(): LogWriteError {
  return new LogWriteError({
    message: "the log is closed",
    hint: "send it again: another process will answer",
  });
}
