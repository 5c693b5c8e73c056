import { rmSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { utf8 } from "../../src/adapters/codec/msgpack.ts";
import { openLmdbState } from "../../src/adapters/state/lmdb.ts";
import type { Finding } from "../../src/app/doctor.ts";
import { verifyFolder } from "../../src/app/verify.ts";
import type { Position } from "../../src/engine/meta.ts";
import type { StateChange, StateStore } from "../../src/engine/port/state-store.ts";
import { HandClock, liveThrough, newFolder, openAt, plans } from "./replay-fixture.ts";

let data: string;
beforeEach(async () => {
  data = newFolder();
  await liveThrough(data, 42, 600);
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

const wrong = (findings: readonly Finding[]) =>
  findings.filter(({ level }) => level === "wrong").map(({ what }) => what);

describe("verify", () => {
  test("finds nothing wrong in a folder that has lived through restarts and a change of plan", async () => {
    const findings = await verifyFolder({ data, replay: true });
    expect(wrong(findings)).toEqual([]);
    const texts = findings.map(({ what }) => what);
    expect(texts).toEqual(
      expect.arrayContaining([
        "folder: not in use",
        expect.stringMatching(/^log: \d+ records .* every checksum right$/),
        expect.stringMatching(
          /^ledger: received \d+ = applied \d+ \+ duplicate \d+ \+ rejected \d+, and so counts the log/,
        ),
        expect.stringMatching(/^deduplication: \d+ ids/),
        expect.stringMatching(/^state: \d+ keys decode and are plain, \d+ timers agree/),
        expect.stringMatching(/^replay: gives the live state/),
      ]),
    );
  });

  test("says so where the folder is in use, and looks at it all the same", async () => {
    const clock = new HandClock();
    clock.time += 30 * 86_400_000;
    const opened = await openAt(data, clock, plans.second);
    try {
      const findings = await verifyFolder({ data });
      expect(findings[0]?.what).toMatch(/in use/);
      expect(wrong(findings)).toEqual([]);
    } finally {
      await opened.close();
    }
  });

  test("finds a batch of the log whose bytes are not what was written", async () => {
    const root = open({ path: join(data, "log"), noSubdir: false, encoding: "string", maxDbs: 16 });
    const batches = root.openDB<Buffer, number>({ name: "batch", encoding: "binary" });
    const key = [...batches.getKeys({})][3] ?? 0;
    const bytes = Buffer.from(batches.getBinary(key) ?? []);
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
    await batches.put(key, bytes);
    await root.close();
    expect(wrong(await verifyFolder({ data }))[0]).toBe(
      `log: log record at offset ${key} is damaged: the crc differs`,
    );
  });

  test("finds a state that does not decode, and a timer that the index has lost", async () => {
    await damage((store) => {
      const [key] = [...store.scan("state", { from: "user:", limit: 1 })][0] ?? [""];
      return [{ table: "state", key, value: Uint8Array.of(0xc1) }];
    });
    await damage((store) => [
      { table: "timer", key: [...store.scan("timer", { limit: 1 })][0]?.[0] ?? "", value: null },
    ]);
    const found = wrong(await verifyFolder({ data }));
    expect(found).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^state: 1 states cannot be read, for instance user:/),
        expect.stringMatching(/^state: \d+ .*timer/),
      ]),
    );
  });

  test("finds a ledger that does not add up", async () => {
    await damagePosition((position) => ({
      ...position,
      counters: { ...position.counters, applied: position.counters.applied + 1 },
    }));
    expect(wrong(await verifyFolder({ data }))[0]).toMatch(
      /^ledger: applied \d+ .* but the log has taken \d+/,
    );
  });

  test("finds events that were counted for each other", async () => {
    await damagePosition((position) => {
      const { applied, duplicate } = position.counters;
      return {
        ...position,
        counters: { ...position.counters, applied: applied - 1, duplicate: duplicate + 1 },
      };
    });
    expect(wrong(await verifyFolder({ data }))[0]).toMatch(
      /^ledger: applied \d+, but the log has \d+ different events/,
    );
  });

  test("finds events that the deduplication window has lost or has twice", async () => {
    await damage((store) => {
      const [first, second] = [...store.scan("dedup", { from: "run/", to: "run/~", limit: 2 })];
      if (first === undefined || second === undefined) throw new Error("two runs are expected");
      const doubled = Buffer.concat([second[1], second[1].subarray(0, 24)]);
      return [
        { table: "dedup", key: first[0], value: first[1].slice(24) },
        { table: "dedup", key: second[0], value: doubled },
      ];
    });
    const found = wrong(await verifyFolder({ data }));
    expect(found).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/1 events of the window are not in it/),
        expect.stringMatching(/1 entries are there twice/),
      ]),
    );
  });

  test("finds a checkpoint behind the end of the log, and one of another log", async () => {
    await damagePosition((position) => ({ ...position, position: position.position + 1000 }));
    expect(wrong(await verifyFolder({ data })).join()).toMatch(
      /checkpoint: at offset \d+, but the log ends at \d+/,
    );
    await damagePosition((position) => ({ ...position, position: 10, logId: "another" }));
    expect(wrong(await verifyFolder({ data })).join()).toMatch(
      /log and state are of different folders/,
    );
  });

  test("finds outbox entries and dead letters that cannot be read, and plans that are not what they say", async () => {
    await damage((store) => {
      const outbox = [...store.scan("outbox", { to: "~", limit: 1 })][0]?.[0] ?? "";
      const letter = [...store.scan("deadLetter", { to: "id/", limit: 1 })][0]?.[0] ?? "";
      const manifest = JSON.parse(
        utf8.decode(store.get("meta", "manifest") ?? new Uint8Array()),
      ) as { hash: string }[];
      if (manifest[0] !== undefined) manifest[0].hash = "0".repeat(32);
      return [
        { table: "outbox", key: outbox, value: utf8.encode("{") },
        { table: "deadLetter", key: letter, value: utf8.encode("[]") },
        { table: "meta", key: "manifest", value: utf8.encode(JSON.stringify(manifest)) },
      ];
    });
    const found = wrong(await verifyFolder({ data }));
    expect(found).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^queues: 1 outbox entries cannot be read/),
        expect.stringMatching(/^queues: 1 dead letters cannot be read/),
        expect.stringMatching(/is not the plan that its hash says/),
      ]),
    );
  });

  test("each thing that is wrong says what to do", async () => {
    await damagePosition((position) => ({ ...position, position: position.position + 1000 }));
    for (const finding of await verifyFolder({ data }))
      if (finding.level === "wrong") expect(finding.advice).toBeTruthy();
  });
});

async function damage(change: (store: StateStore) => StateChange[]): Promise<void> {
  const store = await openLmdbState({ folder: join(data, "state") });
  await store.commit(change(store));
  await store.close();
}

function damagePosition(change: (position: Position) => Position): Promise<void> {
  return damage((store) => {
    const bytes = store.get("meta", "position");
    if (bytes === undefined) throw new Error("the folder has no checkpoint");
    const position = JSON.parse(utf8.decode(bytes)) as Position;
    return [
      { table: "meta", key: "position", value: utf8.encode(JSON.stringify(change(position))) },
    ];
  });
}
