import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { utf8 } from "../../src/adapters/codec/msgpack.ts";
import { openLmdbState } from "../../src/adapters/state/lmdb.ts";
import { openFolder, stateFolder } from "../../src/app/folder.ts";
import { verifyFolder } from "../../src/app/verify.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import * as p from "../../src/core/plan/index.ts";
import type { LogRecord } from "../../src/core/record.ts";
import type { StoredDeadLetter } from "../../src/engine/dead-letter.ts";
import type { LetterKind } from "../../src/engine/dead-letter-kinds.ts";
import { partitionOf } from "../../src/engine/partition.ts";

const paid = p.event("Paid", { cents: "integer" });
const features = [p.count("payments", paid)];
const plan = compilePlan(p.definePlan({ name: "letters", events: [paid], features }));

let base: string;
let data: string;
beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "freshet-verify-letters-"));
  data = join(base, "data");
  const { engine, close } = await openFolder(data, { plan });
  const at = Date.now();
  const letter = (id: string): LogRecord => ({
    ...{ kind: "deadLetter", partition: 0, at },
    letter: { id, code: "bad", message: "no", source: "web", at, event: { id } },
  });
  const corrected = (userId: string): LogRecord => ({
    ...{ kind: "event", at, key: `user:${userId}` },
    partition: partitionOf(`user:${userId}`, engine.partitions),
    event: {
      ...{ id: "m0", type: "track", name: "Paid", time: at, source: "web", userId },
      ...{ properties: { cents: 5 }, corrects: { letter: 0 } },
    },
  });
  const records = [letter("m0"), letter("m1"), letter("m1"), letter("m2")];
  const letters = [3];
  await engine.append([...records, corrected("ana"), corrected("ana"), corrected("bob")]);
  const action = { kind: "discard", letters, by: "ana" } as const;
  await engine.append([{ kind: "letter", partition: 0, at, action }]);
  await close();
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const wrong = async (): Promise<string> =>
  (await verifyFolder({ data, replay: true }))
    .filter(({ level }) => level === "wrong")
    .map(({ what }) => what)
    .join("\n");

/** Writes something else in place of a row, or nothing. */
async function damage<Row>(key: string, change: (row: Row) => Row | null): Promise<void> {
  const store = await openLmdbState({ folder: stateFolder(data) });
  const [found] = [...store.scan("deadLetter", { from: key, to: `${key}~`, limit: 1 })];
  if (found === undefined) throw new Error(`there is no "${key}"`);
  const text = utf8.decode(found[1]);
  const row = text.startsWith("{") ? (JSON.parse(text) as Row) : null;
  const next = row === null ? null : change(row);
  const value = next === null ? null : utf8.encode(JSON.stringify(next));
  await store.commit([{ table: "deadLetter", key: found[0], value }]);
  await store.close();
}

test("finds nothing wrong with corrections of one letter, for whomever they are", async () => {
  expect(await wrong()).toBe("");
  const findings = (await verifyFolder({ data })).map(({ what }) => what);
  expect(findings).toContain("dead letters: 1 were sent, each to an event of the log");
  expect(findings.join()).toContain("received 7 = applied 1 + duplicate 2 + rejected 4");
});

test("finds a letter that says it was sent to where no such event is", async () => {
  const elsewhere = { kind: "sent", at: 0, offset: 1, outcome: "applied" } as const;
  await damage<StoredDeadLetter>("0", (letter) => ({ ...letter, state: elsewhere }));
  expect(await wrong()).toMatch(/^dead letters: 1 of 1 were sent, and the log has no such event/m);
});

test("finds counts, bytes and indexes that are not those of the letters", async () => {
  await damage<LetterKind>("kind/", (kind) => ({ ...kind, waiting: 9 }));
  await damage<StoredDeadLetter>("0", (letter) => ({ ...letter, bytes: 1 }));
  await damage("settled/", () => null);
  await damage("same/", () => null);
  const found = await wrong();
  expect(found).toMatch(/1 kinds of dead letters are counted wrong/);
  expect(found).toMatch(/bytes of dead letters, but the checkpoint counts/);
  expect(found).toMatch(/in the index of settled dead letters, but 2 letters/);
});
