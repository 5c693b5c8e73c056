import { type Json, type JsonObject, limits } from "@freshet/protocol";
import { describe, expect, test } from "vitest";
import {
  type AcceptContext,
  acceptEvents,
  applyChanges,
  type CaptureShape,
  changesMax,
  compileContracts,
  type EventsInput,
  keyedHash,
  readChanges,
  resend,
  type Source,
} from "../../src/accept/index.ts";
import type { AcceptedEvent, DeadLetter, EventType } from "../../src/core/event.ts";
import { conversions, type LetterChange } from "../../src/core/letter.ts";
import * as p from "../../src/core/plan/index.ts";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { hashKey, quiet, siteWith } from "./edge/fixture.ts";
import { contextWith, hour, minute, now, onlyLetter, sources } from "./fixture.ts";

const paid = p.event("Paid", { cents: "integer" });
const contracts = compileContracts(
  p.definePlan({ name: "t", events: [paid], features: [] }).definition.events,
);
const web = sources.byKey.get("WK") as Source;
const first = contextWith({ contracts });
/** A day later, when somebody looks at the letters. */
const later = contextWith({ contracts, now: now + 24 * hour });

function letterOf(event: Json, more: Partial<EventsInput> = {}): DeadLetter {
  const input: EventsInput = { shape: "native", events: [event], source: web, ...more };
  const [record] = acceptEvents(input, first).records;
  if (record?.kind !== "deadLetter") throw new Error(`it was taken: ${JSON.stringify(record)}`);
  return record.letter;
}

function resent(
  letter: DeadLetter,
  event?: Json,
  { context = later, isVouched = false }: { context?: AcceptContext; isVouched?: boolean } = {},
) {
  const given = event === undefined ? {} : { event };
  return resend(letter, context, { corrects: { letter: 7 }, isVouched, ...given });
}

function taken(letter: DeadLetter, event?: Json): AcceptedEvent {
  const outcome = resent(letter, event);
  if (outcome.kind === "event") return outcome.record.event;
  throw new Error(`it is still refused: ${outcome.code} ${outcome.message}`);
}

const set = (path: string, value: Json) => [{ op: "set", path, value }] as const;

describe("a letter's event is read as it came", () => {
  const cases: readonly [CaptureShape, EventType | undefined, JsonObject, string][] = [
    ["native", undefined, { event_id: "m1", event_type: "Paid", user_id: "u1" }, "/metadata/cents"],
    ["either", undefined, { event_id: "m1", event_type: "Paid", user_id: "u1" }, "/metadata/cents"],
    [
      "segment-batch",
      undefined,
      { messageId: "m1", type: "track", event: "Paid", userId: "u1" },
      "/properties/cents",
    ],
    [
      "segment-single",
      "track",
      { messageId: "m1", event: "Paid", userId: "u1" },
      "/properties/cents",
    ],
    [
      "cloudevent",
      undefined,
      { id: "1", source: "/s", specversion: "1.0", type: "Paid", subject: "u1" },
      "/data/cents",
    ],
  ];
  test.each(cases)("as %s", (shape, type, event, path) => {
    const letter = letterOf(event, { shape, ...(type === undefined ? {} : { type }) });
    expect(letter).toMatchObject({ code: "contractViolated", schema: "Paid@1", name: "Paid" });
    expect(taken(letter, applyChanges(letter.event, set(path, 5)))).toMatchObject({
      ...{ id: letter.id, name: "Paid", userId: "u1", source: "web", time: now },
      ...{ properties: { cents: 5 }, notes: ["corrected"], corrects: { letter: 7 } },
    });
  });

  test("as the row of an import, which stays history", () => {
    const row = { event_id: "orders:1", event_type: "Paid", user_id: "u1", timestamp: now - hour };
    const source = { name: "import/orders", writeKey: "", kind: "server" } as const;
    const letter = letterOf(row, { shape: "import-rows", source });
    const event = taken(letter, applyChanges(letter.event, set("/metadata/cents", 5)));
    expect(event).toMatchObject({ imported: true, source: "import/orders", time: now - hour });
  });

  test("as an accepted event, where the plan's function threw", () => {
    const group: AcceptedEvent = {
      ...{ id: "m1", type: "group", name: "Group", userId: "u1", time: now - hour, source: "web" },
      properties: { groupId: "g1", plan: "gold" },
      context: { ip: "203.0.113.9" },
      joined: { products: null },
      notes: ["skewCorrected"],
    };
    const letter: DeadLetter = {
      ...{ id: "m1", code: "planFunctionFailed", message: "no", source: "web", at: now },
      event: JSON.parse(JSON.stringify(group)),
      form: { shape: "accepted", own: true },
    };
    const { joined: _joined, notes: _notes, ...whole } = group;
    expect(taken(letter)).toEqual({ ...whole, notes: ["corrected"], corrects: { letter: 7 } });
    const track = { ...group, type: "track", name: "Paid", properties: { cents: 1 } };
    const other = { ...letter, event: JSON.parse(JSON.stringify(track)) };
    expect(taken(other)).toMatchObject({
      name: "Paid",
      properties: { cents: 1 },
      time: now - hour,
    });
  });

  test("as either wire, where nothing says how: broken rows, deliveries, what was no event", () => {
    const letter: DeadLetter = {
      ...{ id: "m1", code: "rowBroken", message: "no", source: "import/x", at: now, event: "a;b" },
    };
    expect(resent(letter)).toMatchObject({ kind: "refused", code: "eventNotObject" });
    const native = { event_type: "Paid", user_id: "u1", metadata: { cents: 1 } };
    expect(taken(letter, native)).toMatchObject({ id: "m1", name: "Paid", source: "import/x" });
    const segment = { type: "track", event: "Paid", userId: "u1", properties: { cents: 1 } };
    expect(taken(letter, segment)).toMatchObject({ id: "m1", name: "Paid" });
  });
});

test("a source's rules of privacy hold for a correction, and change nothing twice", () => {
  const fields = [
    { path: "userId", do: "hash" },
    { path: "properties.phone", do: "mask" },
    { path: "properties.email", do: "drop" },
  ] as const;
  const site = siteWith({ ...quiet, privacy: { fields } }, {}, { contracts });
  const properties = { cents: "x", phone: "+49 170 1234567", email: "ana@shop.example" };
  const accepted = site.send({ event: "Paid", userId: "ana", properties });
  const letter = onlyLetter(accepted);
  expect(letter.form).toEqual({ shape: "segment-batch", own: true });
  const right = applyChanges(letter.event, [
    ...set("/properties/cents", 5),
    ...set("/properties/email", "written by hand"),
  ]);
  const outcome = resent(letter, right, { context: { ...site.context, now: now + hour } });
  const of = keyedHash(hashKey);
  expect(outcome).toMatchObject({
    kind: "event",
    record: {
      key: `user:${of("ana")}`,
      event: { userId: of("ana"), properties: { cents: 5, phone: "+** *** ***4567" } },
    },
  });
  expect(JSON.stringify(outcome)).not.toContain("written by hand");
});

describe("the time of a corrected event", () => {
  const event = { event_id: "m1", event_type: "Paid", user_id: "u1", metadata: { cents: "x" } };
  const right = { ...event, metadata: { cents: 1 } };

  test("is that of its own clock", () => {
    const timestamp = now - hour;
    expect(taken(letterOf({ ...event, timestamp }), { ...right, timestamp }).time).toBe(timestamp);
  });

  test("is when it first came, where it says none", () => {
    expect(taken(letterOf(event), right).time).toBe(now);
  });

  test("is corrected by the skew of its first attempt, also where the correction is its time", () => {
    const sentAt = now - 3 * hour;
    const letter = letterOf({ ...event, timestamp: sentAt - minute }, { sentAt });
    expect(letter).toMatchObject({ time: now - minute, sentAt });
    expect(taken(letter, { ...right, timestamp: sentAt - minute })).toMatchObject({
      ...{ time: now - minute, notes: ["skewCorrected", "corrected"] },
    });
    const broken = letterOf({ ...right, timestamp: "soon" }, { sentAt });
    expect(taken(broken, { ...right, timestamp: sentAt - hour }).time).toBe(now - hour);
  });

  test("is never after its first attempt", () => {
    const letter = letterOf({ ...event, timestamp: now + hour });
    expect(taken(letter, { ...right, timestamp: now + 2 * hour })).toMatchObject({
      ...{ time: now, notes: ["timeClamped", "corrected"] },
    });
  });
});

test("the message id is the letter's, whatever the correction says", () => {
  const letter = letterOf({ event_id: 12, event_type: "Paid", user_id: "u1" });
  const event = { event_type: "Paid", user_id: "u1", metadata: { cents: 1 } };
  expect(taken(letter, event).id).toBe(letter.id);
  expect(taken(letter, { ...event, event_id: "another" }).id).toBe(letter.id);
});

test("the letter's event is not changed by trying it", () => {
  const event = { event_type: "Paid", user_id: "u1", metadata: { cents: "x", b: -0, c: "\ud800" } };
  const letter: DeadLetter = {
    ...{ id: "m1", code: "bad", message: "no", source: "web", at: now, event },
    form: { shape: "native" },
  };
  const before = JSON.stringify(letter);
  resent(letter);
  resent(letter, applyChanges(letter.event, set("/metadata/cents", 1)));
  expect(JSON.stringify(letter)).toBe(before);
});

describe("changes", () => {
  const after = (event: Json, ...changes: readonly LetterChange[]) => applyChanges(event, changes);

  test("convert what people write, and leave what they cannot", () => {
    const to = (value: Json, conversion: (typeof conversions)[number]) =>
      (after({ a: value }, { op: "convert", path: "/a", to: conversion }) as JsonObject).a;
    expect(
      ["12.50", " 1e3 ", "-.5", "0x10", "", "1,5", "1e999", true, null].map((value) =>
        to(value, "number"),
      ),
    ).toEqual([12.5, 1000, -0.5, "0x10", "", "1,5", "1e999", true, null]);
    expect([12.5, true, "x", null].map((value) => to(value, "text"))).toEqual([
      "12.5",
      "true",
      "x",
      null,
    ]);
    expect(["Yes", "0", 1, "maybe", 2].map((value) => to(value, "boolean"))).toEqual([
      ...[true, false, true, "maybe", 2],
    ]);
    const [seconds, iso] = [1_777_896_000, "2026-05-04T12:00:00.000Z"];
    expect(
      [seconds, String(seconds), seconds * 1000, ` ${iso} `, "soon"].map((value) =>
        to(value, "time"),
      ),
    ).toEqual([iso, iso, iso, iso, "soon"]);
    expect([to(" Ab ", "trim"), to("Ab", "lowercase"), to("Ab", "uppercase")]).toEqual([
      "Ab",
      "ab",
      "AB",
    ]);
  });

  test("reach into lists and escaped keys, and stay out of where nothing is", () => {
    const event = { list: [1, { a: 2 }], "a/b~c": 3 };
    expect(after(event, { op: "set", path: "/list/1/a", value: 9 })).toEqual({
      ...event,
      list: [1, { a: 9 }],
    });
    expect(after(event, { op: "set", path: "/list/-", value: 9 })).toEqual({
      ...event,
      list: [1, { a: 2 }, 9],
    });
    expect(after(event, { op: "remove", path: "/list/0" })).toEqual({ ...event, list: [{ a: 2 }] });
    expect(after(event, { op: "rename", path: "/a~1b~0c", to: "/x/y" })).toEqual({
      list: event.list,
      x: { y: 3 },
    });
    for (const path of ["/list/7", "/list/x/a", "/a~1b~0c/d", "/none/a"])
      for (const op of ["remove", "convert"] as const)
        expect(
          after(event, op === "remove" ? { op, path } : { op, path, to: "text" }),
          path,
        ).toEqual(event);
    expect(after(event, { op: "set", path: "/list/7", value: 1 })).toEqual(event);
    expect(after("no event", { op: "set", path: "/a", value: 1 })).toBe("no event");
  });

  test("name the event in the field that its wire has", () => {
    const change = { op: "event", name: "Paid" } as const;
    expect(after({ event_type: "x" }, change)).toEqual({ event_type: "Paid" });
    expect(after({ type: "track" }, change)).toEqual({ type: "track", event: "Paid" });
    expect(after({ specversion: "1.0", type: "x" }, change)).toMatchObject({ type: "Paid" });
    expect(after({ user_id: "u1" }, change)).toMatchObject({ event_type: "Paid" });
  });

  test("have an end", () => {
    const change = { op: "remove", path: "/a" };
    expect(readChanges(Array.from({ length: changesMax }, () => change))).toHaveLength(changesMax);
    const tooMany = Array.from({ length: changesMax + 1 }, () => change);
    expect(() => readChanges(tooMany)).toThrow(/1 to 100 changes/);
    const large = [{ op: "set", path: "/a", value: "x".repeat(limits.eventBytesMax) }];
    expect(() => readChanges(large)).toThrow(/characters as JSON/);
  });
});

/** Values of every kind, some of them hostile. */
function randomJson(random: Random, depth = 0): Json {
  const kind = random.below(depth > 3 ? 6 : 8);
  if (kind === 0) return null;
  if (kind === 1) return random.chance(0.5);
  if (kind === 2) return random.pick([0, -0, 1, 13.5, 1e308, -1]);
  if (kind < 6) return random.pick(["", "x", " 12 ", "true", "__proto__", "\ud800", "2026-05-04"]);
  const size = random.below(4);
  if (kind === 6) return Array.from({ length: size }, () => randomJson(random, depth + 1));
  return Object.fromEntries(
    Array.from({ length: size }, () => [random.pick(keys), randomJson(random, depth + 1)]),
  );
}

const keys = [
  "a",
  "b",
  "metadata",
  "cents",
  "user_id",
  "event_type",
  "timestamp",
  "toString",
  "0",
  "",
];

function randomChange(random: Random): Json {
  const path = () =>
    Array.from({ length: 1 + random.below(3) }, () => `/${random.pick([...keys, "-", "1"])}`).join(
      "",
    );
  const op = random.pick(["set", "default", "remove", "rename", "convert", "split", "event"]);
  return {
    ...{ op, path: path(), name: "Paid", by: random.pick([",", "x"]), value: randomJson(random) },
    to: op === "convert" ? random.pick(conversions) : path(),
  };
}

test("random letters and random corrections are taken whole or refused with a code, and keep what is theirs", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    const count = { taken: 0, refused: 0 };
    for (let round = 0; round < 4000; round++) {
      const base = { event_id: "m1", event_type: "Paid", user_id: "u1", metadata: { cents: 5 } };
      const event = random.chance(0.2) ? randomJson(random) : base;
      const letter: DeadLetter = {
        ...{ id: "m1", code: "bad", message: "no", source: "web", at: now, event },
        ...(random.chance(0.7) ? { form: { shape: "native" } } : {}),
      };
      const before = JSON.stringify(letter);
      const changes = readChanges(
        Array.from({ length: 1 + random.below(4) }, () => randomChange(random)),
      );
      const changed = applyChanges(event, changes);
      const outcome = resent(letter, changed);
      expect(JSON.stringify(letter)).toBe(before);
      expect(({} as { polluted?: unknown; a?: unknown }).a).toBeUndefined();
      count[outcome.kind === "event" ? "taken" : "refused"]++;
      if (outcome.kind === "refused") {
        expect(outcome.message.length).toBeGreaterThan(5);
        continue;
      }
      const { event: made } = outcome.record;
      expect(made).toMatchObject({ id: "m1", source: "web", corrects: { letter: 7 } });
      expect(made.time).toBeLessThanOrEqual(now);
      if (made.name === "Paid") expect(Number.isInteger(made.properties.cents)).toBe(true);
    }
    expect(Math.min(count.taken, count.refused)).toBeGreaterThan(100);
  });
});
