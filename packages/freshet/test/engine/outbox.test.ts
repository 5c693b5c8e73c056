import { describe, expect, it } from "vitest";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import type { SendEffect } from "../../src/core/effect.ts";
import {
  Outbox,
  type OutboxEntry,
  type OutboxLimits,
  outboxLimits,
} from "../../src/engine/outbox.ts";
import type { StateStore } from "../../src/engine/port/state-store.ts";
import { effectOf } from "../../src/testing/contract/sink.ts";
import { textCodec } from "./dispatcher-fixture.ts";

const refused = { code: "refused", reason: "no", at: 1000, attempts: 1 } as const;

async function place(limits: Partial<OutboxLimits> = {}) {
  const disk = new MemoryDisk();
  let store: StateStore = await openMemoryState(disk);
  let outbox = new Outbox(store, textCodec, 0, { ...outboxLimits, ...limits });
  return {
    disk,
    get outbox() {
      return outbox;
    },
    get keys() {
      return [...store.scan("outbox", {})].map(([key]) => key);
    },
    async checkpoint(): Promise<"committed" | "failed"> {
      const changes = outbox.beginSnapshot();
      const outcome = await store.commit(changes).then(
        () => "committed" as const,
        () => "failed" as const,
      );
      outbox.endSnapshot(outcome);
      return outcome;
    },
    async forget(time: number, countMax = 1000): Promise<void> {
      await store.commit(outbox.forgetSentBefore(time, countMax));
    },
    /** As after a crash: what was not committed is gone. */
    async reopen(): Promise<void> {
      const { sequence } = outbox;
      await store.close();
      store = await openMemoryState(disk);
      outbox = new Outbox(store, textCodec, sequence, { ...outboxLimits, ...limits });
    },
  };
}

function head(outbox: Outbox, destination = "crm"): OutboxEntry {
  const entry = outbox.peek(destination);
  if (entry === null) throw new Error("nothing waits");
  return entry;
}

function drain(outbox: Outbox, destination = "crm"): string[] {
  const ids: string[] = [];
  for (let entry = outbox.peek(destination); entry !== null; entry = outbox.peek(destination)) {
    ids.push(entry.effect.id);
    outbox.acknowledge(entry, entry.effect.at);
  }
  return ids;
}

const many = (count: number): SendEffect[] =>
  Array.from({ length: count }, (_, index) => effectOf(`e${index}`, "ana"));

describe("outbox", () => {
  it("O1 hands out nothing before its checkpoint, and says when it does", async () => {
    const it = await place();
    const ready: string[] = [];
    it.outbox.onReady((destination) => ready.push(destination));
    it.outbox.add(effectOf("e1", "ana"));
    expect(it.outbox.peek("crm")).toBeNull();
    const changes = it.outbox.beginSnapshot();
    expect([changes.length, it.outbox.peek("crm"), ready]).toEqual([2, null, []]);
    it.outbox.endSnapshot("committed");
    expect([it.outbox.peek("crm")?.effect.id, ready]).toEqual(["e1", ["crm"]]);
  });

  it("O1 hands out nothing that a store shows before its commit has resolved", async () => {
    const store = await openMemoryState(new MemoryDisk());
    const outbox = new Outbox(store, textCodec, 0, { ...outboxLimits, windowEntriesMax: 100 });
    const effects = many(155);
    for (const effect of effects.slice(0, 105)) outbox.add(effect);
    await store.commit(outbox.beginSnapshot());
    for (const effect of effects.slice(105)) outbox.add(effect);
    outbox.endSnapshot("committed");
    await store.commit(outbox.beginSnapshot());
    expect(drain(outbox)).toHaveLength(105);
    outbox.endSnapshot("committed");
    expect(drain(outbox)).toEqual(effects.slice(105).map(({ id }) => id));
    expect(outbox.waiting("crm")).toBe(0);
  });

  it("O2 delivers again after a crash before the checkpoint, and not after it", async () => {
    const it = await place();
    it.outbox.add(effectOf("e1", "ana"));
    await it.checkpoint();
    expect(drain(it.outbox)).toEqual(["e1"]);
    await it.reopen();
    expect(drain(it.outbox)).toEqual(["e1"]);
    await it.checkpoint();
    await it.reopen();
    expect(drain(it.outbox)).toEqual([]);
  });

  it("O3 keeps an id out in the same checkpoint, while it waits, while it is abandoned and once it is sent", async () => {
    const it = await place();
    it.outbox.add(effectOf("e1", "ana"));
    it.outbox.add(effectOf("e1", "ana"));
    it.outbox.add(effectOf("e2", "ana"));
    await it.checkpoint();
    for (const id of ["e1", "e2"]) it.outbox.add(effectOf(id, "ana"));
    await it.checkpoint();
    expect(it.outbox.waiting("crm")).toBe(2);
    it.outbox.acknowledge(head(it.outbox), 5000);
    it.outbox.abandon(head(it.outbox), refused);
    for (let round = 0; round < 2; round++) {
      for (const id of ["e1", "e2"]) it.outbox.add(effectOf(id, "ana"));
      await it.checkpoint();
      expect([it.outbox.waiting("crm"), it.outbox.abandonedCount]).toEqual([0, 1]);
    }
  });

  it("O3 forgets what was delivered before a time, and nothing that was delivered at it or waits", async () => {
    const it = await place();
    for (const effect of many(3)) it.outbox.add(effect);
    await it.checkpoint();
    it.outbox.acknowledge(head(it.outbox), 4999);
    it.outbox.acknowledge(head(it.outbox), 5000);
    await it.checkpoint();
    await it.forget(5000);
    for (const effect of many(3)) it.outbox.add(effect);
    await it.checkpoint();
    expect(it.outbox.window("crm").map(({ effect }) => effect.id)).toEqual(["e2", "e0"]);
  });

  it("forgets as fast as it delivers once a horizon is known", async () => {
    const it = await place();
    it.outbox.forgetSentBefore(10_000, 1);
    for (let round = 0; round < 20; round++) {
      for (let index = 0; index < 10; index++) it.outbox.add(effectOf(`${round}.${index}`, "ana"));
      await it.checkpoint();
      for (const entry of [...it.outbox.window("crm")]) it.outbox.acknowledge(entry, round);
    }
    expect(it.keys.length).toBeLessThan(100);
  });

  it("O4 keeps what is abandoned with its reason, newest first, across restarts", async () => {
    const it = await place();
    for (const effect of many(3)) it.outbox.add(effect);
    await it.checkpoint();
    it.outbox.abandon(head(it.outbox), refused);
    await it.checkpoint();
    it.outbox.abandon(head(it.outbox), { ...refused, reason: "still no", attempts: 7 });
    const listed = () =>
      it.outbox
        .listAbandoned(10)
        .map(({ effect, reason, attempts }) => [effect.id, reason, attempts]);
    const expected = [
      ["e1", "still no", 7],
      ["e0", "no", 1],
    ];
    expect(listed()).toEqual(expected);
    await it.checkpoint();
    await it.reopen();
    expect([listed(), it.outbox.abandonedCount]).toEqual([expected, 2]);
    expect(it.outbox.listAbandoned(1)).toHaveLength(1);
    expect(drain(it.outbox)).toEqual(["e2"]);
  });

  it("O4 puts an abandoned effect back once, at the end, with the same id, before or after its checkpoint", async () => {
    for (const isStored of [true, false]) {
      const it = await place();
      for (const effect of many(2)) it.outbox.add(effect);
      await it.checkpoint();
      it.outbox.abandon(head(it.outbox), refused);
      if (isStored) await it.checkpoint();
      expect(it.outbox.retryAbandoned("e0", 9000)).toBe(true);
      expect(it.outbox.retryAbandoned("e0", 9000)).toBe(false);
      expect(it.outbox.retryAbandoned("e1", 9000)).toBe(false);
      expect(it.outbox.listAbandoned(10)).toEqual([]);
      it.disk.faults = { ...it.disk.faults, failureShare: 1 };
      expect(await it.checkpoint()).toBe("failed");
      it.disk.faults = { ...it.disk.faults, failureShare: 0 };
      await it.checkpoint();
      await it.reopen();
      expect([it.outbox.listAbandoned(10), it.outbox.abandonedCount]).toEqual([[], 0]);
      expect(it.outbox.window("crm").map(({ effect, since }) => [effect.id, since])).toEqual([
        ["e1", 1_790_000_000_000],
        ["e0", 9000],
      ]);
    }
  });

  it("O4 drops the oldest abandoned effects past the limit, and counts them", async () => {
    const it = await place({ abandonedMax: 3 });
    for (const effect of many(5)) it.outbox.add(effect);
    await it.checkpoint();
    for (let index = 0; index < 3; index++) it.outbox.abandon(head(it.outbox), refused);
    await it.checkpoint();
    expect(it.outbox.abandonedDropped).toBe(0);
    for (let index = 0; index < 2; index++) it.outbox.abandon(head(it.outbox), refused);
    await it.checkpoint();
    const ids = it.outbox.listAbandoned(10).map(({ effect }) => effect.id);
    expect([ids, it.outbox.abandonedCount, it.outbox.abandonedDropped]).toEqual([
      ["e4", "e3", "e2"],
      3,
      2,
    ]);
    expect(it.keys.filter((key) => key.startsWith("~known/"))).toHaveLength(3);
  });

  it("O5 holds a window in memory and hands out everything in order, also after a restart", async () => {
    const it = await place({ windowEntriesMax: 10 });
    const effects = many(95);
    for (const effect of effects.slice(0, 40)) it.outbox.add(effect);
    await it.checkpoint();
    for (const effect of effects.slice(40)) it.outbox.add(effect);
    await it.checkpoint();
    expect([it.outbox.window("crm").length, it.outbox.waiting("crm")]).toEqual([10, 95]);
    const first = [head(it.outbox).effect.id];
    it.outbox.acknowledge(head(it.outbox));
    await it.checkpoint();
    await it.reopen();
    expect([it.outbox.window("crm").length, it.outbox.waiting("crm")]).toEqual([10, 94]);
    expect([...first, ...drain(it.outbox)]).toEqual(effects.map(({ id }) => id));
  });

  it("O5 hands out no more than the limit ahead of the checkpoint, and goes on after it", async () => {
    const it = await place({ windowEntriesMax: 10, settledEntriesMax: 20 });
    for (const effect of many(100)) it.outbox.add(effect);
    await it.checkpoint();
    const ready: string[] = [];
    it.outbox.onReady((destination) => ready.push(destination));
    let taken = 0;
    for (let round = 0; taken < 100; round++) {
      const ids = drain(it.outbox);
      expect(ids.length).toBeLessThanOrEqual(30);
      expect(ids.length).toBeGreaterThan(0);
      taken += ids.length;
      await it.checkpoint();
      expect(ready.length).toBe(Math.min(round + 1, ready.length));
    }
    expect(it.outbox.waiting("crm")).toBe(0);
  });

  it("O6 a checkpoint that fails loses nothing and hands out nothing", async () => {
    const it = await place();
    it.outbox.add(effectOf("e1", "ana"));
    it.outbox.add(effectOf("e2", "ana"));
    await it.checkpoint();
    it.outbox.acknowledge(head(it.outbox), 1);
    it.outbox.abandon(head(it.outbox), refused);
    it.outbox.add(effectOf("e3", "ana"));
    it.disk.faults = { ...it.disk.faults, failureShare: 1 };
    expect(await it.checkpoint()).toBe("failed");
    expect(it.outbox.peek("crm")).toBeNull();
    it.disk.faults = { ...it.disk.faults, failureShare: 0 };
    await it.checkpoint();
    await it.reopen();
    expect(it.outbox.listAbandoned(10).map(({ effect }) => effect.id)).toEqual(["e2"]);
    expect(drain(it.outbox)).toEqual(["e3"]);
  });

  it("keeps destinations of any name apart", async () => {
    const names = ["a", "a/b", "~sent", "ä %2F", "a!"];
    const it = await place();
    for (const destination of names) it.outbox.add(effectOf(destination, "ana", { destination }));
    await it.checkpoint();
    await it.reopen();
    expect(it.outbox.destinations().toSorted()).toEqual(names.toSorted());
    for (const name of names) expect(drain(it.outbox, name)).toEqual([name]);
  });

  it("acknowledges and abandons an entry once", async () => {
    const it = await place();
    it.outbox.add(effectOf("e1", "ana"));
    await it.checkpoint();
    const entry = head(it.outbox);
    it.outbox.acknowledge(entry, 1);
    it.outbox.acknowledge(entry, 1);
    it.outbox.abandon(entry, refused);
    expect([it.outbox.waiting("crm"), it.outbox.abandonedCount]).toEqual([0, 0]);
  });
});
