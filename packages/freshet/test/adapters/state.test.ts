import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { openLmdbState, openLmdbStateReader } from "../../src/adapters/state/lmdb.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import { stateContract } from "../../src/testing/contract/state-store.ts";
import { randomOf } from "../../src/testing/random.ts";
import { seedOfRun } from "../../src/testing/seed.ts";
import { makeFolder } from "./folder.ts";

stateContract("lmdb", async () => {
  const folder = await makeFolder();
  let room = Number.MAX_SAFE_INTEGER;
  return {
    open: () => openLmdbState({ folder: folder.path, bytesFree: () => room }),
    fail: (isFailing) => {
      room = isFailing ? 0 : Number.MAX_SAFE_INTEGER;
    },
    remove: folder.remove,
  };
});

stateContract("memory", async () => {
  const random = randomOf(seedOfRun());
  const disk = new MemoryDisk({ random: () => random.next() });
  return {
    open: () => openMemoryState(disk),
    crash: () => disk.crash(),
    fail: (isFailing) => {
      disk.faults = { ...disk.faults, failureShare: isFailing ? 1 : 0 };
    },
    remove: async () => {},
  };
});

it("lmdb state is read by a reader that cannot write", async () => {
  const folder = await makeFolder();
  const store = await openLmdbState({ folder: folder.path });
  await store.commit([{ table: "meta", key: "a", value: Buffer.from("1") }]);
  await store.close();
  const reader = openLmdbStateReader({ folder: folder.path });
  expect(reader.get("meta", "a")).toEqual(Buffer.from("1"));
  await expect(reader.commit([])).rejects.toMatchObject({ code: "stateWrite" });
  await reader.close();
  await folder.remove();
});

it("lmdb state refuses keys that its pages cannot hold, with the whole commit", async () => {
  const folder = await makeFolder();
  const store = await openLmdbState({ folder: folder.path });
  const change = { table: "meta" as const, value: new Uint8Array(1) };
  const good = { ...change, key: "a" };
  await expect(store.commit([good, { ...change, key: "x".repeat(1979) }])).rejects.toThrow("1979");
  await expect(store.commit([{ ...change, key: "" }])).rejects.toThrow("1 to 1978 bytes");
  await store.commit([{ ...change, key: "x".repeat(1978) }]);
  expect([store.count("meta"), store.get("meta", "a")]).toEqual([1, undefined]);
  await store.close();
  await folder.remove();
});

it("lmdb state S1 S2 holds whole commits, every resolved one, when the process is killed", async () => {
  const folder = await makeFolder();
  const child = fileURLToPath(new URL("./state-child.ts", import.meta.url));
  for (let round = 0; round < 3; round += 1) {
    const writer = spawn(process.execPath, [child, folder.path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    const closed = new Promise((resolve) => writer.once("close", resolve));
    const started = new Promise<void>((resolve) => {
      writer.stdout.on("data", (data: Buffer) => {
        output += data.toString();
        resolve();
      });
    });
    await started;
    await sleep(40 + 30 * round);
    writer.kill("SIGKILL");
    await closed;
    const resolved = Math.max(...output.split("\n").slice(0, -1).map(Number));
    const store = await openLmdbState({ folder: folder.path });
    const numbers = [...store.scan("state", {})].map(([, value]) =>
      Buffer.from(value).readDoubleLE(),
    );
    expect(numbers).toHaveLength(500);
    expect(new Set(numbers).size).toBe(1);
    expect(numbers[0]).toBeGreaterThanOrEqual(resolved);
    await store.close();
  }
  await folder.remove();
}, 20_000);
