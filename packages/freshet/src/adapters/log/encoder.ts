import { hash128Into } from "../../core/hash.ts";
import { isCounted, type LogRecord } from "../../core/record.ts";
import { bodyText, keyOf, kindCode } from "./body.ts";
import {
  batchHeadBytes,
  formatVersion,
  payloadBytesMax,
  recordHeadBytes,
  writeHead,
} from "./format.ts";

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
  #buffer = Buffer.allocUnsafeSlow(bufferBytesAtFirst);
  #end = batchHeadBytes;
  #count = 0;
  #counted = 0;

  get bytes(): number {
    return this.#end;
  }
  get count(): number {
    return this.#count;
  }
  get counted(): number {
    return this.#counted;
  }

  /** All of them or, where it throws (a value that JSON cannot say), none. */
  add(records: readonly LogRecord[]): void {
    const before = { end: this.#end, count: this.#count, counted: this.#counted };
    try {
      for (const record of records) this.#addOne(record);
    } catch (error) {
      this.#end = before.end;
      this.#count = before.count;
      this.#counted = before.counted;
      throw error;
    }
  }

  seal(place: BatchPlace): Buffer {
    const batch = this.#buffer.subarray(0, this.#end);
    writeHead(batch, { ...place, count: this.#count, counted: this.#counted });
    return batch;
  }

  reset(): void {
    if (this.#buffer.length > bufferBytesKept) {
      this.#buffer = Buffer.allocUnsafeSlow(bufferBytesAtFirst);
    }
    this.#end = batchHeadBytes;
    this.#count = 0;
    this.#counted = 0;
  }

  #addOne(record: LogRecord): void {
    const text = bodyText(record);
    if (text.length * utf8BytesPerUnit > payloadBytesMax) {
      throw new RangeError(`a log record of ${text.length} characters is too long`);
    }
    const position = this.#end;
    this.#reserve(recordHeadBytes + text.length * utf8BytesPerUnit);
    const buffer = this.#buffer;
    const length = buffer.write(text, position + recordHeadBytes, "utf8");
    buffer[position] = formatVersion;
    buffer[position + 1] = kindCode(record);
    buffer[position + 2] = 0;
    buffer.writeUInt16LE(record.partition, position + 3);
    buffer.writeDoubleLE(record.at, position + 5);
    buffer.writeUInt32LE(0, position + 13);
    writeKeyHash(buffer, position + 17, keyOf(record));
    buffer.writeUInt32LE(length, position + 33);
    this.#end = position + recordHeadBytes + length;
    this.#count += 1;
    if (isCounted(record)) this.#counted += 1;
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#end);
    this.#buffer = grown;
  }
}

const hashWords = new Uint32Array(4);

function writeKeyHash(buffer: Buffer, position: number, key: string | undefined): void {
  if (key === undefined) hashWords.fill(0);
  else hash128Into(key, hashWords, 0, 0);
  for (let index = 0; index < 4; index += 1) {
    buffer.writeUInt32LE(hashWords[index] ?? 0, position + index * 4);
  }
}
