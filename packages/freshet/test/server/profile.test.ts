import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTokens } from "../../src/server/index.ts";
import {
  ask,
  basic,
  bearer,
  type Fixture,
  openFixture,
  secret,
  secretKey,
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

const get = (path: string, headers: Record<string, string> = secret) =>
  ask(fixture, path, { headers });
const refused = (status: number, code: string) => ({
  status,
  body: { success: false, error: expect.objectContaining({ code }) },
});

describe("a profile", () => {
  test("is read by each form of its id", async () => {
    await sendAndWait(fixture, view("m1"), view("m2", { anonymousId: "a1" }));
    for (const id of ["u1", "user:u1", "user%3Au1"]) {
      const { status, body } = await get(`/v1/profiles/${id}`);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        profileId: "user:u1",
        version: 1,
        traits: {},
        features: { productViews: 1, orders: 0 },
        segments: [],
        session: { events: 1 },
        identifiers: ["user:u1"],
        asOf: expect.any(Number),
        stale: false,
      });
      expect(body.detail).toBeUndefined();
    }
    expect((await get("/v1/profiles/anon:a1")).body.profileId).toBe("anon:a1");
  });

  test("of a linked anonymous id is its owner's", async () => {
    const receipt = await send(
      fixture,
      view("m1", { anonymousId: "a1" }),
      view("m2", { userId: "u1", anonymousId: "a1" }),
    );
    const { body } = await get(`/v1/profiles/anon:a1?atLeast=${receipt}`);
    expect(body).toMatchObject({
      profileId: "user:u1",
      features: { productViews: 2 },
      identifiers: ["anon:a1", "user:u1"],
      stale: false,
    });
  });

  test("has details when asked", async () => {
    await sendAndWait(fixture, view("m1"));
    const { body } = await get("/v1/profiles/u1?detail=true");
    expect(body.detail.features.productViews).toMatchObject({
      type: "count",
      approximate: false,
      since: 0,
    });
  });

  test("waits for receipts, however many and however written", async () => {
    const one = await send(fixture, view("m1"));
    const two = await send(fixture, view("m2"));
    for (const query of [`atLeast=${one},${two}`, `atLeast=${one}&atLeast=${two}`]) {
      const { body } = await get(`/v1/profiles/u1?${query}`);
      expect(body).toMatchObject({ features: { productViews: 2 }, stale: false });
    }
  });

  test("says that it is stale", async () => {
    await sendAndWait(fixture, view("m1"));
    fixture.clock.halt();
    const receipt = await send(fixture, view("m2"));
    const { body } = await get(`/v1/profiles/u1?atLeast=${receipt}`);
    expect(body).toMatchObject({ features: { productViews: 1 }, stale: true });
  });

  test("that nobody has seen is 404, and a wrong id or receipt 400", async () => {
    expect(await get("/v1/profiles/nobody")).toMatchObject(refused(404, "profileNotFound"));
    expect(await get("/v1/profiles/user:")).toMatchObject(refused(400, "profileIdInvalid"));
    expect(await get(`/v1/profiles/${"x".repeat(600)}`)).toMatchObject(
      refused(400, "profileIdInvalid"),
    );
    expect(await get("/v1/profiles/u1?atLeast=x")).toMatchObject(refused(400, "receiptInvalid"));
  });

  test("lists its last events, newest first", async () => {
    await sendAndWait(
      fixture,
      view("m1"),
      view("m2", { anonymousId: "a1" }),
      view("m3", { userId: "u1", anonymousId: "a1" }),
    );
    const { status, body } = await get("/v1/profiles/u1/events");
    expect(status).toBe(200);
    expect(body.events.map(({ messageId }: { messageId: string }) => messageId)).toEqual([
      "m3",
      "m2",
      "m1",
    ]);
    expect(body.events[2]).toEqual({
      messageId: "m1",
      name: "Product Viewed",
      type: "track",
      time: expect.any(Number),
      at: expect.any(Number),
      offset: 0,
      outcome: "applied",
      userId: "u1",
      properties: { product_id: "p1" },
      context: { ip: "127.0.0.1" },
    });
    expect((await get("/v1/profiles/u1/events?limit=1")).body.events).toHaveLength(1);
    expect(await get("/v1/profiles/u1/events?limit=x")).toMatchObject(refused(400, "requestShape"));
    expect(await get("/v1/profiles/no/events")).toMatchObject(refused(404, "profileNotFound"));
  });
});

describe("who may read", () => {
  test.each([
    "/v1/profiles/u1",
    "/v1/profiles/u1/events",
    "/v1/events/m1",
    "/v1/dead-letters",
    "/v1/plan",
  ])("%s takes no write key and no wrong key", async (path) => {
    await sendAndWait(fixture, view("m1"));
    expect(await get(path, {})).toMatchObject(refused(401, "secretKeyRequired"));
    expect(await get(path, basic(writeKey))).toMatchObject(refused(401, "secretKeyRequired"));
    expect((await get(path, bearer("the-secret-kez"))).status).toBe(401);
    expect((await get(path)).status).toBe(200);
  });

  test("a token opens its own profile and nothing else", async () => {
    await sendAndWait(
      fixture,
      view("m1"),
      view("m2", { userId: "u2" }),
      view("m3", { anonymousId: "a1" }),
    );
    const token = bearer(await tokenFor(fixture, { profileId: "u1" }));
    expect((await get("/v1/profiles/u1", token)).status).toBe(200);
    for (const path of [
      "/v1/profiles/u2",
      "/v1/profiles/anon:a1",
      "/v1/profiles/nobody",
      "/v1/profiles/u2/events",
      "/v1/events/m2",
    ]) {
      expect(await get(path, token)).toMatchObject(refused(401, "tokenForbidden"));
    }
    for (const path of ["/v1/dead-letters", "/v1/plan"]) {
      expect(await get(path, token)).toMatchObject(refused(401, "secretKeyRequired"));
    }
    await sendAndWait(fixture, view("m4", { userId: "u1", anonymousId: "a1" }));
    expect((await get("/v1/profiles/anon:a1", token)).body.profileId).toBe("user:u1");
    expect((await get("/v1/events/m3", token)).status).toBe(200);
  });

  test("a token of an anonymous profile ends with its link", async () => {
    await sendAndWait(fixture, view("m1", { anonymousId: "a1" }));
    const token = bearer(await tokenFor(fixture, { anonymousId: "a1" }));
    expect((await get("/v1/profiles/anon:a1", token)).status).toBe(200);
    await sendAndWait(fixture, view("m2", { userId: "u1", anonymousId: "a1" }));
    for (const path of ["/v1/profiles/anon:a1", "/v1/profiles/u1", "/v1/events/m1"]) {
      expect(await get(path, token)).toMatchObject(refused(401, "tokenForbidden"));
    }
    const { body } = await ask(fixture, "/v1/tokens", {
      body: { anonymousId: "a1" },
      headers: secret,
    });
    expect(body.profileId).toBe("user:u1");
  });
});

describe("tokens", () => {
  const mint = (body: unknown, headers = secret) => ask(fixture, "/v1/tokens", { body, headers });

  test("are minted by the secret key for one profile", async () => {
    const { status, body } = await mint({ anonymousId: "a1", expiresInSeconds: 60 });
    expect(status).toBe(200);
    expect(body).toMatchObject({ token: expect.any(String), profileId: "anon:a1" });
    expect(body.expiresAt - Date.now()).toBeGreaterThan(55_000);
    expect(body.expiresAt - Date.now()).toBeLessThanOrEqual(61_000);
    expect((await mint({ userId: "u1" })).body.expiresAt - Date.now()).toBeGreaterThan(890_000);
    expect(body.token).not.toContain(secretKey);
  });

  test.each<[string, unknown]>([
    ["identifierMissing", {}],
    ["profileIdInvalid", { profileId: "anon:" }],
    ["requestShape", { userId: "u1", expiresInSeconds: 86_401 }],
    ["requestShape", { userId: "u1", expiresInSeconds: 0 }],
    ["requestShape", []],
  ])("are refused with 400 %s %#", async (code, body) => {
    expect(await mint(body)).toMatchObject(refused(400, code));
  });

  test("are not minted by tokens or write keys", async () => {
    const token = bearer(await tokenFor(fixture, { userId: "u1" }));
    for (const headers of [token, basic(writeKey)]) {
      expect(await mint({ userId: "u1" }, headers)).toMatchObject(
        refused(401, "secretKeyRequired"),
      );
    }
  });

  test("expire, and those of another server or purpose are refused", async () => {
    const early = createTokens(secretKey, { ...fixture.clock, now: () => Date.now() - 3_600_000 });
    const { token: old } = await early.mint("user:u1", 60);
    expect(await get("/v1/profiles/u1", bearer(old))).toMatchObject(refused(401, "tokenExpired"));
    const { token: other } = await createTokens("another", fixture.clock).mint("user:u1", 60);
    const none = `${btoa('{"alg":"none"}')}.${btoa('{"sub":"user:u1","exp":9999999999}')}.`;
    for (const wrong of [other, none, "a.b.c", ""]) {
      expect(await get("/v1/profiles/u1", bearer(wrong))).toMatchObject({ status: 401 });
    }
  });
});

describe("an event", () => {
  test("has a journey", async () => {
    await sendAndWait(fixture, view("m1"), view("m1"));
    const { body } = await get("/v1/events/m1");
    expect(body).toMatchObject({
      messageId: "m1",
      status: "applied",
      profileId: "user:u1",
      offset: 0,
    });
    expect(body.duplicates).toHaveLength(1);
    expect(body.steps.map(({ stage }: { stage: string }) => stage)).toContain("logged");
  });

  test("that was refused has one as well, and is a dead letter", async () => {
    await sendAndWait(fixture, {
      type: "track",
      event: "Product Viewed",
      userId: "u1",
      messageId: "bad1",
    });
    await sendAndWait(fixture, {
      type: "track",
      event: "Product Viewed",
      userId: "u1",
      messageId: "bad2",
    });
    expect((await get("/v1/events/bad1")).body).toMatchObject({ status: "rejected" });
    const { body } = await get("/v1/dead-letters");
    expect(body).toMatchObject({
      deadLetters: [
        { messageId: "bad2", code: "contractViolated" },
        { messageId: "bad1", code: "contractViolated" },
      ],
      total: 2,
    });
    const { offset } = body.deadLetters[0];
    const before = await get(`/v1/dead-letters?before=${offset}&limit=1`);
    expect(before.body.deadLetters).toMatchObject([{ messageId: "bad1" }]);
    expect(await get("/v1/dead-letters?before=-1")).toMatchObject(refused(400, "requestShape"));
  });

  test("that waits is in flight", async () => {
    fixture.clock.halt();
    await send(fixture, view("m1"));
    expect((await get("/v1/events/m1")).body).toMatchObject({ status: "inFlight" });
    const token = bearer(await tokenFor(fixture, { userId: "u1" }));
    expect((await get("/v1/events/m1", token)).body).toMatchObject({ status: "inFlight" });
  });

  test("that nobody sent is 404", async () => {
    expect(await get("/v1/events/none")).toMatchObject(refused(404, "eventNotFound"));
  });
});

test("the plan and its epochs are shown to the owner", async () => {
  const { body } = await get("/v1/plan");
  expect(body).toMatchObject({
    hash: expect.any(String),
    epoch: 1,
    definition: { name: "test" },
    manifest: [{ epoch: 1, fromOffset: 0 }],
  });
});
