import { limits } from "@freshet/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ask, basic, type Fixture, openFixture, secret, view, writeKey } from "./fixture.ts";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture();
});
afterEach(() => fixture.close());

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

async function load(query: string, headers: Record<string, string> = {}) {
  const response = await fixture.app.inject({ url: `/v1/pixel.gif${query}`, headers });
  return { ...response, status: response.statusCode, bytes: response.rawPayload };
}

const logged = (id: string) =>
  fixture.engine.record(fixture.engine.journey(id)?.offset ?? -1) as { readonly event: object };

describe("the pixel", () => {
  const right = `?writeKey=${writeKey}&event_type=Email+Opened&user_id=ana&event_id=m1`;

  test("is an image that is never cached, and its event is on disk", async () => {
    const data = base64url({ campaign: "may", opens: 2 });
    const loaded = await load(`${right}&data=${data}&p.link=a%26b&p.campaign=june`, {
      referer: "https://mail.example/inbox/1?x=2",
      "user-agent": "Mail/1.0",
    });
    expect(loaded).toMatchObject({
      status: 200,
      headers: {
        "content-type": "image/gif",
        "cache-control": "no-store",
        "cross-origin-resource-policy": "cross-origin",
        "x-content-type-options": "nosniff",
      },
    });
    expect(loaded.bytes.subarray(0, 10).toString("latin1")).toBe("GIF89a\u0001\u0000\u0001\u0000");
    await fixture.engine.drain();
    expect(logged("m1").event).toMatchObject({
      name: "Email Opened",
      userId: "ana",
      properties: { campaign: "june", opens: 2, link: "a&b" },
      context: {
        ip: "127.0.0.1",
        userAgent: "Mail/1.0",
        page: { url: "https://mail.example/inbox/1?x=2", path: "/inbox/1", search: "?x=2" },
      },
    });
  });

  test.each<[string, string, string]>([
    ["without a name", "&user_id=ana", "eventNameMissing"],
    ["without anybody", "&event_type=E", "identifierMissing"],
    ["with data that is no JSON", "&event_type=E&user_id=a&data=*", "eventFieldType"],
    [
      "with data that is no object",
      `&event_type=E&user_id=a&data=${base64url([1])}`,
      "eventFieldType",
    ],
    ["too long", `&event_type=E&user_id=a&p.x=${"x".repeat(9000)}`, "eventTooLarge"],
    ["with a wrong time", "&event_type=E&user_id=a&timestamp=later", "timestampInvalid"],
  ])("%s is an image all the same, and a dead letter", async (_what, query, code) => {
    const loaded = await load(`?writeKey=${writeKey}${query}`);
    expect(loaded.status).toBe(200);
    expect(loaded.headers).toMatchObject({ "content-type": "image/gif", "freshet-error": code });
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ received: 1, rejected: 1 });
    const { body } = await ask(fixture, "/v1/dead-letters", { headers: secret });
    expect(body.deadLetters).toMatchObject([{ code }]);
  });

  test("with a query at its limit is taken", async () => {
    const query = `?writeKey=${writeKey}&event_type=E&user_id=a&p.x=`;
    const fill = "x".repeat(limits.pixelQueryCharsMax - query.length + 1);
    expect((await load(query + fill)).headers).not.toHaveProperty("freshet-error");
    expect((await load(`${query}${fill}x`)).headers).toMatchObject({
      "freshet-error": "eventTooLarge",
    });
  });

  test.each([
    ["", "keyMissing"],
    ["?writeKey=no", "keyUnknown"],
  ])("with the query %j says 401 and is an image", async (query, code) => {
    const loaded = await load(query);
    expect(loaded).toMatchObject({ status: 401, headers: { "freshet-error": code } });
    expect(loaded.bytes.subarray(0, 3).toString()).toBe("GIF");
    expect(fixture.engine.ledger().received).toBe(0);
  });

  test("says 503 and to come again when the log takes nothing", async () => {
    fixture.disk.faults = { ...fixture.disk.faults, failureShare: 1 };
    expect(await load(right)).toMatchObject({
      status: 503,
      headers: { "freshet-error": "logUnavailable", "retry-after": "2" },
    });
  });

  test("asked for its head alone counts nothing", async () => {
    const response = await fixture.app.inject({ method: "HEAD", url: `/v1/pixel.gif${right}` });
    expect(response.statusCode).toBe(200);
    expect(fixture.engine.ledger().received).toBe(0);
  });

  test("keeps names of Object.prototype from being anything else", async () => {
    await load(`${right}&p.__proto__=x&p.constructor=y&__proto__=z`);
    await fixture.engine.drain();
    expect(logged("m1").event).toMatchObject({ properties: { constructor: "y" } });
  });
});

describe("Segment's pixel", () => {
  const data = (event: object) => Buffer.from(JSON.stringify(event)).toString("base64");
  const loadAt = (path: string, event: object, headers = {}) =>
    fixture.app.inject({ url: `${path}?data=${encodeURIComponent(data(event))}`, headers });

  test("brings a whole event as base64, its key in it", async () => {
    const event = { writeKey, messageId: "m1", userId: "ana", event: "Email Opened" };
    const loaded = await loadAt("/v1/pixel/track", { ...event, properties: { n: 1 } });
    expect(loaded).toMatchObject({ statusCode: 200, headers: { "content-type": "image/gif" } });
    const page = { writeKey, messageId: "m2", userId: "ana", context: { locale: "de" } };
    await loadAt("/v1/pixel/page", page, { "user-agent": "Mail/1.0" });
    await fixture.engine.drain();
    expect(logged("m1").event).toMatchObject({ name: "Email Opened", properties: { n: 1 } });
    expect(logged("m2").event).toMatchObject({
      type: "page",
      context: { locale: "de", userAgent: "Mail/1.0" },
    });
  });

  test("is an image too when nobody can read it", async () => {
    const loaded = await fixture.app.inject({ url: "/v1/pixel/track?data=%25" });
    expect(loaded).toMatchObject({ statusCode: 401, headers: { "freshet-error": "keyMissing" } });
    const kept = await fixture.app.inject({ url: `/v1/pixel/track?data=*&writeKey=${writeKey}` });
    expect(kept).toMatchObject({ statusCode: 200, headers: { "freshet-error": "eventFieldType" } });
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ received: 1, rejected: 1 });
  });
});

describe("a beacon", () => {
  const post = (path: string, body: unknown) =>
    ask(fixture, path, { body, headers: { "content-type": "text/plain;charset=UTF-8" } });
  const native = { event_type: "Left", event_id: "n1", user_id: "ana" };

  test.each(["/v1/beacon", "/beacon", "/beacon/v1/batch"])(
    "to %s takes a batch of both shapes as plain text",
    async (path) => {
      const answer = await post(`${path}?writeKey=${writeKey}`, {
        sentAt: new Date().toISOString(),
        batch: [view("m1"), native, { type: "track" }, {}],
      });
      expect(answer).toMatchObject({
        status: 200,
        body: {
          accepted: 2,
          rejected: [
            { index: 2, code: "eventNameMissing" },
            { index: 3, code: "eventNameMissing" },
          ],
        },
      });
      await fixture.engine.drain();
      expect(logged("n1").event).toMatchObject({ name: "Left" });
      expect(logged("m1").event).toMatchObject({ name: "Product Viewed" });
    },
  );

  test("takes one event, a list, and the key in the body", async () => {
    const path = `/v1/beacon?writeKey=${writeKey}`;
    expect((await post(path, native)).body).toMatchObject({ accepted: 1 });
    expect((await post(path, [native, view("m2")])).body).toMatchObject({ accepted: 2 });
    expect((await post("/v1/beacon", { ...view("m3"), writeKey })).body).toMatchObject({
      accepted: 1,
    });
    expect((await post("/v1/beacon", native)).status).toBe(401);
    const header = await ask(fixture, "/v1/beacon", { body: native, headers: basic(writeKey) });
    expect(header.status).toBe(200);
  });
});
