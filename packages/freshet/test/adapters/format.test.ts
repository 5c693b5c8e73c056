import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { BatchEncoder } from "../../src/adapters/log/encoder.ts";
import { decodeBatch, decodeRecord, noSchemas, readHead } from "../../src/adapters/log/format.ts";
import { compactFormats, eventCodec } from "../../src/adapters/log/payload/codec.ts";
import type { EventSchema, FindSchema } from "../../src/adapters/log/payload/event-payload.ts";
import type { LogRecord } from "../../src/core/record.ts";
import { LogCorruptError, LogUnreadableError } from "../../src/engine/port/errors.ts";
import { eventRecord, eventRecords, recordOfEachKind } from "../../src/testing/contract/records.ts";
import { randomOf } from "../../src/testing/random.ts";
import { seedOfRun } from "../../src/testing/seed.ts";
import { contractLayout, formats, type LogFormat } from "./log-format.ts";

const seed = seedOfRun();
const replay = `replay: FRESHET_SEED=${seed} npx vitest run packages/freshet/test/adapters`;
const place = { firstOffset: 1000, countedBefore: 700, bytesBefore: 123_456 };
const recordBytes = 48;

/** The contract's schema in each format; none for JSON. */
const schemas = new Map<LogFormat, EventSchema>(
  compactFormats.map((format) => [format, { id: 3, codec: eventCodec(format, contractLayout) }]),
);

function encode(records: readonly LogRecord[], schema?: EventSchema): Buffer {
  const encoder = new BatchEncoder();
  encoder.add(records, schema);
  return Buffer.from(encoder.seal(place));
}

/** Puts the crc right again, so that the checks behind it are reached. */
function withCrc(batch: Buffer): Buffer {
  batch.writeUInt32LE(crc32(batch.subarray(8)), 4);
  return batch;
}

describe("log format", () => {
  it("gives back every kind of record, whole batches and one by one", () => {
    const batch = encode(recordOfEachKind);
    expect(readHead(batch, 1000)).toEqual({ ...place, length: batch.length, count: 6, counted: 2 });
    expect(decodeBatch(batch, 1000, noSchemas).records).toEqual(recordOfEachKind);
    const offsets = [999, 1000, 1001, 1002, 1003, 1004, 1005, 1006];
    expect(
      offsets.map((offset) => decodeRecord(batch, { firstOffset: 1000, offset }, noSchemas)),
    ).toEqual([undefined, ...recordOfEachKind, undefined]);
  });

  it.each(formats)("B4 gives back every kind of record where events are in %s", (format) => {
    const schema = schemas.get(format);
    const batch = encode(recordOfEachKind, schema);
    const head = readHead(batch, 1000);
    expect([head.count, head.counted]).toEqual([6, 2]);
    expect(batch[recordBytes + 2]).toBe({ json: 0, avro: 1, protobuf: 2 }[format]);
    const { records } = decodeBatch(batch, 1000, () => schema);
    expect(records).toEqual(recordOfEachKind);
    expect(decodeRecord(batch, { firstOffset: 1000, offset: 1000 }, () => schema)).toEqual(
      recordOfEachKind[0],
    );
    if (schema === undefined) return;
    expect(() => decodeBatch(batch, 1000, noSchemas)).toThrow(
      expect.objectContaining({ code: "logCorrupt", offset: 1000 }),
    );
    // The others are stepped over, so that only events need the schema (B2).
    expect(decodeRecord(batch, { firstOffset: 1000, offset: 1001 }, noSchemas)).toEqual(
      recordOfEachKind[1],
    );
  });

  it("B3 B4 refuses a record of another kind than an event in a compact format", () => {
    const schema = schemas.get("avro");
    const batch = encode([eventRecord(0)], schema);
    batch[recordBytes + 1] = 3;
    expect(() => decodeBatch(withCrc(batch), 1000, () => schema)).toThrow(
      "a record of kind 3 is written in avro",
    );
  });

  it("P1 gives back more bodies than are parsed together, and names the one that is no JSON", () => {
    const records = eventRecords(0, 20_000);
    const batch = encode(records);
    expect(batch.length).toBeGreaterThan(3 * 1024 * 1024);
    expect(decodeBatch(batch, 1000, noSchemas).records).toEqual(records);
    const damaged = Buffer.from(batch);
    const text = JSON.stringify(records[12_345]).match(/"id":"[^"]+"/)?.[0] ?? "";
    damaged[damaged.indexOf(text)] = 0x7d;
    expect(() => decodeBatch(withCrc(damaged), 1000, noSchemas)).toThrow(
      expect.objectContaining({ code: "logCorrupt", offset: 13_345 }),
    );
    const cut = withCrc(damaged.subarray(0, damaged.length - 1));
    cut.writeUInt32LE(cut.length, 8);
    expect(() => decodeBatch(withCrc(cut), 1000, noSchemas)).toThrow(/payload is cut/);
    expect(decodeBatch(batch, 1000, noSchemas).records).toEqual(records);
  });

  it("P1 gives back keys that need an escape, among others and after ones that look alike", () => {
    const odd = (number: number, key: string): LogRecord => {
      const record = eventRecord(number);
      return { ...record, event: { ...record.event, properties: { number, [key]: 1 } } };
    };
    for (const key of ["\\", "\n", '"', "\u0000", "plain"]) {
      const records = [eventRecord(1), odd(2, key), eventRecord(3), odd(4, "\\n")];
      expect(decodeBatch(encode(records), 1000, noSchemas).records).toEqual(records);
    }
  });

  it("B2 parses only the record that is asked for", () => {
    const batch = encode(eventRecords(0, 3));
    const second = batch.indexOf('"number":1');
    batch.write("[", second);
    withCrc(batch);
    expect(decodeRecord(batch, { firstOffset: 1000, offset: 1000 }, noSchemas)).toEqual(
      eventRecord(0),
    );
    expect(decodeRecord(batch, { firstOffset: 1000, offset: 1002 }, noSchemas)).toEqual(
      eventRecord(2),
    );
    expect(() => decodeRecord(batch, { firstOffset: 1000, offset: 1001 }, noSchemas)).toThrow(
      expect.objectContaining({ code: "logCorrupt", offset: 1001 }),
    );
  });

  it("keeps the version 1 layout byte for byte", () => {
    const batch = encode([{ kind: "tick", partition: 258, at: 1 }]);
    expect(batch.toString("hex")).toBe(
      "464c4701" +
        crcHex(batch) +
        "57000000" +
        "01000000" +
        "00000000" +
        "00000000" +
        "0000000000408f40" +
        "0000000000e08540" +
        "000000000024fe40" +
        "010300" +
        "0201" +
        "000000000000f03f" +
        "00000000" +
        "00".repeat(16) +
        "02000000" +
        "7b7d",
    );
  });

  it("B3 refuses a sealed record, unknown versions and payload formats, and names the offset", () => {
    const change = (position: number, value: number) => {
      const batch = encode([eventRecord(0)]);
      batch[position] = value;
      return withCrc(batch);
    };
    const positions = {
      batchVersion: 3,
      version: recordBytes,
      payloadFormat: recordBytes + 2,
      seal: recordBytes + 13,
    };
    for (const position of Object.values(positions)) {
      expect(() => decodeBatch(change(position, 9), 1000, noSchemas)).toThrow(
        expect.objectContaining({ code: "logUnreadable", offset: 1000, retryable: false }),
      );
    }
    expect(() => decodeBatch(change(positions.seal, 2), 1000, noSchemas)).toThrow(
      "sealed with key 2",
    );
  });

  it("B1 refuses a batch that is kept under another offset", () => {
    expect(() => decodeBatch(encode([eventRecord(0)]), 1001, noSchemas)).toThrow(
      "the batch is that of 1000",
    );
  });

  it.each(formats)("B1 finds every flipped bit and every cut, in %s", (format) => {
    const batch = encode(recordOfEachKind, schemas.get(format));
    for (let bit = 0; bit < batch.length * 8; bit += 1) {
      const damaged = Buffer.from(batch);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expectRefused(damaged);
    }
    for (let length = 0; length < batch.length; length += 1)
      expectRefused(batch.subarray(0, length));
    expectRefused(Buffer.concat([batch, Buffer.alloc(1)]));
  });

  it.each(formats)(
    "B1 ends in a typed error or a record, behind a right crc too, in %s",
    (format) => {
      const random = randomOf(seed);
      const batch = encode(recordOfEachKind, schemas.get(format));
      const find = () => schemas.get(format);
      for (let round = 0; round < 10_000; round += 1) {
        const bytes = Buffer.from(batch);
        const changes = 1 + random.below(4);
        for (let change = 0; change < changes; change += 1) {
          bytes[8 + random.below(bytes.length - 8)] = random.pick([0, 1, 255, random.below(256)]);
        }
        withCrc(bytes);
        for (const decode of [decodeAll, decodeEach]) {
          try {
            decode(bytes, find);
          } catch (error) {
            if (!isTyped(error)) throw new Error(`not a typed error. ${replay}`, { cause: error });
          }
        }
      }
    },
  );

  it("B1 refuses random bytes", () => {
    const random = randomOf(seed);
    for (let round = 0; round < 5000; round += 1) {
      const bytes = Buffer.from(Array.from({ length: random.below(300) }, () => random.below(256)));
      if (random.chance(0.5) && bytes.length >= 12) {
        bytes.write("FLG\u0001", 0);
        bytes.writeUInt32LE(bytes.length, 8);
        withCrc(bytes);
      }
      expectRefused(bytes);
    }
  });

  it("uses its buffer again without a trace of what was there", () => {
    const encoder = new BatchEncoder();
    encoder.add([eventRecord(0, "x".repeat(200_000))]);
    encoder.seal(place);
    encoder.reset();
    encoder.add([eventRecord(1)]);
    expect(Buffer.from(encoder.seal(place))).toEqual(encode([eventRecord(1)]));
  });
});

function crcHex(batch: Buffer): string {
  return batch.subarray(4, 8).toString("hex");
}

function decodeAll(bytes: Buffer, find: FindSchema): void {
  decodeBatch(bytes, 1000, find);
}

function decodeEach(bytes: Buffer, find: FindSchema): void {
  for (let offset = 1000; offset < 1006; offset += 1)
    decodeRecord(bytes, { firstOffset: 1000, offset }, find);
}

function isTyped(error: unknown): boolean {
  const isOurs = error instanceof LogCorruptError || error instanceof LogUnreadableError;
  return isOurs && error.offset >= 1000 && error.offset < 2000 && error.hint.length > 0;
}

function expectRefused(bytes: Buffer): void {
  let caught: unknown;
  try {
    decodeBatch(bytes, 1000, noSchemas);
  } catch (error) {
    caught = error;
  }
  if (!isTyped(caught)) throw new Error(`not refused as damaged. ${replay}`, { cause: caught });
}
