import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { openLmdbState, openLmdbStateReader } from "../../src/adapters/state/lmdb.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import { StateWriteError } from "../../src/engine/port/errors.ts";
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

// So few bytes stay in runs that all there is has moved on to the tree before the next commit.
stateContract("lmdb, moving", async () => {
  const folder = await makeFolder();
  let room = Number.MAX_SAFE_INTEGER;
  return {
    open: () => openLmdbState({ folder: folder.path, bytesFree: () => room, runBytesMin: 0 }),
    fail: (isFailing) => {
      room = isFailing ? 0 : Number.MAX_SAFE_INTEGER;
    },
    remove: folder.remove,
  };
});

it("lmdb state says the same as a map while values move from runs to the tree", async () => {
  const seed = seedOfRun();
  const random = randomOf(seed);
  const folder = await makeFolder();
  let room = Number.MAX_SAFE_INTEGER;
  const open = (runBytesMin: number) =>
    openLmdbState({ folder: folder.path, bytesFree: () => room, runBytesMin });
  let store = await open(50_000);
  const known = new Map<string, string>();
  for (let round = 0; round < 150; round += 1) {
    const changes = Array.from({ length: random.below(200) }, () => {
      const key = `user:${Math.floor(random.next() ** 3 * 2000)}`;
      const text = random.chance(0.1) ? null : `${round}`.repeat(1 + random.below(600));
      return { table: "state" as const, key, value: text === null ? null : Buffer.from(text) };
    });
    const isLost = random.chance(0.15);
    const split = random.below(changes.length + 1);
    store.stage(changes.slice(0, split));
    if (isLost && random.chance(0.5)) {
      await store.unstage();
    } else {
      room = isLost ? 0 : Number.MAX_SAFE_INTEGER;
      const written = store.commit(changes.slice(split));
      if (!isLost) await written;
      else if (changes.length > 0) await expect(written).rejects.toThrow();
      // With nothing of its own to write, it needs room only where values move to the tree meanwhile.
      else await written.catch((error) => expect(error).toBeInstanceOf(StateWriteError));
      room = Number.MAX_SAFE_INTEGER;
      if (!isLost)
        for (const { key, value } of changes)
          if (value === null) known.delete(key);
          else known.set(key, value.toString());
    }
    for (const { key } of changes)
      expect(store.get("state", key)?.toString(), `seed ${seed}`).toBe(known.get(key));
    if (random.chance(0.1)) {
      await store.close();
      store = await open(random.pick([0, 50_000, 1_000_000]));
      expect(store.count("state")).toBe(known.size);
      const found = [...store.scan("state", {})].map(([key, value]) => [key, String(value)]);
      expect(found, `seed ${seed}`).toEqual([...known].sort(([a], [b]) => (a < b ? -1 : 1)));
    }
  }
  await store.close();
  await folder.remove();
}, 30_000);

it("lmdb state is read beside a writer, wherever the values have moved", async () => {
  const folder = await makeFolder();
  const store = await openLmdbState({ folder: folder.path, runBytesMin: 0 });
  await store.commit([{ table: "state", key: "a", value: Buffer.from("0") }]);
  const reader = openLmdbStateReader({ folder: folder.path });
  for (let round = 1; round < 20; round += 1) {
    const value = Buffer.from(`${round}`.padEnd(5000));
    await store.commit(["a", "b", "c", "d"].map((key) => ({ table: "state", key, value })));
    await new Promise(setImmediate);
    expect(String(reader.get("state", "a")).trim()).toBe(`${round}`);
    const found = [...reader.scan("state", { from: "b" })].map(([, text]) => String(text).trim());
    expect(found).toEqual([`${round}`, `${round}`, `${round}`]);
  }
  await reader.close();
  await store.close();
  await folder.remove();
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
