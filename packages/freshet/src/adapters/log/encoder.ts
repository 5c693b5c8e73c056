import { hash128Into } from "../../core/hash.ts";
import { isCounted, type LogRecord } from "../../core/record.ts";
import { bodyText, keyOf, kindCode } from "./body.ts";
import {
  batchHeadBytes,
  formatVersion,
  payloadBytesMax,
  payloadFormats,
  recordHeadBytes,
  writeHead,
} from "./format.ts";
import { ByteWriter } from "./payload/byte-writer.ts";
import { type EventSchema, writeEvent } from "./payload/event-payload.ts";

/** Where a batch stands in the log; known only when it is written. */
export interface BatchPlace {
  readonly firstOffset: number;
  readonly countedBefore: number;
  readonly bytesBefore: number;
}

/** A buffer that one large batch blew up is not kept for the next. */
const bufferBytesKept = 4 * 1024 * 1024;
const bufferBytesAtFirst = 64 * 1024;
/** One UTF-16 unit takes at most three bytes in UTF-8. */
const utf8BytesPerUnit = 3;

/**
 * Gathers the records of one group commit as bytes, while the commit before it is being synced. The
 * buffer is used again after `reset`, so what `seal` returned must be on disk by then.
 */
export class BatchEncoder {
  #out = new ByteWriter(bufferBytesAtFirst);
  #count = 0;
  #counted = 0;

  constructor() {
    this.#out.at = batchHeadBytes;
  }

  get bytes(): number {
    return this.#out.at;
  }
  get count(): number {
    return this.#count;
  }
  get counted(): number {
    return this.#counted;
  }

  /**
   * All of them or, where it throws (a value that JSON cannot say), none. Events are written with
   * the schema, those that it has no place for and all other records as JSON.
   */
  add(records: readonly LogRecord[], schema?: EventSchema): void {
    const before = { at: this.#out.at, count: this.#count, counted: this.#counted };
    try {
      for (const record of records) this.#addOne(record, schema);
    } catch (error) {
      this.#out.at = before.at;
      this.#count = before.count;
      this.#counted = before.counted;
      throw error;
    }
  }

  /** What `take` of another encoder gave, and the records that it holds. */
  addEncoded(bytes: Uint8Array, records: readonly LogRecord[]): void {
    const out = this.#out;
    out.room(bytes.length);
    out.buffer.set(bytes, out.at);
    out.at += bytes.length;
    this.#count += records.length;
    for (const record of records) if (isCounted(record)) this.#counted += 1;
  }

  /** The records by themselves, to be sealed elsewhere. A copy: the encoder begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#out.buffer.subarray(batchHeadBytes, this.#out.at));
    this.reset();
    return bytes;
  }

  seal(place: BatchPlace): Buffer {
    const batch = this.#out.buffer.subarray(0, this.#out.at);
    writeHead(batch, { ...place, count: this.#count, counted: this.#counted });
    return batch;
  }

  reset(): void {
    if (this.#out.buffer.length > bufferBytesKept) this.#out = new ByteWriter(bufferBytesAtFirst);
    this.#out.at = batchHeadBytes;
    this.#count = 0;
    this.#counted = 0;
  }

  #addOne(record: LogRecord, schema: EventSchema | undefined): void {
    const out = this.#out;
    const position = out.at;
    out.room(recordHeadBytes);
    out.at += recordHeadBytes;
    const format = writePayload(out, record, schema);
    const { buffer } = out;
    buffer[position] = formatVersion;
    buffer[position + 1] = kindCode(record);
    buffer[position + 2] = format;
    buffer.writeUInt16LE(record.partition, position + 3);
    buffer.writeDoubleLE(record.at, position + 5);
    buffer.writeUInt32LE(0, position + 13);
    writeKeyHash(buffer, position + 17, keyOf(record));
    buffer.writeUInt32LE(out.at - position - recordHeadBytes, position + 33);
    this.#count += 1;
    if (isCounted(record)) this.#counted += 1;
  }
}

/** The number of the format that it chose. */
function writePayload(out: ByteWriter, record: LogRecord, schema: EventSchema | undefined): number {
  const { at } = out;
  if (schema !== undefined && record.kind === "event" && writeEvent(out, record, schema)) {
    checkLength(out.at - at);
    return payloadFormats[schema.codec.format];
  }
  const text = bodyText(record);
  checkLength(text.length * utf8BytesPerUnit);
  out.room(text.length * utf8BytesPerUnit);
  out.at += out.buffer.write(text, out.at, "utf8");
  return payloadFormats.json;
}

function checkLength(bytes: number): void {
  if (bytes > payloadBytesMax)
    throw new RangeError(`a log record of up to ${bytes} bytes is too long`);
}

const hashWords = new Uint32Array(4);

function writeKeyHash(buffer: Buffer, position: number, key: string | undefined): void {
  if (key === undefined) hashWords.fill(0);
  else hash128Into(key, hashWords, 0, 0);
  for (let index = 0; index < 4; index += 1) {
    buffer.writeUInt32LE(hashWords[index] ?? 0, position + index * 4);
  }
}
