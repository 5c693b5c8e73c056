import { describe, expect, test } from "vitest";
import { accept } from "../../src/accept/index.ts";
import type { EventType } from "../../src/core/event.ts";
import { batch, contextWith, now, onlyEvent, onlyLetter, requestOf, track } from "./fixture.ts";

const one = (event: object) => onlyEvent(batch([event]));
const refused = (event: object) => onlyLetter(batch([event]));

describe("the six types", () => {
  test("track keeps name and properties", () => {
    const event = one(track({ properties: { price: 19.9, tags: ["a"] }, timestamp: now }));
    expect(event).toEqual({
      id: "m1",
      type: "track",
      name: "Product Viewed",
      userId: "u1",
      time: now,
      source: "shop",
      properties: { price: 19.9, tags: ["a"] },
    });
  });

  test("identify keeps traits", () => {
    const event = one({ type: "identify", userId: "u1", messageId: "m", traits: { plan: "gold" } });
    expect(event).toMatchObject({ name: "Identify", traits: { plan: "gold" }, properties: {} });
    expect(one({ type: "identify", userId: "u1", traits: {} })).not.toHaveProperty("traits");
  });

  test("page and screen have their name and category among the properties", () => {
    for (const [type, name] of [
      ["page", "Page"],
      ["screen", "Screen"],
    ] as const) {
      const sent = {
        type,
        anonymousId: "a",
        name: "Home",
        category: "c",
        properties: { category: "own" },
      };
      const event = one(sent);
      expect(event).toMatchObject({ type, name, properties: { name: "Home", category: "own" } });
      expect(event).not.toHaveProperty("extra");
    }
    expect(one({ type: "page", anonymousId: "a", name: null }).properties).toEqual({});
  });

  test("group has its id and traits as properties", () => {
    const event = one({ type: "group", userId: "u", groupId: 7, traits: { size: 3 } });
    expect(event).toMatchObject({ name: "Group", properties: { groupId: "7", size: 3 } });
    expect(event).not.toHaveProperty("traits");
  });

  test("alias links its previous id, as anonymous id where there is none", () => {
    const alias = { type: "alias", userId: "u", previousId: "old" };
    expect(one(alias)).toMatchObject({
      name: "Alias",
      userId: "u",
      anonymousId: "old",
      properties: {},
    });
    const both = one({ ...alias, anonymousId: "a" });
    expect(both).toMatchObject({ anonymousId: "a", properties: { previousId: "old" } });
    expect(refused({ type: "alias", previousId: "old" })).toMatchObject({
      code: "identifierMissing",
      path: "/userId",
    });
  });

  test("come from the path of a single event, whatever the body says", () => {
    const types: EventType[] = ["track", "identify", "page", "screen", "group", "alias"];
    for (const type of types) {
      const body = { event: "E", userId: "u", type: "other" };
      const request = requestOf("segment-single", body, { type });
      expect(onlyEvent(accept(request, contextWith())).type).toBe(type);
    }
  });

  test("an unknown type is refused alone", () => {
    const answer = batch([
      track(),
      track({ type: "click" }),
      track({ type: undefined }),
      track({ type: "toString" }),
    ]);
    expect(answer.accepted).toBe(1);
    expect(answer.rejected.map((one) => [one.index, one.code])).toEqual([
      [1, "eventTypeUnknown"],
      [2, "eventTypeUnknown"],
      [3, "eventTypeUnknown"],
    ]);
  });
});

describe("names and fields", () => {
  test("a track without a name is refused, and one with a wrong name too", () => {
    for (const event of [undefined, null, ""]) {
      expect(refused(track({ event }))).toMatchObject({ code: "eventNameMissing", path: "/event" });
    }
    for (const event of [1, {}, "x".repeat(513)]) {
      expect(refused(track({ event }))).toMatchObject({ code: "eventFieldType", path: "/event" });
    }
    expect(one(track({ event: "x".repeat(512) })).name).toHaveLength(512);
  });

  test("objects must be objects", () => {
    for (const value of [1, "x", [], true]) {
      expect(refused(track({ properties: value }))).toMatchObject({
        code: "eventFieldType",
        path: "/properties",
      });
      expect(refused(track({ context: value }))).toMatchObject({
        code: "eventFieldType",
        path: "/context",
      });
      expect(refused({ type: "identify", userId: "u", traits: value }).path).toBe("/traits");
    }
    expect(one(track({ properties: null, context: null })).properties).toEqual({});
  });

  test("unknown fields are kept, and what is used up is not", () => {
    const event = one(
      track({
        channel: "web",
        integrations: { All: false },
        nothing: null,
        empty: {},
        writeKey: "x",
        sentAt: new Date(now).toISOString(),
        _metadata: { nodeVersion: "24", retryCount: 2 },
      }),
    );
    expect(event.extra).toEqual({ channel: "web", integrations: { All: false } });
    expect(event.notes).toEqual(["retryCount:2"]);
    expect(one(track({ integrations: {}, _metadata: { retryCount: 0 } }))).not.toHaveProperty(
      "extra",
    );
  });

  test("the retry count of the header is noted where the event has none", () => {
    const headers = { authorization: `Basic ${btoa("SK:")}`, retryCount: "3" };
    const send = (event: object) =>
      onlyEvent(accept(requestOf("segment-batch", { batch: [event] }, { headers }), contextWith()))
        .notes;
    expect(send(track())).toEqual(["retryCount:3"]);
    expect(send(track({ _metadata: { retryCount: 1 } }))).toEqual(["retryCount:1"]);
    expect(send(track({ _metadata: { retryCount: "x" } }))).toBeUndefined();
  });
});

describe("identifiers", () => {
  test("may be null, empty or numbers", () => {
    expect(one(track({ userId: null, anonymousId: "a" }))).not.toHaveProperty("userId");
    expect(one(track({ userId: "", anonymousId: "a" })).anonymousId).toBe("a");
    expect(one(track({ userId: 42 })).userId).toBe("42");
  });

  test("must be there", () => {
    for (const ids of [{ userId: null }, { userId: "" }, { userId: "", anonymousId: "" }]) {
      expect(refused(track(ids)).code).toBe("identifierMissing");
    }
  });

  test("of another kind or too long are refused", () => {
    for (const value of [true, {}, [], 1.5, 2 ** 53, "x".repeat(513)]) {
      expect(refused(track({ userId: value }))).toMatchObject({
        code: "identifierInvalid",
        path: "/userId",
      });
      expect(refused(track({ messageId: value }))).toMatchObject({
        code: "identifierInvalid",
        path: "/messageId",
      });
    }
    const longest = "x".repeat(512);
    expect(one(track({ userId: longest, messageId: longest }))).toMatchObject({
      userId: longest,
      id: longest,
    });
  });
});

describe("a batch's own fields", () => {
  const send = (body: object) => accept(requestOf("segment-batch", body), contextWith());

  test("are merged into each event, and the event wins", () => {
    const context = { locale: "de", library: { name: "batch" } };
    const answer = send({
      batch: [
        track(),
        track({ context: { library: { name: "event" } }, integrations: { A: true } }),
      ],
      context,
      integrations: { A: false, B: true },
    });
    const events = answer.records.map((record) =>
      record.kind === "event" ? record.event : undefined,
    );
    expect(events[0]).toMatchObject({ context, extra: { integrations: { A: false, B: true } } });
    expect(events[1]).toMatchObject({
      context: { locale: "de", library: { name: "event" } },
      extra: { integrations: { A: true, B: true } },
    });
  });

  test("refuse each event where they cannot be stored", () => {
    const nested = `${"[".repeat(40)}${"]".repeat(40)}`;
    for (const [value, code] of [
      ["1e400", "eventFieldType"],
      [nested, "eventTooDeep"],
    ] as const) {
      const events = JSON.stringify([track(), track({ context: { b: 1 } })]);
      const text = `{"batch":${events},"context":{"a":${value}}}`;
      const answer = accept(requestOf("segment-batch", text), contextWith());
      expect(answer.rejected.map((one) => one.code)).toEqual([code, code]);
    }
  });

  test("do not hide an event's wrong type", () => {
    const answer = send({ batch: [track({ context: 5 })], context: { locale: "de" } });
    expect(answer.rejected[0]?.code).toBe("eventFieldType");
  });
});

describe("the address", () => {
  const send = (key: string, event: object, remoteAddress?: string) => {
    const headers = { authorization: `Basic ${btoa(key)}` };
    const request = requestOf("segment-batch", { batch: [event] }, { headers });
    return onlyEvent(
      accept(remoteAddress === undefined ? request : { ...request, remoteAddress }, contextWith()),
    );
  };

  test("is the connection's for browsers, whatever they claim", () => {
    const claimed = track({ context: { ip: "6.6.6.6", locale: "de" } });
    expect(send("WK", claimed, "::ffff:1.2.3.4").context).toEqual({ ip: "1.2.3.4", locale: "de" });
    expect(send("WK", track(), "2001:db8::1").context).toEqual({ ip: "2001:db8::1" });
    expect(send("WK", claimed).context).toEqual({ locale: "de" });
    expect(send("WK", track({ context: { ip: "6.6.6.6" } }))).not.toHaveProperty("context");
  });

  test("is what servers say", () => {
    expect(send("SK", track({ context: { ip: "6.6.6.6" } }), "1.2.3.4").context).toEqual({
      ip: "6.6.6.6",
    });
    expect(send("SK", track({ context: {} }), "1.2.3.4")).not.toHaveProperty("context");
  });
});
