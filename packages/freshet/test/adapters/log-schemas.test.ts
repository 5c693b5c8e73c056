import { open } from "lmdb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BatchEncoder } from "../../src/adapters/log/encoder.ts";
import { decodeBatch } from "../../src/adapters/log/format.ts";
import { openLmdbLog, openLmdbLogReader } from "../../src/adapters/log/lmdb.ts";
import { diskBytesFreeMin } from "../../src/adapters/log/lmdb-environment.ts";
import { openMemoryLog } from "../../src/adapters/log/memory.ts";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { eventCodec } from "../../src/adapters/log/payload/codec.ts";
import { layoutOf } from "../../src/adapters/log/payload/event-layout.ts";
import { schemaFinder } from "../../src/adapters/log/payload/schema-row.ts";
import type { Log } from "../../src/engine/port/log.ts";
import { eventRecord, eventRecords, recordOfEachKind } from "../../src/testing/contract/records.ts";
import { makeFolder } from "./folder.ts";
import { contractLayout, formats, writingAs } from "./log-format.ts";

const later = layoutOf({
  events: [{ name: "Product Viewed", properties: { text: { kind: "string", optional: true } } }],
  tables: [],
  joins: [],
});
const avro = { format: "avro", layout: contractLayout } as const;

function recordsOf(log: Pick<Log, "first" | "read">) {
  return [...log.read(log.first)].flatMap(({ records }) => records);
}

describe("schemas of a log", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  beforeEach(async () => {
    folder = await makeFolder();
  });
  afterEach(() => folder.remove());

  it("B4 a log holds records in all formats, and each is read as it was written", async () => {
    for (const [index, format] of [...formats, ...formats].entries()) {
      const log = await writingAs(format, await openLmdbLog({ folder: folder.path }));
      await log.append(eventRecords(index * 3, 3));
      await log.append(recordOfEachKind.slice(1));
      await log.close();
    }
    const reader = openLmdbLogReader({ folder: folder.path });
    const events = recordsOf(reader).filter(({ kind }) => kind === "event");
    expect(events).toEqual(eventRecords(0, 18));
    expect(reader.schemas().map(({ id, format }) => [id, format])).toEqual([
      [2 ** 31, "avro"],
      [2 ** 31 + 1, "protobuf"],
    ]);
    await reader.close();
  });

  it("F2 the same schema has the same id, another one another, and both are read for ever", async () => {
    const log = await openLmdbLog({ folder: folder.path });
    expect(await log.writeEventsAs({ ...avro, id: 41 })).toBe(41);
    await log.append([eventRecord(0)]);
    expect(await log.writeEventsAs({ ...avro, layout: later })).toBe(2 ** 31);
    await log.append([eventRecord(1, "a")]);
    expect(await log.writeEventsAs({ ...avro, id: 7 })).toBe(41);
    // Taken by another one: the log's own ids never change their meaning.
    expect(await log.writeEventsAs({ format: "protobuf", layout: later, id: 41 })).toBe(
      2 ** 31 + 1,
    );
    await log.append([eventRecord(2, "b")]);
    for (const [index, id] of [0, -1, 0.5, 2 ** 31, 2 ** 33].entries()) {
      const layout = layoutOf({
        events: [{ name: `E${id}`, properties: {} }],
        tables: [],
        joins: [],
      });
      // No registry gives such ids.
      expect(await log.writeEventsAs({ format: "avro", layout, id })).toBe(2 ** 31 + 2 + index);
    }
    expect(await log.writeEventsAs(null)).toBeNull();
    await log.append([eventRecord(3)]);
    await log.close();
    const reader = openLmdbLogReader({ folder: folder.path });
    expect(recordsOf(reader)).toEqual([
      eventRecord(0),
      eventRecord(1, "a"),
      eventRecord(2, "b"),
      eventRecord(3),
    ]);
    expect(reader.schemas().map(({ id }) => id)).toEqual([
      41,
      ...Array.from({ length: 7 }, (_, index) => 2 ** 31 + index),
    ]);
    await reader.close();
  });

  it("a reader that is open already finds a schema that came later", async () => {
    const log = await openLmdbLog({ folder: folder.path });
    await log.append([eventRecord(0)]);
    const reader = openLmdbLogReader({ folder: folder.path });
    expect(reader.get(0)).toEqual(eventRecord(0));
    await log.writeEventsAs(avro);
    await log.append([eventRecord(1)]);
    expect([reader.get(1), reader.schemas().length]).toEqual([eventRecord(1), 1]);
    await reader.close();
    await log.close();
  });

  it("F3 an event that no schema has a place for is written as JSON beside the others", async () => {
    const log = await writingAs("avro", await openLmdbLog({ folder: folder.path }));
    const strange = eventRecord(1, "a\ud800b");
    await log.append([eventRecord(0), strange, eventRecord(2)]);
    await log.close();
    const reader = openLmdbLogReader({ folder: folder.path });
    expect(recordsOf(reader)).toEqual([eventRecord(0), strange, eventRecord(2)]);
    await reader.close();
  });

  it("F1 stays with what it had where the schema cannot be written", async () => {
    let room = Number.MAX_SAFE_INTEGER;
    const log = await openLmdbLog({ folder: folder.path, bytesFree: () => room });
    room = diskBytesFreeMin;
    await expect(log.writeEventsAs(avro)).rejects.toMatchObject({ code: "logWrite" });
    room = Number.MAX_SAFE_INTEGER;
    await log.append([eventRecord(0)]);
    expect([log.schemas(), log.get(0)]).toEqual([[], eventRecord(0)]);
    expect(await log.writeEventsAs(avro)).toBe(2 ** 31);
    await log.close();
    await expect(log.writeEventsAs(avro)).rejects.toMatchObject({ code: "logWrite" });
  });

  it("F1 a crash keeps the schema of every event that it keeps", async () => {
    const disk = new MemoryDisk();
    for (let round = 0; round < 20; round++) {
      const log = await openMemoryLog(disk);
      const layout = layoutOf({
        events: [{ name: `E${round}`, properties: {} }],
        tables: [],
        joins: [],
      });
      const defined = log.writeEventsAs({ format: "avro", layout });
      defined.catch(() => {});
      const appended = log.append([eventRecord(round)]);
      if (round % 3 > 0) await defined;
      if (round % 3 > 1) await Promise.all([appended, log.append([eventRecord(round)])]);
      disk.crash();
      const again = await openMemoryLog(disk);
      expect(recordsOf(again)).toHaveLength(again.next);
      await again.close();
    }
  });

  it("are plain data, which another thread reads batches with", async () => {
    const log = await openLmdbLog({ folder: folder.path });
    await log.writeEventsAs(avro);
    const sent = structuredClone(log.schemas());
    await log.close();
    const encoder = new BatchEncoder();
    const codec = eventCodec(avro.format, avro.layout);
    encoder.add(eventRecords(0, 3), { id: sent[0]?.id ?? 0, codec });
    const bytes = encoder.seal({ firstOffset: 5, countedBefore: 0, bytesBefore: 0 });
    const find = schemaFinder((id) => sent.find((schema) => schema.id === id));
    expect(decodeBatch(bytes, 5, find).records).toEqual(eventRecords(0, 3));
  });

  it("says which schema is missing or damaged, and at which record", async () => {
    const log = await openLmdbLog({ folder: folder.path });
    await log.append([eventRecord(0)]);
    await log.writeEventsAs({ ...avro, id: 1 });
    await log.append([eventRecord(1)]);
    await log.close();
    for (const [row, code, message] of [
      ["{}", "logCorrupt", "schema 1 of the log cannot be read: it has version undefined"],
      ['{"version":2}', "logUnreadable", "cannot be read by this version: schema 1 of the log"],
      [undefined, "logCorrupt", "its schema 1 is not in the log"],
    ] as const) {
      const root = open({ path: folder.path, noSubdir: false, encoding: "string", maxDbs: 16 });
      if (row === undefined) await root.remove("schema/0000000001");
      else await root.put("schema/0000000001", row);
      await root.close();
      const reader = openLmdbLogReader({ folder: folder.path });
      expect(reader.get(0)).toEqual(eventRecord(0));
      expect(() => reader.get(1)).toThrow(
        expect.objectContaining({
          code,
          offset: 1,
          message: expect.stringContaining(message),
        }),
      );
      await reader.close();
    }
  });
});
