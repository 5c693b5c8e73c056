import type { LogRecord } from "../../core/record.ts";
import { LogTrimmedError } from "../../engine/port/errors.ts";
import type { CommittedBatch } from "../../engine/port/log.ts";
import type { BatchReader } from "./batch-store.ts";
import {
  type BatchHead,
  corrupt,
  decodeBatch,
  decodeRecord,
  readHead,
  recordError,
} from "./format.ts";
import type { FormattedLogReader } from "./formatted-log.ts";
import type { FindSchema } from "./payload/event-payload.ts";
import { type KeptSchema, readRow, schemaFinder } from "./payload/schema-row.ts";

/**
 * A log for reading only: beside a live writer, or of a folder that nobody has open. Always up to
 * date.
 */
export class BatchLogReader implements FormattedLogReader {
  readonly #batches: BatchReader;
  readonly #schemas: FindSchema;

  constructor(batches: BatchReader) {
    this.#batches = batches;
    this.#schemas = schemasIn(batches);
  }

  get id(): string {
    return this.#batches.id;
  }
  get first(): number {
    return this.#batches.first() ?? 0;
  }
  get next(): number {
    return endOf(this.#batches).next;
  }
  get counted(): number {
    return endOf(this.#batches).counted;
  }
  get bytes(): number {
    const oldest = headOf(this.#batches, this.#batches.first());
    return endOf(this.#batches).bytes - (oldest?.bytesBefore ?? 0);
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

  close(): Promise<void> {
    return this.#batches.close();
  }
}

/** Where the log ends; the last batch says it all, which is why a trim never takes the last one. */
export interface LogEnd {
  readonly next: number;
  readonly counted: number;
  /** Bytes ever written, with those that were trimmed. */
  readonly bytes: number;
}

export function endOf(batches: BatchReader): LogEnd {
  const head = headOf(batches, batches.last());
  if (head === undefined) return { next: 0, counted: 0, bytes: 0 };
  return {
    next: head.firstOffset + head.count,
    counted: head.countedBefore + head.counted,
    bytes: head.bytesBefore + head.length,
  };
}

export function headOf(
  batches: BatchReader,
  firstOffset: number | undefined,
): BatchHead | undefined {
  if (firstOffset === undefined) return undefined;
  return readHead(bytesOf(batches, firstOffset), firstOffset);
}

export function* readBatches(
  batches: BatchReader,
  offset: number,
  schemas: FindSchema,
): Generator<CommittedBatch> {
  const first = batches.first() ?? 0;
  if (offset < first) throw trimmed(offset, first);
  const last = batches.last() ?? -1;
  let firstOffset = batches.floor(offset) ?? 0;
  while (firstOffset <= last) {
    const batch = decodeBatch(bytesOf(batches, firstOffset), firstOffset, schemas);
    firstOffset += batch.records.length;
    // The batch nearest before an offset past the end does not hold it.
    if (firstOffset > offset) yield batch;
  }
}

export function readRecord(
  batches: BatchReader,
  offset: number,
  schemas: FindSchema,
): LogRecord | undefined {
  const firstOffset = batches.floor(offset);
  if (firstOffset === undefined) return undefined;
  return decodeRecord(bytesOf(batches, firstOffset), { firstOffset, offset }, schemas);
}

export function schemasIn(batches: BatchReader): FindSchema {
  return schemaFinder((id) => {
    const row = batches.schema(id);
    return row === undefined ? undefined : readRow(id, row);
  });
}

export function readSchemas(batches: BatchReader): readonly KeptSchema[] {
  try {
    return batches.schemaIds().map((id) => readRow(id, batches.schema(id) ?? ""));
  } catch (error) {
    throw recordError(batches.first() ?? 0, error);
  }
}

function bytesOf(batches: BatchReader, firstOffset: number): Uint8Array {
  const bytes = batches.get(firstOffset);
  if (bytes === undefined) throw corrupt(firstOffset, "the batch that belongs here is missing");
  return bytes;
}

function trimmed(offset: number, first: number): LogTrimmedError {
  return new LogTrimmedError({
    message: `log offset ${offset} is asked for, but what is kept begins at ${first}`,
    hint: "read from the archive, or begin at the log's first offset",
  });
}
