import { expect, it } from "vitest";
import { strictMsgpackCodec } from "../../src/adapters/codec/msgpack.ts";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import { emptyProfile, never, type ProfileState } from "../../src/core/profile.ts";
import { KeyedState, type Snapshot } from "../../src/engine/keyed-state.ts";
import type { Mapping } from "../../src/engine/migrate.ts";
import type { StateStore } from "../../src/engine/port/state-store.ts";

const mapping: Mapping = { features: [], sessionFeatures: [], segments: [], due: [], entities: {} };

/** A segment that was not there before. */
const newSegment: Mapping = { ...mapping, segments: [-1], due: [100] };

interface Given {
  readonly liveMax?: number;
  readonly horizon?: () => number;
  /** From epoch 1. */
  readonly mapping?: Mapping;
}

const stateOver = (store: StateStore, given: Given = {}) =>
  new KeyedState({
    store,
    codec: strictMsgpackCodec(),
    epoch: 1,
    mappingFrom: () => given.mapping ?? mapping,
    liveMax: given.liveMax ?? 4,
    horizon: given.horizon ?? (() => 0),
  });

/** Sets version and timer, as a step would. */
function change(state: KeyedState, key: string, version: number, timer: number = never): void {
  const known = state.edit(key);
  const profile: ProfileState =
    known?.state.kind === "profile" ? known.state.profile : emptyProfile(0);
  profile.version = version;
  profile.timer = timer;
  state.put(key, known, { kind: "profile", profile });
}

function versionOf(state: KeyedState, key: string): number | null {
  const found = state.read(key);
  return found?.kind === "profile" ? found.profile.version : null;
}

async function save(state: KeyedState, store: StateStore): Promise<void> {
  await finish(state.beginSnapshot(), state, store);
}

async function finish(snapshot: Snapshot, state: KeyedState, store: StateStore): Promise<void> {
  while (state.encodeSlice(1));
  await store.commit(snapshot.changes);
  state.endSnapshot("committed");
}

const timersOf = (store: StateStore) => [...store.scan("timer", {})].map(([key]) => key.slice(10));

it("drops clean keys past its bound, and reads them back from the store", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store);
  for (let index = 0; index < 20; index++) change(state, `user:${index}`, index);
  expect(state.heldCount).toBe(20);
  await save(state, store);
  for (let index = 0; index < 20; index++) expect(versionOf(state, `user:${index}`)).toBe(index);
  expect(state.heldCount).toBeLessThanOrEqual(5);
});

it("keeps a key that is used, whatever comes and goes beside it", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const fetched: string[] = [];
  const counting: StateStore = Object.create(store, {
    get: {
      value: (table: "state", key: string) => {
        fetched.push(key);
        return store.get(table, key);
      },
    },
  });
  const state = stateOver(counting, { liveMax: 16 });
  change(state, "user:hot", 1);
  fetched.length = 0;
  for (let index = 0; index < 200; index++) {
    expect(versionOf(state, "user:hot")).toBe(1);
    change(state, `user:${index}`, index);
    if (index % 4 === 3) await save(state, store);
  }
  expect(fetched).not.toContain("user:hot");
  expect(state.heldCount).toBeLessThan(40);
});

it("never drops what the store does not have", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store);
  for (let index = 0; index < 50; index++) change(state, `user:${index}`, index + 1);
  for (let index = 0; index < 50; index++)
    expect(versionOf(state, `user:${index}`)).toBe(index + 1);
  expect(state.dirtyCount).toBe(50);
});

it("writes a snapshot as it was when it began, whatever is changed meanwhile", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store);
  for (const key of ["user:a", "user:b", "user:c"]) change(state, key, 1);
  const snapshot = state.beginSnapshot();
  state.encodeSlice(1);
  for (const key of ["user:a", "user:b", "user:c"]) change(state, key, 2);
  change(state, "user:d", 2);
  await finish(snapshot, state, store);
  const other = stateOver(store);
  expect(["user:a", "user:b", "user:c", "user:d"].map((key) => versionOf(other, key))).toEqual([
    1,
    1,
    1,
    null,
  ]);
  await save(state, store);
  const later = stateOver(store);
  expect(["user:a", "user:d"].map((key) => versionOf(later, key))).toEqual([2, 2]);
});

it("writes with the next snapshot what a failed one held, and keeps one timer a key", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store);
  change(state, "user:a", 1, 100);
  await save(state, store);
  change(state, "user:a", 2, 200);
  change(state, "user:b", 1, 300);
  state.beginSnapshot();
  state.encodeSlice(1);
  state.endSnapshot("failed");
  expect(state.dirtyCount).toBe(2);
  change(state, "user:a", 3, 400);
  await save(state, store);
  expect(timersOf(store)).toEqual(["0064/user:a", "012c/user:b"]);
  expect(versionOf(stateOver(store), "user:a")).toBe(3);
});

it("tells timers that are encoded and not yet on disk among those the store may not know", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store);
  change(state, "user:a", 1, 100);
  state.beginSnapshot();
  while (state.encodeSlice(1));
  change(state, "user:b", 1, 200);
  expect([...state.dirtyTimers()].sort()).toEqual([
    ["user:a", 100],
    ["user:b", 200],
  ]);
});

it("leaves a timer's entry where it is while the timer only moves away, and moves it past the horizon", async () => {
  const store = await openMemoryState(new MemoryDisk());
  let horizon = 0;
  const state = stateOver(store, { horizon: () => horizon });
  change(state, "user:a", 1, 200);
  await save(state, store);
  change(state, "user:a", 2, 300);
  await save(state, store);
  expect(timersOf(store)).toEqual(["00c8/user:a"]);
  change(state, "user:a", 3, 100);
  await save(state, store);
  expect(timersOf(store)).toEqual(["0064/user:a"]);
  horizon = 150;
  change(state, "user:a", 4, 120);
  await save(state, store);
  expect(timersOf(store)).toEqual(["0064/user:a"]);
  const again = stateOver(store, { horizon: () => horizon });
  change(again, "user:a", 5, 150);
  await save(again, store);
  expect(timersOf(store)).toEqual(["0096/user:a"]);
  change(again, "user:a", 6, never);
  await save(again, store);
  expect(timersOf(store)).toEqual([]);
});

const epochOf = (store: StateStore, key: string): unknown =>
  (strictMsgpackCodec().decode(store.get("state", key) as Uint8Array) as unknown[])[0];

it("keeps a snapshot under the plan that it began with when the plan changes meanwhile", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store);
  for (let version = 1; version <= 3; version++) change(state, "user:live", version);
  change(state, "user:packed", 1);
  const snapshot = state.beginSnapshot();
  state.switchTo(2, mapping);
  await finish(snapshot, state, store);
  expect(["user:live", "user:packed"].map((key) => epochOf(store, key))).toEqual([1, 1]);
  change(state, "user:packed", 2);
  await save(state, store);
  expect(["user:live", "user:packed"].map((key) => epochOf(store, key))).toEqual([2, 2]);
});

const isLive = (state: KeyedState, key: string) => state.find(key)?.state !== null;

it("K4 holds a key packed until it changes often, and again when it has not changed for a snapshot", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store);
  change(state, "user:a", 1);
  change(state, "user:a", 2);
  expect(isLive(state, "user:a")).toBe(false);
  expect(versionOf(state, "user:a")).toBe(2);
  expect(isLive(state, "user:a")).toBe(false);
  change(state, "user:a", 3);
  expect(isLive(state, "user:a")).toBe(true);
  await save(state, store);
  change(state, "user:a", 4);
  await save(state, store);
  expect(isLive(state, "user:a")).toBe(true);
  expect(versionOf(stateOver(store), "user:a")).toBe(4);
  await save(state, store);
  expect(isLive(state, "user:a")).toBe(false);
  expect(versionOf(state, "user:a")).toBe(4);
});

it("K4 counts changes from one snapshot to the next", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store);
  for (let version = 1; version <= 8; version++) {
    change(state, "user:a", version);
    if (version % 2 === 0) await save(state, store);
    expect(isLive(state, "user:a")).toBe(false);
  }
});

it("moves the entry of a timer that was packed before the horizon went past it", async () => {
  const store = await openMemoryState(new MemoryDisk());
  let horizon = 0;
  const state = stateOver(store, { horizon: () => horizon });
  change(state, "user:a", 1, 200);
  await save(state, store);
  change(state, "user:a", 2, 300);
  horizon = 250;
  await save(state, store);
  expect(timersOf(store)).toEqual(["012c/user:a"]);
  const again = stateOver(store, { horizon: () => horizon });
  expect(versionOf(again, "user:a")).toBe(2);
  change(again, "user:a", 3, 400);
  await save(again, store);
  expect(timersOf(store)).toEqual(["012c/user:a"]);
});

it("keeps a state that the codec refuses, and tells with the checkpoint", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store);
  change(state, "user:a", Number.NaN);
  expect(versionOf(state, "user:a")).toBe(Number.NaN);
  state.beginSnapshot();
  expect(() => state.encodeSlice(1)).toThrow("NaN");
  state.endSnapshot("failed");
  expect(state.dirtyCount).toBe(1);
  change(state, "user:a", 1);
  await save(state, store);
  expect(versionOf(stateOver(store), "user:a")).toBe(1);
});

it("K5 leaves packed keys as they are where another plan has nothing to decide anew", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store, { mapping: { ...mapping, segments: [0] } });
  change(state, "user:a", 1, 200);
  await save(state, store);
  state.switchTo(2, mapping);
  expect(state.dirtyCount).toBe(0);
  expect(isLive(state, "user:a")).toBe(false);
  const found = state.read("user:a");
  expect(found?.kind === "profile" && found.profile.members).toHaveLength(1);
});

it("K5 has packed profiles looked at where another plan has a new segment", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store, { mapping: newSegment });
  change(state, "user:a", 1, 200);
  change(state, "entity:product:p", 1);
  await save(state, store);
  state.switchTo(2, newSegment);
  expect([...state.dirtyTimers()]).toEqual([["user:a", 100]]);
  await save(state, store);
  // It has no part, so that there is nothing to decide; which shows when it is unpacked.
  expect(timersOf(store)).toEqual([]);
  expect(epochOf(store, "user:a")).toBe(2);
  expect(state.find("user:a")?.timer).toBe(never);
  expect(isLive(state, "user:a")).toBe(false);
});

it("K5 leaves a packed profile packed whose timer turns out to be another plan's", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store, { mapping: newSegment });
  change(state, "user:a", 1, 200);
  state.switchTo(2, newSegment);
  const held = state.edit("user:a");
  expect(held?.timer).toBe(never);
  if (held !== null) state.leave(held);
  expect(isLive(state, "user:a")).toBe(false);
  for (let version = 2; version <= 4; version++) change(state, "user:a", version);
  const live = state.edit("user:a");
  if (live !== null) state.leave(live);
  expect(isLive(state, "user:a")).toBe(true);
});

it("K5 encodes what a snapshot awaits before another plan holds", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store, { mapping: newSegment });
  change(state, "user:a", 1, 200);
  const snapshot = state.beginSnapshot();
  state.switchTo(2, newSegment);
  state.switchTo(3, mapping);
  await finish(snapshot, state, store);
  expect(epochOf(store, "user:a")).toBe(1);
  expect(timersOf(store)).toEqual(["00c8/user:a"]);
});

it("K1 holds for a key that is only touched while a snapshot is encoded", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const state = stateOver(store);
  for (const key of ["user:a", "user:b"]) change(state, key, 1);
  const snapshot = state.beginSnapshot();
  const held = state.find("user:b");
  if (held !== null) state.touch(held);
  await finish(snapshot, state, store);
  expect(versionOf(stateOver(store), "user:b")).toBe(1);
  expect(state.dirtyCount).toBe(1);
});
