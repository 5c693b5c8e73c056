import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ask,
  basic,
  bearer,
  type Fixture,
  openFixture,
  secret,
  send,
  sendAndWait,
  tokenFor,
  view,
  writeKey,
} from "./fixture.ts";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture();
});
afterEach(() => fixture.close());

const placements = ["homeBanner", "recommended"];
const decide = (body: object, headers: Record<string, string> = basic(writeKey)) =>
  ask(fixture, "/v1/decide", { body: { placements, ...body }, headers });
const error = (code: string) => ({ success: false, error: expect.objectContaining({ code }) });

describe("a decision", () => {
  test("for somebody unknown falls back and is never an error", async () => {
    const { status, body } = await decide({ anonymousId: "nobody" });
    expect(status).toBe(200);
    expect(body).toEqual({
      decisions: {
        homeBanner: {
          variant: "fallback",
          content: { title: "Welcome" },
          reason: "fallback",
          propensity: 1,
        },
        recommended: {
          variant: "fallback",
          content: {},
          items: [],
          reason: "fallback",
          propensity: 1,
        },
      },
      asOf: expect.any(Number),
      sessionId: null,
      stale: false,
    });
  });

  test("reads the events of its own call, of both shapes, with the call's identifiers", async () => {
    const events = [
      { type: "track", event: "Product Viewed", messageId: "m1", properties: { product_id: "p2" } },
      { event_type: "Product Viewed", event_id: "m2", metadata: { product_id: "p1" } },
      { event_type: "Product Viewed", event_id: "m3", metadata: { product_id: 1 } },
      view("m4", { userId: "other" }),
      { type: "track", event: "Product Viewed", messageId: "m5", properties: { product_id: "p1" } },
    ];
    const { status, body } = await decide({ userId: "u1", events });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      decisions: {
        homeBanner: {
          variant: "keen",
          content: { title: "Hello you, 3 views" },
          reason: "eligible",
        },
        recommended: {
          items: [{ product_id: "p1", reason: "recentlyViewed" }, { product_id: "p2" }],
        },
      },
      receipt: expect.any(String),
      rejected: [{ index: 2, messageId: "m3", code: "contractViolated" }],
      stale: false,
    });
    const profile = await ask(fixture, "/v1/profiles/u1", { headers: secret });
    expect(profile.body.features.productViews).toBe(3);
  });

  test("links identifiers that its events carry", async () => {
    await sendAndWait(
      fixture,
      view("m1", { anonymousId: "a1" }),
      view("m2", { anonymousId: "a1" }),
    );
    const events = [view("m3", { userId: "u1", anonymousId: "a1" })];
    const { body } = await decide({ userId: "u1", anonymousId: "a1", events });
    expect(body.decisions.homeBanner.variant).toBe("keen");
  });

  test("of a user who is not known yet is that of the anonymous id, unless it is another user's", async () => {
    const events = ["m1", "m2", "m3"].map((id) => view(id, { anonymousId: "a1" }));
    await sendAndWait(fixture, ...events);
    const both = { userId: "u1", anonymousId: "a1" };
    expect((await decide(both)).body.decisions.homeBanner.variant).toBe("keen");
    await sendAndWait(fixture, view("m4", { userId: "u2", anonymousId: "a1" }));
    expect((await decide(both)).body.decisions.homeBanner.variant).toBe("fallback");
    expect((await decide({ anonymousId: "a1" })).body.decisions.homeBanner.variant).toBe("keen");
  });

  test("sees the context of the call", async () => {
    const { body } = await decide({ userId: "u1", context: { page: { path: "/sale" } } });
    expect(body.decisions.homeBanner).toMatchObject({
      variant: "sale",
      content: { title: "Sale" },
    });
  });

  test("reads what a receipt stands for", async () => {
    const first = await send(fixture, view("m1"), view("m2"));
    const second = await send(fixture, view("m3"));
    const { body } = await decide({ userId: "u1", atLeast: [first, second] });
    expect(body).toMatchObject({ stale: false, decisions: { homeBanner: { variant: "keen" } } });
    expect((await decide({ userId: "u1", atLeast: second })).body.stale).toBe(false);
  });

  test("says that it is stale when its events are not applied in time", async () => {
    fixture.clock.halt();
    const receipt = await send(fixture, view("m1"));
    const { status, body } = await decide({ userId: "u1", atLeast: receipt });
    expect(status).toBe(200);
    expect(body.stale).toBe(true);
  });

  test("shows popular items to somebody unknown", async () => {
    await sendAndWait(fixture, view("m1", { userId: "u9" }, "p3"));
    await expect
      .poll(async () => (await decide({ userId: "new" })).body.decisions.recommended.items, {
        timeout: 3000,
      })
      .toEqual([{ product_id: "p3", name: "Product p3", reason: "popular" }]);
  });

  test("answers for ids and placements that are names of prototypes", async () => {
    for (const userId of ["__proto__", "constructor", "a/b ü"]) {
      expect((await decide({ userId })).status).toBe(200);
      const unknown = await decide({ userId, placements: [userId] });
      expect(unknown).toMatchObject({ status: 400, body: error("placementUnknown") });
    }
  });
});

describe("who may decide", () => {
  const three = ["m1", "m2", "m3"].map((id) => view(id));
  const named = { type: "identify", userId: "u1", traits: { firstName: "Ana" }, messageId: "i1" };

  test("a write key is shown no trait and refused explain", async () => {
    await sendAndWait(fixture, ...three, named);
    for (const headers of [basic(writeKey), {}]) {
      const { body } = await decide({ userId: "u1", writeKey }, headers);
      expect(body.decisions.homeBanner.content.title).toBe("Hello you, 3 views");
      expect(JSON.stringify(body)).not.toContain("Ana");
    }
    const explained = await decide({ userId: "u1", explain: true });
    expect(explained).toMatchObject({ status: 401, body: error("explainForbidden") });
  });

  test("the secret key and the profile's token are shown traits and why", async () => {
    await sendAndWait(fixture, ...three, named);
    const token = await tokenFor(fixture, { userId: "u1" });
    for (const headers of [secret, bearer(token)]) {
      const { body } = await decide({ userId: "u1", explain: true }, headers);
      expect(body.decisions.homeBanner).toMatchObject({
        content: { title: "Hello Ana, 3 views" },
        why: {
          chosen: "keen",
          variants: [
            { name: "keen", eligible: true },
            { name: "sale", eligible: false },
          ],
        },
      });
    }
    expect((await decide({}, bearer(token))).body.decisions.homeBanner.variant).toBe("keen");
  });

  test("a token is for its own profile only, in what it reads and in what it writes", async () => {
    await sendAndWait(fixture, view("m0", { userId: "u2" }));
    const token = await tokenFor(fixture, { userId: "u1" });
    const forbidden = { status: 401, body: error("tokenForbidden") };
    expect(await decide({ userId: "u2" }, bearer(token))).toMatchObject(forbidden);
    expect(await decide({ anonymousId: "a1" }, bearer(token))).toMatchObject(forbidden);
    const before = fixture.engine.ledger().received;
    expect(await decide({ events: [view("m9", { userId: "u2" })] }, bearer(token))).toMatchObject(
      forbidden,
    );
    expect(fixture.engine.ledger().received).toBe(before);
    const own = {
      type: "track",
      event: "Product Viewed",
      messageId: "m8",
      properties: { product_id: "p1" },
    };
    expect((await decide({ events: [own] }, bearer(token))).body).toMatchObject({
      rejected: [],
      stale: false,
    });
  });

  test("a token of an anonymous profile ends with its link to a user", async () => {
    await sendAndWait(fixture, view("m1", { anonymousId: "a1" }));
    const token = await tokenFor(fixture, { anonymousId: "a1" });
    expect((await decide({}, bearer(token))).status).toBe(200);
    await sendAndWait(fixture, view("m2", { userId: "u1", anonymousId: "a1" }));
    expect(await decide({}, bearer(token))).toMatchObject({
      status: 401,
      body: error("tokenForbidden"),
    });
  });

  test.each<[string, string, Record<string, string>, object]>([
    ["no key", "keyMissing", {}, {}],
    ["a wrong write key", "keyUnknown", basic("no"), {}],
    ["a wrong write key in the body", "keyUnknown", {}, { writeKey: "no" }],
    ["a wrong secret key", "tokenInvalid", bearer("no"), {}],
  ])("%s is 401 %s", async (_what, code, headers, more) => {
    expect(await decide({ userId: "u1", ...more }, headers)).toMatchObject({
      status: 401,
      body: error(code),
    });
  });
});

describe("a request that cannot be decided", () => {
  test.each<[string, object]>([
    ["identifierMissing", {}],
    ["identifierInvalid", { userId: { a: 1 } }],
    ["profileIdInvalid", { userId: "x".repeat(513) }],
    ["requestShape", { userId: "u1", placements: [] }],
    ["requestShape", { userId: "u1", placements: "homeBanner" }],
    ["requestShape", { userId: "u1", placements: Array.from({ length: 33 }, () => "homeBanner") }],
    ["requestShape", { userId: "u1", events: {} }],
    ["requestShape", { userId: "u1", context: [] }],
    ["requestShape", { userId: "u1", explain: "yes" }],
    ["receiptInvalid", { userId: "u1", atLeast: "nonsense" }],
    ["receiptInvalid", { userId: "u1", atLeast: "otherlog.0" }],
    ["receiptInvalid", { userId: "u1", atLeast: [1] }],
    ["receiptInvalid", { userId: "u1", atLeast: Array.from({ length: 65 }, () => "x") }],
  ])("is 400 %s %#", async (code, body) => {
    expect(await decide(body)).toMatchObject({ status: 400, body: error(code) });
  });

  test("names the nearest placement", async () => {
    const { body } = await decide({ userId: "u1", placements: ["homeBaner"] });
    expect(body.error).toMatchObject({
      code: "placementUnknown",
      hint: 'did you mean "homeBanner"?',
    });
  });

  test("that is no object is 400", async () => {
    const answer = await ask(fixture, "/v1/decide", { body: "[]", headers: basic(writeKey) });
    expect(answer).toMatchObject({ status: 400, body: error("requestShape") });
  });

  test("is 503 when its events cannot be kept", async () => {
    fixture.disk.faults = { ...fixture.disk.faults, failureShare: 1 };
    const answer = await decide({ userId: "u1", events: [view("m1")] });
    expect(answer).toMatchObject({ status: 503, body: error("logUnavailable") });
    expect((await decide({ userId: "u1" })).status).toBe(200);
  });
});
