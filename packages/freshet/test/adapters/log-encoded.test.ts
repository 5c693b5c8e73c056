import { expect, test } from "vitest";
import { BatchEncoder } from "../../src/adapters/log/encoder.ts";
import { openMemoryLog } from "../../src/adapters/log/memory.ts";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import type { LogRecord } from "../../src/core/record.ts";
import { LogCorruptError, LogWriteError } from "../../src/engine/port/errors.ts";
import type { CommittedBatch } from "../../src/engine/port/log.ts";
import { eventRecords, recordOfEachKind } from "../../src/testing/contract/records.ts";
import { randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";

function encoded(records: readonly LogRecord[]): Uint8Array {
  const encoder = new BatchEncoder();
  encoder.add(records);
  return encoder.take();
}

test("records that another thread encoded are kept, numbered and heard as if they were appended here", async () => {
  await withSeed(import.meta.url, async (seed) => {
    const random = randomOf(seed);
    const disk = new MemoryDisk({ random: () => random.next() });
    const log = await openMemoryLog(disk);
    const heard: CommittedBatch[] = [];
    log.onCommitted((batch) => heard.push(batch));
    const expected: LogRecord[] = [];
    const appends: Promise<void>[] = [];
    for (let round = 0; round < 40; round++) {
      const records = random.chance(0.2)
        ? recordOfEachKind
        : eventRecords(round * 10, 1 + random.below(5));
      const firstOffset = expected.length;
      expected.push(...records);
      const append = random.chance(0.5) ? log.append(records) : log.appendEncoded(encoded(records));
      appends.push(
        append.then((receipt) =>
          expect(receipt).toEqual({ firstOffset, lastOffset: firstOffset + records.length - 1 }),
        ),
      );
      if (random.chance(0.3)) await Promise.all(appends);
    }
    await Promise.all(appends);
    expect([...log.read(0)].flatMap(({ records }) => records)).toEqual(expected);
    expect(heard.flatMap(({ records }) => records)).toEqual(expected);
    expect(log.counted).toBe(expected.filter(({ kind }) => /^(event|dead)/.test(kind)).length);
    await log.close();
  });
});

test("what are no records is refused as a whole, and a log that cannot write keeps nothing", async () => {
  const disk = new MemoryDisk();
  const log = await openMemoryLog(disk);
  const bytes = encoded(eventRecords(0, 3));
  for (const broken of [bytes.subarray(1), bytes.subarray(0, -1), Uint8Array.of(1, 2, 3)])
    await expect(log.appendEncoded(broken)).rejects.toThrow(LogCorruptError);
  await expect(log.appendEncoded(new Uint8Array(0))).rejects.toThrow(RangeError);
  disk.faults = { ...disk.faults, failureShare: 1 };
  await expect(log.appendEncoded(bytes)).rejects.toThrow(LogWriteError);
  disk.faults = { ...disk.faults, failureShare: 0 };
  await log.appendEncoded(bytes);
  expect([log.next, log.counted]).toEqual([3, 3]);
  await log.close();
});
