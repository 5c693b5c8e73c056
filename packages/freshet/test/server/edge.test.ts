import { SignJWT } from "jose";
import { afterEach, describe, expect, test } from "vitest";
import {
  agentReader,
  createEdge,
  type EdgePolicy,
  keyedHash,
  sourcesOf,
} from "../../src/accept/index.ts";
import {
  ask,
  basic,
  bearer,
  type Fixture,
  openFixture,
  secret,
  send,
  sendAndWait,
  view,
  writeKey,
} from "./fixture.ts";

let fixture: Fixture;
afterEach(() => fixture.close());

const quiet: EdgePolicy = { bots: "ignore", context: { device: false, campaign: false } };
const of = keyedHash("a hash key of some length");

/** The sources of the fixture with this policy. */
async function open(policy: EdgePolicy): Promise<void> {
  const edge = (source: string) => {
    const made = createEdge(
      { ...quiet, ...policy },
      { source, agents: agentReader, locate: undefined, hash: () => of, readKeySet: () => null },
    );
    return made === undefined ? {} : { edge: made };
  };
  const keyless = edge("");
  const sources = sourcesOf(
    [
      { name: "web", writeKey, kind: "browser", ...edge("web") },
      { name: "shop", writeKey: "SK", kind: "server" },
    ],
    keyless.edge,
  );
  fixture = await openFixture({ server: { sources } });
}

const batch = (...events: readonly object[]) => ({
  body: { batch: events },
  headers: basic(writeKey),
});
const decide = (body: object, headers: Readonly<Record<string, string>> = basic(writeKey)) =>
  ask(fixture, "/v1/decide", { body: { placements: ["homeBanner"], ...body }, headers });
const metrics = async () => String((await ask(fixture, "/metrics")).body);

describe("a rate limit", () => {
  test("answers 429 with whole seconds in both headers, keeps nothing, and is counted", async () => {
    await open({ rateLimit: { eventsPerSecond: 0.1, burst: 2 } });
    expect((await ask(fixture, "/v1/batch", batch(view("m1"), view("m2")))).status).toBe(200);
    const refused = await ask(fixture, "/v1/batch", batch(view("m3")));
    expect(refused.status).toBe(429);
    expect(refused.headers).toMatchObject({
      "retry-after": expect.stringMatching(/^(9|10)$/),
      "x-ratelimit-reset": refused.headers["retry-after"],
    });
    expect(refused.body.error).toMatchObject({ code: "rateLimited", retryable: true });
    expect(fixture.engine.ledger().received).toBe(2);
    expect(await metrics()).toContain('freshet_edge_total{source="web",outcome="rateLimited"} 1');
    const other = { body: { batch: [view("m4")] }, headers: basic("SK") };
    expect((await ask(fixture, "/v1/batch", other)).status).toBe(200);
  });

  test("holds for events of decisions, and not for decisions without any", async () => {
    await open({ rateLimit: { eventsPerSecond: 0.1, burst: 1 } });
    const user = { userId: "u1" };
    expect((await decide({ ...user, events: [view("m1")] })).status).toBe(200);
    expect((await decide({ ...user, events: [view("m2")] })).status).toBe(429);
    expect((await decide(user)).status).toBe(200);
  });
});

describe("allowed origins", () => {
  const allowedOrigins = ["https://shop.example", "https://*.shop.example"];
  const origin = "https://www.shop.example";
  const other = "https://evil.example";

  test("are the only ones that a preflight is answered for", async () => {
    await open({ allowedOrigins });
    const preflight = (from: string) =>
      ask(fixture, "/v1/batch", { method: "OPTIONS", headers: { origin: from } });
    expect((await preflight(origin)).headers["access-control-allow-origin"]).toBe(origin);
    const refused = await preflight(other);
    expect(refused.status).toBe(200);
    expect(refused.headers["access-control-allow-origin"]).toBeUndefined();
  });

  test("are the only ones that events and decisions are taken from: 401 otherwise", async () => {
    await open({ allowedOrigins });
    const from = (headers: Readonly<Record<string, string>>) => ({
      ...batch(view("m1")),
      headers: { ...basic(writeKey), ...headers },
    });
    expect((await ask(fixture, "/v1/batch", from({ origin }))).status).toBe(200);
    expect((await ask(fixture, "/v1/batch", from({}))).status).toBe(200);
    for (const refused of [
      await ask(fixture, "/v1/batch", from({ origin: other })),
      await decide({ userId: "u1" }, { ...basic(writeKey), origin: other }),
      await ask(fixture, "/v1/batch", {
        body: { batch: [], writeKey },
        headers: { origin: other },
      }),
    ]) {
      expect(refused.status).toBe(401);
      expect(refused.body.error.code).toBe("originForbidden");
      expect(refused.headers["access-control-allow-origin"]).toBeUndefined();
    }
    expect(await metrics()).toContain('freshet_edge_total{source="web",outcome="originRefused"} 3');
  });

  test("of one source do not open another", async () => {
    await open({});
    const shut = createEdge(
      { ...quiet, allowedOrigins },
      {
        source: "web",
        agents: agentReader,
        locate: undefined,
        hash: () => of,
        readKeySet: () => null,
      },
    );
    await fixture.close();
    const sources = sourcesOf([
      { name: "web", writeKey, kind: "browser", ...(shut && { edge: shut }) },
      { name: "open", writeKey: "OK", kind: "browser" },
    ]);
    fixture = await openFixture({ server: { sources } });
    const preflight = await ask(fixture, "/v1/batch", {
      method: "OPTIONS",
      headers: { origin: other },
    });
    expect(preflight.headers["access-control-allow-origin"]).toBe(other);
    const refused = await ask(fixture, "/v1/batch", {
      ...batch(),
      headers: { ...basic(writeKey), origin: other },
    });
    expect([refused.status, refused.headers["access-control-allow-origin"]]).toEqual([
      401,
      undefined,
    ]);
  });
});

describe("refused events", () => {
  test("of bots are dead letters, counted by the ledger; a single native one is 400", async () => {
    await open({ bots: "refuse" });
    const headers = {
      ...basic(writeKey),
      "user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)",
    };
    const body = {
      event_id: "m1",
      event_type: "Product Viewed",
      user_id: "u1",
      metadata: { product_id: "p1" },
    };
    const answer = await ask(fixture, "/v1/events", { body, headers });
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe("botRefused");
    await expect.poll(() => fixture.engine.ledger().rejected).toBe(1);
    expect(await metrics()).toContain('freshet_edge_total{source="web",outcome="botRefused"} 1');
    const { body: letters } = await ask(fixture, "/v1/dead-letters", { headers: secret });
    expect(letters.deadLetters).toMatchObject([{ code: "botRefused", messageId: "m1" }]);
  });

  test("without consent leave nothing but their name", async () => {
    await open({ consent: { purposes: ["analytics"], required: "analytics", default: "denied" } });
    const answer = await ask(fixture, "/v1/batch", batch(view("m1")));
    expect(answer.status).toBe(200);
    expect(answer.body.rejected).toMatchObject([{ code: "consentMissing", messageId: "m1" }]);
    await expect.poll(() => fixture.engine.ledger().rejected).toBe(1);
    const { body } = await ask(fixture, "/v1/dead-letters", { headers: secret });
    expect(body.deadLetters[0].event).toEqual({ event: "Product Viewed" });
  });
});

describe("an identity token", () => {
  const shared = "a shared secret of 32 characters or more";
  const token = (sub: string) =>
    new SignJWT({ sub, exp: Date.now() / 1000 + 600 })
      .setProtectedHeader({ alg: "HS256" })
      .sign(Buffer.from(shared));

  test("is needed for a user id in events and decisions with a write key", async () => {
    await open({ identity: { keys: [{ secret: shared }] } });
    const proven = { ...basic(writeKey), "x-freshet-identity": await token("u1") };
    const sent = { body: { batch: [view("m1"), view("m2", { userId: "u2" })] }, headers: proven };
    const answer = await ask(fixture, "/v1/batch", sent);
    expect(answer.body.rejected).toMatchObject([{ index: 1, code: "identityInvalid" }]);
    expect((await decide({ userId: "u1" }, proven)).status).toBe(200);
    const context = { identityToken: await token("u1") };
    expect((await decide({ userId: "u1", context })).status).toBe(200);
    for (const refused of [
      await decide({ userId: "u1" }),
      await decide({ userId: "u2" }, proven),
      await decide({ userId: "u1" }, { ...basic(writeKey), "x-freshet-identity": "x" }),
    ]) {
      expect(refused.status).toBe(401);
      expect(refused.body.error.code).toBe("identityInvalid");
    }
    expect((await decide({ anonymousId: "a1" })).status).toBe(200);
  });

  test("is not asked of the secret key, nor of a profile token", async () => {
    await open({ identity: { keys: [{ secret: shared }] } });
    const minted = await ask(fixture, "/v1/tokens", { body: { userId: "u1" }, headers: secret });
    for (const headers of [secret, bearer(minted.body.token)]) {
      const answer = await decide({ userId: "u1", events: [view("m1")], writeKey }, headers);
      expect(answer.status).toBe(200);
      expect(answer.body.rejected).toEqual([]);
    }
  });

  test("that is missing makes a decision for the anonymous one where the source says so", async () => {
    await open({ identity: { keys: [{ secret: shared }], onMissing: "anonymous" } });
    const who = { userId: "u1", anonymousId: "a1" };
    const answer = await decide({ ...who, events: [view("m1", {})] });
    expect(answer.status).toBe(200);
    expect(fixture.engine.profile("anon:a1")).not.toBeNull();
    expect(fixture.engine.profile("user:u1")).toBeNull();
  });
});

describe("hashed identifiers", () => {
  test("are found by decisions, reads and tokens under the text that was sent", async () => {
    await open({ privacy: { fields: [{ path: "userId", do: "hash" }] } });
    await sendAndWait(fixture, view("m1"), view("m2"), view("m3"));
    const stored = `user:${of("u1")}`;
    expect(fixture.engine.profile(stored)).not.toBeNull();
    for (const id of ["u1", "user:u1", of("u1")]) {
      const read = await ask(fixture, `/v1/profiles/${id}`, { headers: secret });
      expect(read.body).toMatchObject({ profileId: stored, features: { productViews: 3 } });
    }
    expect((await decide({ userId: "u1" })).body.decisions.homeBanner.variant).toBe("keen");
    const minted = await ask(fixture, "/v1/tokens", { body: { userId: "u1" }, headers: secret });
    expect(minted.body.profileId).toBe(stored);
    const own = await decide({ events: [view("m4", {})] }, bearer(minted.body.token));
    expect(own.body.rejected).toEqual([]);
    const read = await ask(fixture, "/v1/profiles/u1", { headers: bearer(minted.body.token) });
    expect(read.body.features.productViews).toBe(4);
  });
});

describe("the session", () => {
  test("is told by profile, decision and journey, from the reducer's own count", async () => {
    await open({});
    await sendAndWait(fixture, view("m1"), view("m2"));
    const { body: profile } = await ask(fixture, "/v1/profiles/u1", { headers: secret });
    expect(profile.session).toMatchObject({
      events: 2,
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect((await decide({ userId: "u1" })).body.sessionId).toBe(profile.session.id);
    expect((await decide({ userId: "nobody" })).body.sessionId).toBeNull();
    const { body: journey } = await ask(fixture, "/v1/events/m2", { headers: secret });
    expect(journey).toMatchObject({ status: "applied", sessionId: profile.session.id });
  });

  test("of an earlier visit is another one", async () => {
    await open({});
    const before = new Date(Date.now() - 3 * 3_600_000).toISOString();
    await send(fixture, { ...view("m0"), timestamp: before });
    await sendAndWait(fixture, view("m1"));
    const idOf = async (id: string) =>
      (await ask(fixture, `/v1/events/${id}`, { headers: secret })).body.sessionId;
    expect(await idOf("m0")).toMatch(/^[0-9a-f]{32}$/);
    expect(await idOf("m0")).not.toBe(await idOf("m1"));
  });
});
