import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { replayFolder } from "../../src/app/replay.ts";
import { openForReading } from "../../src/app/replay-open.ts";
import { showReplay } from "../../src/app/replay-show.ts";
import { verifyFolder } from "../../src/app/verify.ts";
import type { EventRecord } from "../../src/core/record.ts";
import { ProfileView } from "../../src/core/view.ts";
import {
  HandClock,
  liveThrough,
  newFolder,
  openAt,
  plans,
  rest,
  toRecord,
} from "./replay-fixture.ts";

let data: string;
beforeEach(() => {
  data = newFolder();
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

const seeds =
  process.env.FRESHET_SEED === undefined ? [1, 2, 3] : [Number(process.env.FRESHET_SEED)];

describe("a replay of the plans as they were", () => {
  test.each(seeds)(
    "gives the live state, through restarts, links and a change of plan (FRESHET_SEED=%i)",
    async (seed) => {
      await liveThrough(data, seed, 1500);
      const report = await replayFolder({ data });
      expect(report.comparison).toMatchObject({ different: 0, examples: [] });
      expect(report.counters.duplicate).toBeGreaterThan(0);
      expect(Object.keys(report.effects.send)).toContain("welcome");
      expect(readdirSync(data).filter((name) => name.startsWith("replay-"))).toEqual([]);
      expect(showReplay(report)).toContain("live state: the same in all");
    },
  );

  test("says which key differs when the state is not that of the log", async () => {
    await liveThrough(data, 4, 400);
    const { openLmdbState } = await import("../../src/adapters/state/lmdb.ts");
    const store = await openLmdbState({ folder: join(data, "state") });
    const [key, value] = [...store.scan("state", { from: "user:", limit: 1 })][0] ?? [
      "",
      new Uint8Array(),
    ];
    const other = [...store.scan("state", { from: "user:", limit: 2 })][1]?.[1] ?? value;
    await store.commit([{ table: "state", key, value: other.slice() }]);
    await store.close();
    const { comparison } = await replayFolder({ data });
    expect(comparison).toMatchObject({ different: 1 });
    expect(typeof comparison === "string" ? "" : comparison.examples[0]).toContain(`${key}: `);
  });

  test("runs beside a live engine and still ends at the same record", async () => {
    const clock = new HandClock();
    const traffic = await liveThrough(data, 5, 600, clock);
    const opened = await openAt(data, clock, plans.second);
    let isOver = false;
    const live = (async () => {
      while (!isOver) {
        clock.time += 1000;
        await opened.engine.append(Array.from({ length: 20 }, () => traffic.next(clock.now())));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    try {
      const report = await replayFolder({ data });
      expect(report.comparison).toMatchObject({ different: 0 });
      await expect(replayFolder({ data, plan: plans.third, apply: true })).rejects.toThrow(
        "in use by a running server",
      );
    } finally {
      isOver = true;
      await live;
      await opened.close();
    }
  });

  test("begins and ends where it is told, by offset or moment", async () => {
    const clock = new HandClock();
    const start = clock.time;
    await liveThrough(data, 6, 400, clock);
    const half = new Date(start + (clock.time - start) / 2).toISOString();
    const first = await replayFolder({ data, to: half });
    const second = await replayFolder({ data, from: half });
    expect(first.records + second.records).toBe(second.to);
    expect(first.to).toBe(second.from);
    expect(first.comparison).toBe("only a part of the log was replayed");
    await expect(replayFolder({ data, from: "yesterday" })).rejects.toThrow(
      '--from is "yesterday"',
    );
  });

  test("keeps its state where it is told", async () => {
    await liveThrough(data, 7, 200);
    const into = join(data, "kept");
    const report = await replayFolder({ data, into });
    expect(report.kept).toBe(into);
    expect(existsSync(join(into, "state", "data.mdb"))).toBe(true);
    await expect(replayFolder({ data, into })).rejects.toThrow("has a state already");
  });
});

describe("a replay into another plan", () => {
  test("computes new features from the beginning and says who enters and leaves", async () => {
    const traffic = await liveThrough(data, 8, 1500);
    const report = await replayFolder({ data, plan: plans.third });
    expect(report.mode).toBe("anew");
    const expected = recompute(traffic.sent);
    expect(report.features.find(({ name }) => name === "spend")?.profiles).toBe(expected.buyers);
    expect(report.changes.map(({ segment }) => segment)).toEqual(
      expect.arrayContaining(["active", "small"]),
    );
    expect(report.effects.send.thanks).toBeGreaterThan(0);
    expect(await plansInForce()).toBe(2);
  });

  test.each(seeds)(
    "applied, it is the folder's state: counts, window and outbox stay, and it goes on from there (FRESHET_SEED=%i)",
    async (seed) => {
      const clock = new HandClock();
      const traffic = await liveThrough(data, seed + 10, 1200, clock);
      const before = await books();
      const report = await replayFolder({ data, plan: plans.third, apply: true });
      expect(report.applied).toBe(true);
      expect(existsSync(join(report.kept ?? "", "state-before.mdb"))).toBe(true);
      const after = await books();
      expect({ ...after, position: 0 }).toEqual({ ...before, position: 0 });

      clock.time += 60_000;
      const opened = await openAt(data, clock, plans.third);
      const again = traffic.sent.slice(-50).map((record) => ({ ...record, at: clock.now() }));
      await opened.engine.append(again);
      const fresh = Array.from({ length: 300 }, () => traffic.next(clock.now()));
      await opened.engine.append(fresh);
      await rest(opened.engine);
      const sums = totals(opened.engine);
      expect(opened.engine.ledger()).toMatchObject({ inFlight: 0 });
      const { received, applied, duplicate, rejected } = opened.engine.ledger();
      expect(received).toBe(applied + duplicate + rejected);
      await opened.close();
      const expected = recompute(traffic.sent);
      expect(sums).toEqual({
        views: expected.views,
        purchases: expected.purchases,
        spend: expected.spend,
      });

      expect((await replayFolder({ data })).comparison).toMatchObject({
        different: 0,
        examples: [],
      });
      const findings = await verifyFolder({ data, replay: true });
      expect(findings.filter(({ level }) => level === "wrong")).toEqual([]);
    },
  );

  test("is refused where the log has lost its beginning", async () => {
    await liveThrough(data, 20, 400);
    const { openLmdbLog } = await import("../../src/adapters/log/lmdb.ts");
    const log = await openLmdbLog({ folder: join(data, "log") });
    await log.trim(100);
    await log.close();
    await expect(replayFolder({ data, plan: plans.third, apply: true })).rejects.toThrow(
      /begins at offset \d+/,
    );
    const report = await replayFolder({ data });
    expect(report.comparison).toMatch(/the log begins at offset/);
  });

  test("a folder without a checkpoint is no folder to replay", async () => {
    mkdirSync(join(data, "log"), { recursive: true });
    writeFileSync(join(data, "freshet.json"), '{"format":1}');
    await expect(replayFolder({ data })).rejects.toThrow("holds no log and state");
  });

  async function plansInForce(): Promise<number> {
    const folder = openForReading(data);
    const { length } = folder.meta().manifest;
    await folder.close();
    return length;
  }

  /** What must outlive an exchange of the state. */
  async function books() {
    const folder = openForReading(data);
    const { counters, dedupSlices, dedupStart, outboxSequence, deadLetters, position } =
      folder.meta();
    const rows = (table: "dedup" | "outbox" | "deadLetter") =>
      [...folder.store.scan(table, {})].map(
        ([key, value]) => `${key} ${Buffer.from(value).toString("base64")}`,
      );
    const found = {
      position,
      counters: {
        ...counters,
        selfApplied: 0,
        selfDropped: 0,
        timersFired: 0,
        segmentsEntered: 0,
        segmentsLeft: 0,
        effectsSent: 0,
        effectsPushed: 0,
      },
      dedupSlices,
      dedupStart,
      outboxSequence,
      deadLetters,
      dedup: rows("dedup"),
      outbox: rows("outbox"),
      letters: rows("deadLetter"),
    };
    await folder.close();
    return found;
  }

  function totals(engine: Awaited<ReturnType<typeof openAt>>["engine"]) {
    const sums = { views: 0, purchases: 0, spend: 0 };
    const seen = new Set<string>();
    for (const id of [...Array(60).keys()].flatMap((index) => [
      `user:u${index}`,
      `anon:a${index}`,
    ])) {
      const found = engine.profile(id);
      if (found === null || seen.has(found.profileId)) continue;
      seen.add(found.profileId);
      const view = new ProfileView(plans.third, found.state, 0);
      for (const name of ["views", "purchases", "spend"] as const)
        sums[name] += Number(view.feature(name));
    }
    return sums;
  }
});

/** The naive computation over everything sent; the third plan filters nothing. */
function recompute(sent: readonly EventRecord[]) {
  const found = { views: 0, purchases: 0, spend: 0, buyers: 0 };
  const buyers = new Set<string>();
  for (const { event } of sent) {
    if (event.name === "viewed") found.views++;
    else {
      found.purchases++;
      found.spend += Math.round(Number(event.properties.total) * 100);
      buyers.add(toRecord(event, 0).key);
    }
  }
  return { ...found, buyers: ownersOf(sent, buyers) };
}

/** Profiles that the buying parts belong to at the end: an anonymous id belongs to the last user who came with it. */
function ownersOf(sent: readonly EventRecord[], keys: ReadonlySet<string>): number {
  const owner = new Map<string, string>();
  const parts = new Map<string, Set<string>>();
  for (const { event, key } of sent) {
    const isAnonymous = key.startsWith("anon:");
    const at = isAnonymous ? (owner.get(key) ?? key) : key;
    if (event.name === "bought" && keys.has(key))
      parts.set(at, (parts.get(at) ?? new Set()).add(key));
    if (event.userId !== undefined && event.anonymousId !== undefined) {
      const anonymous = `anon:${event.anonymousId}`;
      const to = `user:${event.userId}`;
      if (!owner.has(anonymous) && parts.has(anonymous)) {
        parts.set(to, (parts.get(to) ?? new Set()).add(anonymous));
        parts.delete(anonymous);
      }
      if (owner.get(anonymous) === undefined || owner.get(anonymous) !== to)
        owner.set(anonymous, to);
    }
  }
  return parts.size;
}
