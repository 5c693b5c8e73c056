/**
 * The bytes of one group commit, format version 1. Numbers are little endian.
 *
 * Batch head, 48 bytes:
 *   0  "FLG"             3 bytes
 *   3  version           u8, 1
 *   4  crc32             u32, over everything from byte 8 on
 *   8  length            u32, of the whole batch with this head
 *  12  count             u32, records
 *  16  counted           u32, records that the ledger counts (events and dead letters)
 *  20  reserved          u32, 0
 *  24  firstOffset       f64
 *  32  countedBefore     f64, counted records before this batch, since the log was made
 *  40  bytesBefore       f64, bytes of batches before this one, since the log was made: so that
 *                        the size of what is kept is a subtraction, not a scan
 *
 * Then each record, 37 bytes and its payload:
 *   0  version           u8, 1
 *   1  kind              u8, see `body.ts`
 *   2  payload format    u8, 0 = JSON, 1 = Avro, 2 = Protobuf
 *   3  partition         u16
 *   5  at                f64
 *  13  sealKeyId         u32, 0 = not sealed
 *  17  key hash          hash128 of the partition key, 4 × u32; zeros where the record has none
 *  33  payload length    u32
 *  37  payload           UTF-8 JSON of the record without kind, partition and at; an event in Avro
 *                        or Protobuf: its schema's id and the event (`payload/event-payload.ts`)
 *
 * - B1 A batch whose crc, length or counts do not fit is refused with the offset, never read in
 *   part.
 * - B2 Reading one record parses that record only: the others are stepped over by their lengths.
 * - B3 A sealed record, or a version or payload format that is not known, is LogUnreadableError:
 *   whole, but not for us.
 * - B4 Each record says how it is written, so that one batch may hold all formats; what an id of a
 *   schema stands for is found in the log itself (`schemas`), and never changes.
 */
import { crc32 } from "node:zlib";
import type { LogRecord } from "../../core/record.ts";
import { LogCorruptError, LogUnreadableError } from "../../engine/port/errors.ts";
import type { CommittedBatch } from "../../engine/port/log.ts";
import { type BodyPlace, parseBodies } from "./bodies.ts";
import { kindCodes, parseBody, recordOf } from "./body.ts";
import { PayloadDamaged, PayloadUnknown } from "./payload/byte-reader.ts";
import type { CompactFormat } from "./payload/codec.ts";
import { type FindSchema, readEvent } from "./payload/event-payload.ts";

export const formatVersion = 1;
export const batchHeadBytes = 48;
export const recordHeadBytes = 37;
/** A payload's length is a u32, and V8 makes no text over 512 MiB; no record comes near this. */
export const payloadBytesMax = 256 * 1024 * 1024;
/** Numbers on disk; a number never changes its meaning. */
export const payloadFormats = {
  json: 0,
  avro: 1,
  protobuf: 2,
} as const satisfies Record<CompactFormat | "json", number>;
const magic = 0x474c46;

export interface BatchHead {
  readonly length: number;
  readonly count: number;
  readonly counted: number;
  readonly firstOffset: number;
  readonly countedBefore: number;
  readonly bytesBefore: number;
}

/** Writes the head into the first 48 bytes of a batch whose records are already in place. */
export function writeHead(batch: Buffer, head: Omit<BatchHead, "length">): void {
  batch.writeUInt32LE(magic | (formatVersion << 24), 0);
  batch.writeUInt32LE(batch.length, 8);
  batch.writeUInt32LE(head.count, 12);
  batch.writeUInt32LE(head.counted, 16);
  batch.writeUInt32LE(0, 20);
  batch.writeDoubleLE(head.firstOffset, 24);
  batch.writeDoubleLE(head.countedBefore, 32);
  batch.writeDoubleLE(head.bytesBefore, 40);
  batch.writeUInt32LE(crc32(batch.subarray(8)), 4);
}

/** Checks the whole batch (B1) and returns its head. `offset` is the one under which it is kept. */
export function readHead(bytes: Uint8Array, offset: number): BatchHead {
  const batch = asBuffer(bytes);
  if (batch.length < batchHeadBytes)
    throw corrupt(offset, `the batch has only ${batch.length} bytes`);
  const first = batch.readUInt32LE(0);
  if ((first & 0xffffff) !== magic) throw corrupt(offset, "the batch does not begin as one");
  if (first >>> 24 !== formatVersion) throw unreadable(offset, `batch format ${first >>> 24}`);
  if (batch.readUInt32LE(8) !== batch.length) throw corrupt(offset, "the batch is cut or too long");
  if (batch.readUInt32LE(4) !== crc32(batch.subarray(8))) throw corrupt(offset, "the crc differs");
  const head = {
    length: batch.length,
    count: batch.readUInt32LE(12),
    counted: batch.readUInt32LE(16),
    firstOffset: batch.readDoubleLE(24),
    countedBefore: batch.readDoubleLE(32),
    bytesBefore: batch.readDoubleLE(40),
  };
  if (head.firstOffset !== offset)
    throw corrupt(offset, `the batch is that of ${head.firstOffset}`);
  if (!isPlausible(head)) throw corrupt(offset, "the batch's counts do not fit together");
  return head;
}

function isPlausible(head: BatchHead): boolean {
  return (
    head.count > 0 &&
    head.counted <= head.count &&
    head.count * recordHeadBytes <= head.length - batchHeadBytes &&
    [head.firstOffset, head.countedBefore, head.bytesBefore].every(
      (number) => Number.isSafeInteger(number) && number >= 0,
    )
  );
}

/** For logs of JSON alone: no id stands for anything. */
export const noSchemas: FindSchema = () => undefined;

/** `schemas` finds what the ids in the log stand for. */
export function decodeBatch(
  bytes: Uint8Array,
  offset: number,
  schemas: FindSchema,
): CommittedBatch {
  const head = readHead(bytes, offset);
  const batch = asBuffer(bytes);
  const records = decodeRecords(batch.subarray(batchHeadBytes), offset, schemas);
  if (records.length !== head.count)
    throw corrupt(offset, `the batch has ${records.length} records, its head says ${head.count}`);
  return { firstOffset: offset, records };
}

/** Records without a batch around them; an offset in an error is that which the first of them was to get. */
export function decodeRecords(bytes: Uint8Array, offset: number, schemas: FindSchema): LogRecord[] {
  const batch = asBuffer(bytes);
  const places: RecordPlace[] = [];
  const bodies: BodyPlace[] = [];
  for (let position = 0; position < batch.length; ) {
    const end = endOfRecord(batch, position, offset + places.length);
    const place = { batch, position, end, offset: offset + places.length };
    places.push(place);
    if (isJson(place)) bodies.push({ start: position + recordHeadBytes, end });
    position = end;
  }
  const values = parseBodies(batch, bodies);
  let next = 0;
  return places.map((place) =>
    decodeAt(place, schemas, isJson(place) ? values[next++] : undefined),
  );
}

function isJson({ batch, position }: RecordPlace): boolean {
  return batch.readUInt8(position + 2) === payloadFormats.json;
}

/**
 * The record at `offset` of the batch that begins at `firstOffset`; undefined past its end (B2).
 */
export function decodeRecord(
  bytes: Uint8Array,
  { firstOffset, offset }: { readonly firstOffset: number; readonly offset: number },
  schemas: FindSchema,
): LogRecord | undefined {
  const head = readHead(bytes, firstOffset);
  if (offset < firstOffset || offset >= firstOffset + head.count) return undefined;
  const batch = asBuffer(bytes);
  let position = batchHeadBytes;
  for (let at = firstOffset; at < offset; at += 1) position = endOfRecord(batch, position, at);
  return decodeAt({ batch, position, end: endOfRecord(batch, position, offset), offset }, schemas);
}

function endOfRecord(batch: Buffer, position: number, offset: number): number {
  const payload = position + recordHeadBytes;
  if (payload > batch.length) throw corrupt(offset, "the record's head is cut");
  const end = payload + batch.readUInt32LE(position + 33);
  if (end > batch.length) throw corrupt(offset, "the record's payload is cut");
  return end;
}

interface RecordPlace {
  readonly batch: Buffer;
  readonly position: number;
  readonly end: number;
  readonly offset: number;
}

/** `parsed` is what a JSON payload says, where that is known already. */
function decodeAt(place: RecordPlace, schemas: FindSchema, parsed?: unknown): LogRecord {
  const { batch, position, end, offset } = place;
  const version = batch.readUInt8(position);
  if (version !== formatVersion) throw unreadable(offset, `record format ${version}`);
  const format = batch.readUInt8(position + 2);
  const sealKeyId = batch.readUInt32LE(position + 13);
  if (sealKeyId !== 0) throw unreadable(offset, `a record sealed with key ${sealKeyId}`);
  const at = batch.readDoubleLE(position + 5);
  if (!Number.isFinite(at)) throw corrupt(offset, "the record's time is no number");
  const head = {
    kindCode: batch.readUInt8(position + 1),
    partition: batch.readUInt16LE(position + 3),
    at,
  };
  switch (format) {
    case payloadFormats.json: {
      const body = parsed ?? parseBody(batch.toString("utf8", position + recordHeadBytes, end));
      const record = recordOf({ ...head, body });
      if (typeof record === "string") throw corrupt(offset, record);
      return record;
    }
    case payloadFormats.avro:
      return decodeEvent({ ...place, ...head, format: "avro" }, schemas);
    case payloadFormats.protobuf:
      return decodeEvent({ ...place, ...head, format: "protobuf" }, schemas);
    default:
      throw unreadable(offset, `payload format ${format}`);
  }
}

interface CompactRecord extends RecordPlace {
  readonly kindCode: number;
  readonly partition: number;
  readonly at: number;
  readonly format: CompactFormat;
}

function decodeEvent(record: CompactRecord, schemas: FindSchema): LogRecord {
  const { batch, position, end, offset, kindCode, partition, at, format } = record;
  if (kindCode !== kindCodes.event)
    throw corrupt(offset, `a record of kind ${kindCode} is written in ${format}`);
  try {
    const bytes = { batch, at: position + recordHeadBytes, end, format };
    const { key, event } = readEvent(bytes, schemas);
    return { kind: "event", partition, at, key, event };
  } catch (error) {
    throw recordError(offset, error);
  }
}

/** What is wrong with a payload or its schema, as an error of the port. */
export function recordError(offset: number, error: unknown): unknown {
  if (error instanceof PayloadDamaged) return corrupt(offset, error.message);
  return error instanceof PayloadUnknown ? unreadable(offset, error.message) : error;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function corrupt(offset: number, what: string): LogCorruptError {
  return new LogCorruptError(offset, {
    message: `log record at offset ${offset} is damaged: ${what}`,
    hint: "run `freshet verify`, then restore the data folder from a backup or an archive",
  });
}

function unreadable(offset: number, what: string): LogUnreadableError {
  return new LogUnreadableError(offset, {
    message: `log record at offset ${offset} cannot be read by this version: ${what}`,
    hint: "open the data folder with the version of freshet that wrote it, or a newer one",
  });
}
