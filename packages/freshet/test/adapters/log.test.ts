import { execFile, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { open } from "lmdb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLmdbLog, openLmdbLogReader } from "../../src/adapters/log/lmdb.ts";
import { diskBytesFreeMin } from "../../src/adapters/log/lmdb-environment.ts";
import { openMemoryLog } from "../../src/adapters/log/memory.ts";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { logContract } from "../../src/testing/contract/log.ts";
import { eventRecord, eventRecords } from "../../src/testing/contract/records.ts";
import { randomOf } from "../../src/testing/random.ts";
import { seedOfRun } from "../../src/testing/seed.ts";
import { makeFolder } from "./folder.ts";
import { formats, writingAs } from "./log-format.ts";

const run = promisify(execFile);
/** A limit on the size of files stands in for a disk that refuses to write. */
const canLimitFiles = process.platform === "linux";
const child = fileURLToPath(new URL("./log-child.ts", import.meta.url));

describe.each(formats)("log in %s", (format) => {
  logContract("lmdb", async () => {
    const folder = await makeFolder();
    let room = Number.MAX_SAFE_INTEGER;
    return {
      open: async () =>
        writingAs(format, await openLmdbLog({ folder: folder.path, bytesFree: () => room })),
      fail: (isFailing) => {
        room = isFailing ? diskBytesFreeMin : Number.MAX_SAFE_INTEGER;
      },
      remove: folder.remove,
    };
  });

  logContract("memory", async () => {
    const random = randomOf(seedOfRun());
    const disk = new MemoryDisk({ random: () => random.next() });
    return {
      open: async () => writingAs(format, await openMemoryLog(disk)),
      crash: () => disk.crash(),
      fail: (isFailing) => {
        disk.faults = { ...disk.faults, failureShare: isFailing ? 1 : 0 };
      },
      remove: async () => {},
    };
  });
});

describe("lmdb log", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  beforeEach(async () => {
    folder = await makeFolder();
  });
  afterEach(() => folder.remove());

  it("ends a group with the append that brings it to a thousand records", async () => {
    const log = await openLmdbLog({ folder: folder.path });
    const sizes: number[] = [];
    log.onCommitted(({ records }) => sizes.push(records.length));
    const appends = Array.from({ length: 26 }, (_, index) =>
      log.append(eventRecords(index * 90, 90)),
    );
    const receipts = await Promise.all(appends);
    expect(sizes).toEqual([1080, 1080, 180]);
    expect(receipts.map(({ firstOffset }) => firstOffset)).toEqual(
      receipts.map((_, index) => index * 90),
    );
    await log.close();
  });

  it("G5 keeps every resolved append when the process is killed", async () => {
    for (let round = 0; round < 6; round += 1) {
      const format = formats[round % formats.length];
      const resolved = await appendUntilKilled(folder.path, 60 + 40 * round, format);
      const log = await openLmdbLog({ folder: folder.path });
      const kept = [...log.read(0)].flatMap((batch) => batch.records);
      await log.close();
      expect(resolved).toBeGreaterThan(0);
      expect(kept.length).toBeGreaterThan(resolved);
      expect(kept).toEqual(eventRecords(0, kept.length));
    }
  }, 30_000);

  it("G6 refuses a second process, and takes it after the first was killed", async () => {
    const log = await openLmdbLog({ folder: folder.path });
    expect(await printed("open", folder.path)).toBe("logLocked");
    await log.close();
    await appendUntilKilled(folder.path, 50);
    expect(await printed("open", folder.path)).toBe("opened");
  }, 20_000);

  it("G6 lets one of many that open at the same time in", async () => {
    await appendUntilKilled(folder.path, 50);
    const opened = await Promise.allSettled(
      Array.from({ length: 8 }, () => openLmdbLog({ folder: folder.path })),
    );
    const logs = opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    expect(logs).toHaveLength(1);
    await logs[0]?.close();
  }, 20_000);

  it("is read by another process beside the writer, without the lock", async () => {
    const log = await openLmdbLog({ folder: folder.path });
    await log.append(eventRecords(0, 5));
    await log.append(eventRecords(5, 5));
    expect(await printed("read", folder.path)).toBe(`${log.id} 10 10 10`);
    expect((await log.append([eventRecord(10)])).firstOffset).toBe(10);
    await log.close();
    const reader = openLmdbLogReader({ folder: folder.path });
    expect([reader.next, reader.counted, reader.get(10)]).toEqual([11, 11, eventRecord(10)]);
    await reader.close();
  });

  it("says so where there is no log to read", () => {
    expect(() => openLmdbLogReader({ folder: `${folder.path}/none` })).toThrow("there is no log");
  });

  it("is read in the same process beside the writer", async () => {
    const log = await openLmdbLog({ folder: folder.path });
    await log.append(eventRecords(0, 5));
    const reader = openLmdbLogReader({ folder: folder.path });
    expect(reader.next).toBe(5);
    await log.append(eventRecords(5, 5));
    expect([reader.next, reader.get(7)]).toEqual([10, eventRecord(7)]);
    await reader.close();
    expect((await log.append([eventRecord(10)])).firstOffset).toBe(10);
    await log.close();
  });

  it("trims on a disk that appends have filled", async () => {
    let room = Number.MAX_SAFE_INTEGER;
    const log = await openLmdbLog({ folder: folder.path, bytesFree: () => room });
    for (let from = 0; from < 4; from += 2) await log.append(eventRecords(from, 2));
    room = diskBytesFreeMin;
    await expect(log.append([eventRecord(4)])).rejects.toThrow("bytes are free");
    await log.trim(2);
    expect(log.first).toBe(2);
    await log.close();
  });

  it("appends on a disk that looks full into the room that a trim has made inside the file", async () => {
    let room = Number.MAX_SAFE_INTEGER;
    const log = await openLmdbLog({ folder: folder.path, bytesFree: () => room });
    const large = "x".repeat(4_000_000);
    for (let number = 0; number < 24; number += 1) await log.append([eventRecord(number, large)]);
    room = diskBytesFreeMin;
    await expect(log.append([eventRecord(24)])).rejects.toThrow("bytes are free");
    await log.trim(23);
    expect((await log.append([eventRecord(24)])).firstOffset).toBe(24);
    await log.close();
  });

  it.skipIf(!canLimitFiles)(
    "G1 G5 keeps nothing of an append that the system refused to write",
    async () => {
      const [code, next] = (await appendUntilRefused(folder.path)).split(" ");
      expect([code, Number(next) > 1000]).toEqual(["logWrite", true]);
      const log = await openLmdbLog({ folder: folder.path });
      expect([...log.read(0)].flatMap((batch) => batch.records)).toEqual(
        eventRecords(0, Number(next)),
      );
      expect((await log.append([eventRecord(0)])).firstOffset).toBe(Number(next));
      await log.close();
    },
    20_000,
  );

  it("names the offset of bytes that are damaged, and still reads the others", async () => {
    const log = await openLmdbLog({ folder: folder.path });
    for (let from = 0; from < 9; from += 3) await log.append(eventRecords(from, 3));
    await log.close();
    await damage(folder.path, 3);
    const opened = await openLmdbLog({ folder: folder.path });
    const damaged = expect.objectContaining({ code: "logCorrupt", offset: 3 });
    expect(() => opened.get(4)).toThrow(damaged);
    expect(() => [...opened.read(0)]).toThrow(damaged);
    expect([opened.get(2), opened.get(6)]).toEqual([eventRecord(2), eventRecord(6)]);
    await opened.close();
    await damage(folder.path, 6);
    await expect(openLmdbLog({ folder: folder.path })).rejects.toMatchObject({ offset: 6 });
    await expect(openLmdbLog({ folder: folder.path })).rejects.toMatchObject({
      code: "logCorrupt",
    });
  });
});

/**
 * Starts a process that appends, kills it in the middle; the last offset that it printed as
 * resolved.
 */
async function appendUntilKilled(
  folder: string,
  afterMs: number,
  format = "json",
): Promise<number> {
  const writer = spawn(process.execPath, [child, "append", folder, format], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  const closed = new Promise((resolve) => writer.once("close", resolve));
  await new Promise<void>((resolve) => {
    writer.stdout.on("data", (data: Buffer) => {
      output += data.toString();
      resolve();
    });
  });
  await sleep(afterMs);
  writer.kill("SIGKILL");
  await closed;
  return Math.max(...output.split("\n").slice(0, -1).map(Number));
}

/** Starts a process that appends until a write fails; what it says then. It is killed at once. */
async function appendUntilRefused(folder: string): Promise<string> {
  const script = 'ulimit -S -f 4000; exec "$0" "$@"';
  const writer = spawn("sh", ["-c", script, process.execPath, child, "full", folder], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const closed = new Promise((resolve) => writer.once("close", resolve));
  const said = await new Promise<string>((resolve) => {
    writer.stdout.once("data", (data: Buffer) => resolve(data.toString().trim()));
  });
  writer.kill("SIGKILL");
  await closed;
  return said;
}

async function printed(verb: string, folder: string): Promise<string> {
  const { stdout } = await run(process.execPath, [child, verb, folder]);
  return stdout.trim();
}

async function damage(folder: string, firstOffset: number): Promise<void> {
  const root = open({ path: folder, noSubdir: false, overlappingSync: false });
  const batches = root.openDB<Uint8Array, number>({ name: "batch", encoding: "binary" });
  const bytes = Buffer.from(batches.getBinary(firstOffset) ?? []);
  const position = bytes.length - 5;
  bytes[position] = (bytes[position] ?? 0) ^ 4;
  await batches.put(firstOffset, bytes);
  await root.close();
}
