import { expect, it } from "vitest";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { openLmdbState, openLmdbStateReader } from "../../src/adapters/state/lmdb.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import { stateContract } from "../../src/testing/contract/state-store.ts";
import { randomOf, seedOfRun } from "../../src/testing/random.ts";
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
  const random = randomOf(seedOfRun(process.env));
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
