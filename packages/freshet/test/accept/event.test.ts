import { limits } from "@freshet/protocol";
import { describe, expect, test } from "vitest";
import {
  type AcceptContext,
  accept,
  acceptEvents,
  compileContracts,
  compileJoins,
} from "../../src/accept/index.ts";
import { murmur2 } from "../../src/core/hash.ts";
import type { PropertyDefinition, PropertyKind } from "../../src/core/plan/definition.ts";
import {
  batch,
  contextWith,
  native,
  now,
  onlyEvent,
  onlyLetter,
  requestOf,
  sources,
  track,
} from "./fixture.ts";

const iso = new Date(now).toISOString();

describe("native events", () => {
  const view = {
    event_id: "e1",
    event_type: "page",
    user_id: "u",
    timestamp: iso,
    metadata: { price: 1 },
  };

  test("are named by event_type, with metadata as properties", () => {
    const expected = {
      id: "e1",
      type: "track",
      name: "page",
      userId: "u",
      time: now,
      properties: { price: 1 },
    };
    expect(onlyEvent(native(view))).toEqual({ ...expected, source: "shop" });
    expect(onlyEvent(native({ ...view, user_id: 5, anonymous_id: "a", other: 1 }))).toMatchObject({
      userId: "5",
      anonymousId: "a",
      extra: { other: 1 },
    });
  });

  test("of type identify carry traits", () => {
    const event = onlyEvent(
      native({ ...view, event_type: "identify", metadata: { plan: "gold" } }),
    );
    expect(event).toMatchObject({
      type: "identify",
      name: "Identify",
      traits: { plan: "gold" },
      properties: {},
    });
  });

  test("come alone, in an array or in a batch with a key", () => {
    expect(native([view, view]).accepted).toBe(2);
    expect(native([]).accepted).toBe(0);
    const beacon = requestOf("native", { batch: [view], writeKey: "WK" }, { headers: {} });
    expect(accept(beacon, contextWith())).toMatchObject({ accepted: 1, source: "web" });
  });

  test("that are refused say so, and only a single one fails its request", () => {
    const wrong = { ...view, event_type: "" };
    expect(native(wrong)).toMatchObject({
      accepted: 0,
      singleRejected: true,
      rejected: [{ index: 0, messageId: "e1", code: "eventNameMissing" }],
    });
    expect(native([wrong]).singleRejected).toBe(false);
    expect(native({ batch: [wrong] }).singleRejected).toBe(false);
    expect(native(view).singleRejected).toBe(false);
    const segment = requestOf("segment-single", { event: "" }, { type: "track" });
    expect(accept(segment, contextWith()).singleRejected).toBe(false);
    expect(onlyLetter(native({ ...view, metadata: [] }))).toMatchObject({
      code: "eventFieldType",
      path: "/metadata",
    });
    expect(onlyLetter(native({ ...view, user_id: "" })).message).toContain('"user_id"');
  });

  test("of an import are marked as history, whose clock is not corrected", () => {
    const old = { ...view, timestamp: "2020-01-01T00:00:00Z" };
    const request = requestOf("import-rows", { batch: [old], sentAt: "2020-01-02T00:00:00Z" });
    expect(onlyEvent(accept(request, contextWith()))).toMatchObject({
      imported: true,
      time: Date.UTC(2020, 0, 1),
    });
  });

  test("that were parsed elsewhere are accepted the same", () => {
    const source = sources.list[1] ?? { name: "", writeKey: "", kind: "server" };
    const answer = acceptEvents(
      { shape: "native", events: [{ ...view }, 5], source },
      contextWith(),
    );
    expect(answer).toMatchObject({ accepted: 1, rejected: [{ index: 1, code: "eventNotObject" }] });
  });
});

describe("the ledger", () => {
  test("has a record for each event, in order, and letters are counted apart", () => {
    const answer = batch([
      track(),
      1,
      track({ event: "" }),
      null,
      "x",
      [1],
      track({ messageId: "m2" }),
    ]);
    expect(answer.records.map((record) => record.kind)).toEqual([
      ...["event", "deadLetter", "deadLetter", "deadLetter", "deadLetter", "deadLetter", "event"],
    ]);
    expect(answer.accepted).toBe(2);
    expect(answer.rejected.map((one) => one.index)).toEqual([1, 2, 3, 4, 5]);
  });

  test("one event of 33 KB among 14 good ones is refused alone and kept whole", () => {
    const large = track({ messageId: "big", properties: { text: "i".repeat(33 * 1024) } });
    const answer = batch([...Array.from({ length: 14 }, () => track()), large]);
    expect(answer).toMatchObject({
      accepted: 14,
      rejected: [{ index: 14, messageId: "big", code: "eventTooLarge" }],
    });
    const record = answer.records[14];
    expect(record?.kind === "deadLetter" && record.letter.event).toEqual(large);
  });

  test("an event may be exactly 32 KiB as JSON, in bytes", () => {
    const sized = (bytes: number, unit: string) => {
      const room = bytes - Buffer.byteLength(JSON.stringify(track({ properties: { text: "" } })));
      const count = Math.floor(room / Buffer.byteLength(unit));
      const text = unit.repeat(count) + "x".repeat(room - count * Buffer.byteLength(unit));
      return track({ properties: { text } });
    };
    for (const unit of ["x", "ü", "\u{1f600}"]) {
      expect(batch([sized(limits.eventBytesMax, unit)]).accepted).toBe(1);
      expect(onlyLetter(batch([sized(limits.eventBytesMax + 1, unit)])).code).toBe("eventTooLarge");
    }
  });

  test("a letter beyond 256 KiB keeps the beginning as text and says so", () => {
    const letter = onlyLetter(
      batch([track({ properties: { text: "\u{1f600}".repeat(150_000) } })]),
    );
    expect(letter.event).toHaveLength(limits.deadLetterCharsMax);
    expect(letter.message).toContain("262144 characters");
    expect(String(letter.event).slice(0, 15)).toBe('{"type":"track"');
    expect(onlyLetter(batch([[1, { a: "b" }]])).event).toBe('[1,{"a":"b"}]');
  });

  test("records carry the partition of their key, and letters that of their message id", () => {
    const answer = batch([
      track(),
      track({ userId: null, anonymousId: "a" }),
      track({ messageId: "bad", event: 1 }),
    ]);
    expect(answer.records.map((record) => [record.partition, record.at])).toEqual([
      [murmur2("user:u1") % 8, now],
      [murmur2("anon:a") % 8, now],
      [murmur2("bad") % 8, now],
    ]);
    expect(answer.records[0]).toMatchObject({ key: "user:u1" });
  });
});

describe("message ids", () => {
  const idOf = (event: object, body: object = {}) => {
    const request = requestOf("segment-batch", { batch: [event], ...body });
    return onlyEvent(accept(request, contextWith()));
  };

  test("that are missing derive from the event's bytes and place when it carries a timestamp", () => {
    const event = track({ messageId: undefined, timestamp: iso });
    const first = idOf(event, { sentAt: iso });
    expect(first.id).toMatch(/^derived-[0-9a-f]{32}$/);
    expect(first.notes).toEqual(["idDerived"]);
    const retry = {
      ...event,
      sentAt: "2026-05-04T12:00:09Z",
      _metadata: { retryCount: 1 },
      writeKey: "x",
    };
    expect(idOf(retry).id).toBe(first.id);
    expect(idOf({ ...event, userId: "u2" }).id).not.toBe(first.id);
    const twice = batch([event, event]).records.map((record) =>
      record.kind === "event" ? record.event.id : "",
    );
    expect(twice[0]).toBe(first.id);
    expect(twice[1]).not.toBe(first.id);
  });

  test("are random without a timestamp", () => {
    for (const messageId of [undefined, null, ""]) {
      expect(idOf(track({ messageId }))).toMatchObject({ id: "random-0", notes: ["idRandom"] });
    }
    expect(onlyLetter(batch(["x"])).id).toBe("random-0");
  });
});

describe("hostile values", () => {
  const raw = (event: string) =>
    accept(requestOf("segment-batch", `{"batch":[${event}]}`), contextWith());
  const withProperties = (json: string) =>
    raw(`{"type":"track","event":"E","userId":"u","messageId":"m","properties":${json}}`);

  test("cannot pollute a prototype, neither in an event nor in the batch", () => {
    const proto =
      '{"__proto__":{"polluted":1},"a":{"__proto__":5,"b":1},"constructor":{"prototype":{"polluted":1}}}';
    const event = onlyEvent(withProperties(proto));
    expect(Object.keys(event.properties)).toEqual(["a", "constructor"]);
    expect(event.notes).toEqual(["protoDropped"]);
    expect(event.properties.a).toEqual({ b: 1 });
    expect("polluted" in event.properties).toBe(false);
    expect("polluted" in {}).toBe(false);
    const text = `{"batch":[{"__proto__":{"userId":"u"},"type":"track","event":"E"},{"type":"identify","userId":"u","context":{"c":1}}],"context":${proto}}`;
    const answer = accept(requestOf("segment-batch", text), contextWith());
    expect(answer.rejected[0]?.code).toBe("identifierMissing");
    const second = answer.records[1];
    expect(second?.kind === "event" && Object.keys(second.event.context ?? {}).sort()).toEqual([
      "a",
      "c",
      "constructor",
    ]);
    expect("polluted" in {}).toBe(false);
  });

  test("numbers beyond a double are refused with their place, and the letter can be stored", () => {
    const letter = onlyLetter(withProperties('{"a":[0,1e400]}'));
    expect(letter).toMatchObject({ code: "eventFieldType", path: "/properties/a/1" });
    expect(letter.event).toMatchObject({ properties: { a: [0, "Infinity"] } });
    expect(onlyLetter(raw('{"type":"track","event":"E","userId":-1e999}')).code).toBe(
      "eventFieldType",
    );
  });

  test("long keys do not make a long answer", () => {
    const letter = onlyLetter(withProperties(`{"${"k".repeat(30_000)}":1e400}`));
    expect(letter.path?.length).toBeLessThan(2000);
    expect(letter.message.length).toBeLessThan(2000);
  });

  test("minus zero is zero", () => {
    const { properties } = onlyEvent(withProperties('{"a":-0,"b":[-0.0]}'));
    expect(Object.is(properties.a, 0)).toBe(true);
    expect(Object.is((properties.b as number[])[0], 0)).toBe(true);
  });

  test("lone surrogates become U+FFFD in values and keys, and pairs stay", () => {
    const { properties } = onlyEvent(
      withProperties('{"a":"x\\ud800y","b\\udc00":1,"c":["\\ud83d\\ude00"]}'),
    );
    expect(properties).toEqual({ a: "x\ufffdy", "b\ufffd": 1, c: ["\u{1f600}"] });
  });

  test("nesting is fine 32 deep and refused 33 deep", () => {
    // The event and its properties are two levels.
    const nested = (levels: number) => `${'{"a/~":'.repeat(levels)}1${"}".repeat(levels)}`;
    expect(withProperties(nested(31)).accepted).toBe(1);
    const letter = onlyLetter(withProperties(nested(32)));
    expect(letter).toMatchObject({
      code: "eventTooDeep",
      path: `/properties${"/a~1~0".repeat(31)}`,
    });
    expect(letter.event).toBeTypeOf("object");
    const list = `${"[".repeat(5000)}${"]".repeat(5000)}`;
    expect(onlyLetter(withProperties(list)).code).toBe("eventTooDeep");
  });
});

describe("contracts", () => {
  const optional = (kind: PropertyKind): PropertyDefinition => ({ kind, optional: true });
  const required: PropertyDefinition = { kind: "any", optional: false };
  const contracts = compileContracts([
    {
      name: "Order Completed",
      properties: {
        total: { kind: "number", optional: false },
        "a/b": optional("integer"),
        items: optional("list"),
        gift: optional("boolean"),
        note: optional("string"),
        address: optional("object"),
        any: optional("any"),
        constructor: optional("any"),
      },
    },
    { name: "Identify", properties: { plan: { kind: "string", optional: false } } },
    { name: "Odd", properties: { toString: required } },
  ]);
  const context = contextWith({ contracts });
  const order = (properties: object) =>
    batch([track({ event: "Order Completed", properties })], context);

  test("let pass what they describe, what they do not name, and null for what is optional", () => {
    const full = {
      total: 1.5,
      "a/b": 3,
      items: [],
      gift: true,
      note: "x",
      address: {},
      any: [1],
      more: 1,
    };
    expect(order(full).accepted).toBe(1);
    expect(order({ total: 1, note: null }).accepted).toBe(1);
    expect(batch([track({ event: "Unknown" })], context).accepted).toBe(1);
  });

  test("refuse with the place, what was expected and what came", () => {
    const missing = onlyLetter(order({}));
    expect(missing).toMatchObject({ code: "contractViolated", path: "/properties/total" });
    expect(missing.message).toBe(
      'event "Order Completed": "total" should be there, but is missing',
    );
    expect(onlyLetter(order({ total: "19.90" })).message).toContain(
      '"total" should be a number, but came as text "19.90"',
    );
    expect(onlyLetter(order({ total: 1, "a/b": 1.5 }))).toMatchObject({ path: "/properties/a~1b" });
    const many = { total: null, items: 1, gift: 1, note: 1, address: 1 };
    expect(onlyLetter(order(many)).message).toContain(", and 2 more");
    expect(onlyLetter(batch([track({ event: "Odd" })], context)).message).toContain("is missing");
  });

  test("of Identify are about the traits", () => {
    const identify = { type: "identify", userId: "u", messageId: "m", traits: { plan: 5 } };
    expect(onlyLetter(batch([identify], context))).toMatchObject({
      code: "contractViolated",
      path: "/traits/plan",
    });
    expect(batch([{ ...identify, traits: { plan: "gold" } }], context).accepted).toBe(1);
    const sent = { event_type: "identify", user_id: "u", metadata: {} };
    expect(onlyLetter(native(sent, context)).path).toBe("/metadata/plan");
  });
});

describe("joins", () => {
  const joins = compileJoins([
    {
      table: "items",
      events: ["Product Viewed"],
      on: { prop: "sku" },
      pick: ["price", "category"],
    },
    {
      table: "categories",
      events: ["Product Viewed"],
      on: { joined: ["items", "category"] },
      pick: ["title"],
    },
  ]);
  const tables: AcceptContext["tables"] = new Map([
    ["items", { version: 7, rows: new Map([["1", { price: 5, category: "c", secret: 1 }]]) }],
    ["categories", { version: 2, rows: new Map([["c", { title: "Chairs" }]]) }],
  ]);
  const view = (sku: unknown, context: AcceptContext) =>
    onlyEvent(batch([track({ properties: { sku } })], context));

  test("write the picked columns and the versions into the event", () => {
    for (const sku of ["1", 1]) {
      expect(view(sku, contextWith({ joins, tables }))).toMatchObject({
        joined: { items: { price: 5, category: "c" }, categories: { title: "Chairs" } },
        tables: { items: 7, categories: 2 },
      });
    }
  });

  test("answer null where there is no row, no key or no table", () => {
    for (const sku of ["2", null, {}, "constructor"]) {
      expect(view(sku, contextWith({ joins, tables }))).toMatchObject({
        joined: { items: null, categories: null },
        tables: { items: 7, categories: 2 },
      });
    }
    expect(view("1", contextWith({ joins })).tables).toEqual({ items: 0, categories: 0 });
    expect(
      onlyEvent(batch([track({ event: "Other" })], contextWith({ joins, tables }))),
    ).not.toHaveProperty("joined");
  });
});
