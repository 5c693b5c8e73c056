import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type ScanRange,
  type StateChange,
  type StateStore,
  stateTables,
} from "../../engine/port/state-store.ts";
import { randomOf } from "../random.ts";
import { seedOfRun } from "../seed.ts";

/**
 * One place where a store can live, empty at first. What an adapter cannot do in a test is left
 * out.
 */
export interface StatePlace {
  open(): Promise<StateStore>;
  crash?(): void;
  fail?(isFailing: boolean): void;
  remove(): Promise<void>;
}

/** The guarantees S1 to S5 of `engine/port/state-store.ts`, for any adapter. */
export function stateContract(name: string, makePlace: () => Promise<StatePlace>): void {
  describe(`state contract: ${name}`, () => {
    let place: StatePlace;
    let store: StateStore;
    beforeEach(async () => {
      place = await makePlace();
      store = await place.open();
    });
    afterEach(async () => {
      await store.close();
      await place.remove();
    });

    it("begins empty in every table", () => {
      for (const table of stateTables) {
        expect(store.get(table, "a")).toBeUndefined();
        expect([...store.scan(table, {})]).toEqual([]);
        expect(store.count(table)).toBe(0);
      }
    });

    it("S3 S4 shows what a resolved commit changed, and keeps it", async () => {
      await store.commit([put("a", "1"), put("b", "2"), put("c", "3")]);
      await store.commit([put("a", "10"), { table: "state", key: "b", value: null }]);
      const seen = () => [
        textOf(store.get("state", "a")),
        store.get("state", "b"),
        store.count("state"),
      ];
      expect(seen()).toEqual(["10", undefined, 2]);
      await store.close();
      store = await place.open();
      expect(seen()).toEqual(["10", undefined, 2]);
    });

    it("keeps the tables apart, the same key in each", async () => {
      await store.commit(stateTables.map((table) => put("k", table, table)));
      expect(stateTables.map((table) => textOf(store.get(table, "k")))).toEqual([...stateTables]);
    });

    it("takes the last of several changes to one key in a commit", async () => {
      await store.commit([put("a", "1"), { table: "state", key: "a", value: null }, put("a", "2")]);
      expect(textOf(store.get("state", "a"))).toBe("2");
    });

    it("tells empty values from missing ones, and may delete what is not there", async () => {
      await store.commit([put("a", ""), { table: "state", key: "zz", value: null }]);
      await store.commit([]);
      expect(store.get("state", "a")).toHaveLength(0);
    });

    it("gives values that nothing changes afterwards", async () => {
      await store.commit([put("a", "1"), put("b", "22")]);
      const first = store.get("state", "a");
      const scanned = [...store.scan("state", {})].map(([, value]) => value);
      store.get("state", "b");
      await store.commit([put("a", "3"), put("b", "44")]);
      store.get("state", "b");
      expect([first, ...scanned].map(textOf)).toEqual(["1", "1", "22"]);
    });

    it("takes large values and long keys", async () => {
      const key = "user:".padEnd(1500, "é".normalize("NFD")).slice(0, 600);
      const value = Uint8Array.from({ length: 3_000_000 }, (_, index) => index % 251);
      await store.commit([{ table: "state", key, value }]);
      expect(Buffer.compare(store.get("state", key) ?? new Uint8Array(), value)).toBe(0);
      expect([...store.scan("state", {})].map(([found]) => found)).toEqual([key]);
    });

    it("scans by UTF-8 bytes: from included, to excluded, limited, in both directions", async () => {
      const seed = seedOfRun();
      const random = randomOf(seed);
      const keys = [...new Set(Array.from({ length: 60 }, () => randomKey(random)))];
      await store.commit(keys.map((key) => put(key, key)));
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      for (let round = 0; round < 200; round += 1) {
        const range = randomRange(random, sorted);
        const found = [...store.scan("state", range)];
        expect(
          found.map(([key]) => key),
          `seed ${seed}, ${JSON.stringify(range)}`,
        ).toEqual(oracle(sorted, range));
        expect(found.every(([key, value]) => textOf(value) === key)).toBe(true);
      }
    });

    it("scans one moment, whatever is committed meanwhile, and may be left early", async () => {
      await store.commit(["a", "b", "c", "d"].map((key) => put(key, "1")));
      for (const [key] of store.scan("state", {})) if (key === "b") break;
      const seen: string[] = [];
      for (const [key, value] of store.scan("state", {})) {
        seen.push(key + textOf(value));
        if (key === "b") await store.commit([put("c", "2"), put("cc", "2")]);
      }
      expect(seen).toEqual(["a1", "b1", "c1", "d1"]);
    });

    it("S1 takes thousands of changes in one commit", async () => {
      const value = new Uint8Array(100);
      const changes = Array.from({ length: 5000 }, (_, index) => ({
        table: stateTables[index % stateTables.length] ?? "state",
        key: `key${index}`,
        value,
      }));
      await store.commit(changes);
      const counts = stateTables.map((table) => store.count(table));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(5000);
    });

    it("S6 shows what was staged with the commit and not before, under that commit's own changes", async () => {
      await store.commit([put("a", "1"), put("b", "1")]);
      const large = many(300).map((key) => put(key, key.repeat(300)));
      store.stage([put("a", "2"), put("x", "2", "timer"), ...large.slice(0, 200)]);
      store.stage([put("b", "2"), { table: "state", key: "c", value: null }, ...large.slice(200)]);
      await new Promise(setImmediate);
      const seen = () => [
        ...["a", "b", "many7", "many299"].map((key) =>
          textOf(store.get("state", key))?.slice(0, 6),
        ),
        store.count("timer"),
      ];
      expect(seen()).toEqual(["1", "1", undefined, undefined, 0]);
      expect([...store.scan("state", {})].map(([key]) => key)).toEqual(["a", "b"]);
      await store.commit([put("a", "3")]);
      expect(seen()).toEqual(["3", "2", "many7m", "many29", 1]);
      expect(store.count("state")).toBe(302);
      await store.close();
      store = await place.open();
      expect(seen()).toEqual(["3", "2", "many7m", "many29", 1]);
    });

    it("S6 forgets what was staged and not committed", async () => {
      await store.commit([put("a", "1")]);
      store.stage([put("a", "2"), ...many(300).map((key) => put(key, key.repeat(300)))]);
      await store.unstage();
      await store.commit([put("b", "1")]);
      store.stage([put("a", "3"), ...many(300).map((key) => put(key, key.repeat(300)))]);
      await store.close();
      store = await place.open();
      await store.commit([put("c", "1")]);
      expect([...store.scan("state", {})].map(([key, value]) => key + textOf(value))).toEqual([
        "a1",
        "b1",
        "c1",
      ]);
    });

    it("S5 lets nobody else open it, until it is closed", async () => {
      await expect(place.open()).rejects.toMatchObject({ code: "stateLocked", retryable: true });
      await store.close();
      await expect(store.commit([put("a", "1")])).rejects.toMatchObject({ code: "stateWrite" });
      store = await place.open();
    });

    it("S1 keeps nothing of a commit that failed, and works on", async (test) => {
      if (place.fail === undefined) return test.skip();
      await store.commit([put("a", "1")]);
      place.fail(true);
      const large = new Uint8Array(100_000);
      const failed = [
        put("a", "2"),
        ...many(100).map((key) => ({ table: "state" as const, key, value: large })),
      ];
      await expect(store.commit(failed)).rejects.toMatchObject({ code: "stateWrite" });
      place.fail(false);
      expect([textOf(store.get("state", "a")), store.count("state")]).toEqual(["1", 1]);
      await store.commit([put("b", "3")]);
      expect([textOf(store.get("state", "a")), store.count("state")]).toEqual(["1", 2]);
    });

    it("S1 S2 holds a prefix of whole commits after a crash, with every resolved one", async (test) => {
      if (place.crash === undefined) return test.skip();
      for (let round = 0; round < 20; round += 1) {
        let resolved = -1;
        const turns = round % 7;
        const commitAll = async () => {
          for (let number = 0; number < 5; number += 1) {
            await store.commit(many(10).map((key) => put(key, `${round}.${number}`)));
            resolved = number;
          }
        };
        void commitAll();
        for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
        place.crash();
        store = await place.open();
        const values = new Set(many(10).map((key) => textOf(store.get("state", key))));
        expect(values.size).toBe(1);
        const [kept] = values;
        if (resolved >= 0) expect(Number(kept?.split(".")[1])).toBeGreaterThanOrEqual(resolved);
      }
    });
  });
}

function put(key: string, text: string, table: StateChange["table"] = "state"): StateChange {
  return { table, key, value: Buffer.from(text) };
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString("utf8");
}

function many(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `many${index}`);
}

const alphabet = ["a", "b", "/", "\u0001", "\u0000", "é", "\uffff", "🦊", "~", "A"];

function randomKey(random: ReturnType<typeof randomOf>): string {
  return Array.from({ length: 1 + random.below(3) }, () => random.pick(alphabet)).join("");
}

function randomRange(random: ReturnType<typeof randomOf>, keys: readonly string[]): ScanRange {
  const bound = () => (random.chance(0.5) ? random.pick(keys) : randomKey(random));
  return {
    ...(random.chance(0.6) ? { from: bound() } : {}),
    ...(random.chance(0.6) ? { to: bound() } : {}),
    ...(random.chance(0.4) ? { limit: random.below(8) } : {}),
    ...(random.chance(0.5) ? { reverse: random.chance(0.8) } : {}),
  };
}

function oracle(sorted: readonly string[], range: ScanRange): string[] {
  const isBefore = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
  const { from, to } = range;
  const found = sorted
    .filter((key) => from === undefined || !isBefore(key, from))
    .filter((key) => to === undefined || isBefore(key, to));
  if (range.reverse === true) found.reverse();
  return found.slice(0, range.limit ?? found.length);
}
