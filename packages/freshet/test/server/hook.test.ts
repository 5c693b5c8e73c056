import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, test } from "vitest";
import { compileHooks, type HookConfig, sourcesOf } from "../../src/accept/index.ts";
import { ask, type Fixture, openFixture, secret } from "./fixture.ts";

let fixture: Fixture;
afterEach(() => fixture.close());

const own = sourcesOf([{ name: "shop", writeKey: "SK", kind: "server" }]);
const hooksOf = (configs: { readonly [name: string]: HookConfig }) => compileHooks(configs, own);

async function open(configs: { readonly [name: string]: HookConfig }): Promise<void> {
  fixture = await openFixture({ server: { hooks: hooksOf(configs) } });
}

const post = (name: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
  ask(fixture, `/v1/hooks/${name}`, { body, headers });

const refused = { status: 401, body: { error: { code: "signatureInvalid" } } };

/** The scheme as Stripe documents it, worked out here from nothing but the standard library. */
function stripeHeader(body: string, key: string, atMs = Date.now()): string {
  const time = Math.floor(atMs / 1000);
  return `t=${time},v1=${createHmac("sha256", key).update(`${time}.${body}`).digest("hex")}`;
}

const checkout = JSON.stringify({
  id: "evt_1",
  type: "checkout.session.completed",
  created: 1_777_888_999,
  data: {
    object: {
      client_reference_id: "ana",
      amount_total: 1999,
      currency: "eur",
      lines: [
        { sku: "p1", quantity: 2 },
        { sku: "p2", quantity: 1 },
      ],
    },
  },
});

const stripe: HookConfig = {
  secret: "whsec_test",
  signature: "stripe",
  map: [
    {
      when: [{ value: { at: "/type" }, is: ["checkout.session.completed", "order.paid"] }],
      event: "Order Completed",
      userId: { at: "/data/object/client_reference_id" },
      timestamp: { at: "/created", as: "seconds" },
      properties: {
        total: { at: "/data/object/amount_total", divide: 100 },
        currency: { at: "/data/object/currency", as: "upper" },
        channel: { first: [{ at: "/data/object/channel" }, "web"] },
        note: { join: ["checkout", { at: "/id" }], with: " " },
      },
    },
    {
      when: [{ value: { at: "/type" }, is: "checkout.session.completed" }],
      each: "/data/object/lines",
      event: "Product Viewed",
      userId: { at: "/data/object/client_reference_id" },
      properties: { product_id: { item: "/sku" }, quantity: { item: "/quantity" } },
    },
  ],
};

describe("a delivery by Stripe's scheme", () => {
  test("becomes events by its map, several of one delivery", async () => {
    await open({ stripe });
    const answer = await post("stripe", checkout, {
      "stripe-signature": stripeHeader(checkout, "whsec_test"),
    });
    expect(answer).toMatchObject({ status: 200, body: { accepted: 3, rejected: [] } });
    await fixture.engine.drain();
    const { body } = await ask(fixture, "/v1/profiles/ana", { headers: secret });
    expect(body.features).toMatchObject({ productViews: 2, orders: 1, spendCents: 1999 });
    const offset = fixture.engine.journey("stripe:evt_1:0")?.offset ?? -1;
    expect(fixture.engine.record(offset)).toMatchObject({
      event: {
        source: "hook:stripe",
        time: 1_777_888_999_000,
        properties: { total: 19.99, currency: "EUR", channel: "web", note: "checkout evt_1" },
      },
    });
  });

  test("counts once however often it is delivered", async () => {
    await open({ stripe });
    for (let attempt = 0; attempt < 3; attempt++) {
      // Each attempt is signed at its own time.
      const header = stripeHeader(checkout, "whsec_test", Date.now() - attempt * 5000);
      const answer = await post("stripe", checkout, { "stripe-signature": header });
      expect(answer.status).toBe(200);
    }
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ received: 9, applied: 3, duplicate: 6 });
  });

  test("is refused with any byte changed, in body or signature", async () => {
    await open({ stripe });
    const header = stripeHeader(checkout, "whsec_test");
    const bytes = Buffer.from(checkout);
    for (let at = 0; at < bytes.length; at += 7) {
      const tampered = Buffer.from(bytes);
      tampered[at] = (tampered[at] ?? 0) ^ 1;
      expect(await post("stripe", tampered, { "stripe-signature": header })).toMatchObject(refused);
    }
    const flipped = header.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    expect(await post("stripe", checkout, { "stripe-signature": flipped })).toMatchObject(refused);
    expect(fixture.engine.ledger().received).toBe(0);
  });

  test("is refused unsigned, by another secret, too old, and from the future", async () => {
    await open({ stripe });
    const minutes = (count: number) => Date.now() + count * 60_000;
    for (const header of [
      undefined,
      "t=1",
      "v1=aa",
      `t=x,v1=${"0".repeat(64)}`,
      stripeHeader(checkout, "another"),
      stripeHeader(checkout, "whsec_test", minutes(-6)),
      stripeHeader(checkout, "whsec_test", minutes(6)),
    ]) {
      const headers = header === undefined ? {} : { "stripe-signature": header };
      expect(await post("stripe", checkout, headers)).toMatchObject(refused);
    }
    const inside = stripeHeader(checkout, "whsec_test", minutes(-4));
    expect(await post("stripe", checkout, { "stripe-signature": inside })).toMatchObject({
      status: 200,
    });
  });

  test("may be signed with the old secret or the new one while it is replaced", async () => {
    await open({ stripe: { ...stripe, secret: ["old", "new"] } });
    for (const key of ["old", "new"]) {
      const headers = { "stripe-signature": stripeHeader(checkout, key) };
      expect(await post("stripe", checkout, headers)).toMatchObject({ status: 200 });
    }
  });

  test("that no rule is about is taken and makes nothing", async () => {
    await open({ stripe });
    const body = '{"id":"evt_2","type":"invoice.created"}';
    const headers = { "stripe-signature": stripeHeader(body, "whsec_test") };
    expect(await post("stripe", body, headers)).toMatchObject({
      status: 200,
      body: { accepted: 0, rejected: [] },
    });
  });
});

describe("other schemes", () => {
  const map: HookConfig["map"] = [{ event: "Pushed", userId: { at: "/user" } }];
  const body = '{"user":"ana","id":"d1"}';
  const hmac = (algorithm: string, key: string, encoding: "hex" | "base64", text = body) =>
    createHmac(algorithm, key).update(text).digest(encoding);

  test("GitHub: over the body in hexadecimal, the delivery's id in a header", async () => {
    await open({ github: { secret: "s", signature: "github", map } });
    const headers = {
      "x-hub-signature-256": `sha256=${hmac("sha256", "s", "hex")}`,
      "x-github-delivery": "72d3162e",
    };
    for (let attempt = 0; attempt < 2; attempt++)
      expect(await post("github", body, headers)).toMatchObject({ status: 200 });
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ applied: 1, duplicate: 1 });
    expect(fixture.engine.journey("github:72d3162e:0")).toMatchObject({ status: "applied" });
    const bare = { "x-hub-signature-256": hmac("sha256", "s", "hex") };
    expect(await post("github", body, bare)).toMatchObject(refused);
  });

  // The example that GitHub's documentation gives to try an implementation with.
  test("GitHub: its documented example is right", async () => {
    await open({
      github: { secret: "It's a Secret to Everybody", signature: "github", map: () => [] },
    });
    const digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const answer = await post("github", "Hello, World!", {
      "x-hub-signature-256": `sha256=${digest}`,
    });
    // Signed rightly, and only then found to be no JSON.
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "bodyNotJson" } } });
  });

  test("Shopify: over the body in base64", async () => {
    await open({ shopify: { secret: "s", signature: "shopify", map } });
    const headers = {
      "x-shopify-hmac-sha256": hmac("sha256", "s", "base64"),
      "x-shopify-webhook-id": "w1",
    };
    expect(await post("shopify", body, headers)).toMatchObject({ status: 200 });
    await fixture.engine.drain();
    expect(fixture.engine.journey("shopify:w1:0")).toMatchObject({ status: "applied" });
  });

  test("Standard Webhooks: as its own library signs", async () => {
    const key = `whsec_${Buffer.from("a key of twenty-four byte").toString("base64")}`;
    await open({ crm: { secret: key, signature: "standard-webhooks", map } });
    const headersAt = (date: Date) => ({
      "webhook-id": "msg_1",
      "webhook-timestamp": String(Math.floor(date.getTime() / 1000)),
      "webhook-signature": `v1a,zzz ${new Webhook(key).sign("msg_1", date, body)}`,
    });
    expect(await post("crm", body, headersAt(new Date()))).toMatchObject({ status: 200 });
    const old = headersAt(new Date(Date.now() - 301_000));
    expect(await post("crm", body, old)).toMatchObject(refused);
    const renamed = { ...headersAt(new Date()), "webhook-id": "msg_2" };
    expect(await post("crm", body, renamed)).toMatchObject(refused);
  });

  test("one that is told: Slack's, with its template, and a plain SHA-1", async () => {
    await open({
      slack: {
        secret: "s",
        signature: {
          header: "X-Slack-Signature",
          algorithm: "sha256",
          encoding: "hex",
          prefix: "v0=",
          timestampHeader: "X-Slack-Request-Timestamp",
          signed: "v0:{timestamp}:{body}",
        },
        id: { at: "/id" },
        map,
      },
      old: {
        secret: "s",
        signature: { header: "x-sig", algorithm: "sha1", encoding: "base64" },
        map,
      },
    });
    const time = String(Math.floor(Date.now() / 1000));
    const signed = `v0=${hmac("sha256", "s", "hex", `v0:${time}:${body}`)}`;
    const slack = { "x-slack-signature": signed, "x-slack-request-timestamp": time };
    expect(await post("slack", body, slack)).toMatchObject({ status: 200 });
    const later = { ...slack, "x-slack-request-timestamp": String(Number(time) + 1) };
    expect(await post("slack", body, later)).toMatchObject(refused);
    const { "x-slack-request-timestamp": _time, ...untimed } = slack;
    expect(await post("slack", body, untimed)).toMatchObject(refused);
    const sha1 = { "x-sig": hmac("sha1", "s", "base64") };
    expect(await post("old", body, sha1)).toMatchObject({ status: 200 });
    expect(await post("old", body, sha1)).toMatchObject({ status: 200 });
    await fixture.engine.drain();
    // Without an id of its own the same bytes are the same delivery.
    expect(fixture.engine.ledger()).toMatchObject({ received: 3, applied: 2, duplicate: 1 });
  });

  test("a name that nobody declared is 400", async () => {
    await open({});
    expect(await post("other", "{}")).toMatchObject({
      status: 400,
      body: { error: { code: "hookUnknown" } },
    });
  });
});

describe("a map that is a function", () => {
  const signed = (body: string) => ({
    "x-hub-signature-256": `sha256=${createHmac("sha256", "s").update(body).digest("hex")}`,
  });
  const hook = (map: HookConfig["map"]): HookConfig => ({ secret: "s", signature: "github", map });

  test("gets body and headers and returns events; dates become texts", async () => {
    await open({
      own: hook(({ body, headers, hook: name }) => [
        {
          event_type: "Called",
          user_id: (body as { who: string }).who,
          timestamp: "2026-05-04T10:00:00Z",
          metadata: { name, kind: headers["x-kind"], at: new Date(0) },
        },
      ]),
    });
    const body = '{"who":"ana"}';
    const answer = await post("own", body, {
      ...signed(body),
      "x-kind": "a",
      "x-github-delivery": "d",
    });
    expect(answer.body).toMatchObject({ accepted: 1, rejected: [] });
    await fixture.engine.drain();
    const offset = fixture.engine.journey("own:d:0")?.offset ?? -1;
    expect(fixture.engine.record(offset)).toMatchObject({
      event: { properties: { name: "own", kind: "a", at: "1970-01-01T00:00:00.000Z" } },
    });
  });

  const cycle: { self?: object } = {};
  cycle.self = cycle;
  test.each<[string, (delivery: never) => unknown, string]>([
    [
      "throws",
      () => {
        throw new Error("no such field");
      },
      "no such field",
    ],
    [
      "changes what it got and throws",
      ({ body }: { body: { who?: string } }) => {
        delete body.who;
        throw new Error("after the change");
      },
      "after the change",
    ],
    [
      "throws no error",
      () => {
        throw 7;
      },
      "no error",
    ],
    ["returns nothing", () => undefined, "returned undefined"],
    ["returns a promise that fails", async () => Promise.reject(new Error("late")), "a promise"],
    ["returns a cycle", () => [cycle], "circular"],
    ["returns too much", () => Array.from({ length: 10_001 }, () => ({})), "10001 events"],
    [
      "puts all of it into each",
      () => Array.from({ length: 9000 }, () => ({ metadata: { text: "x".repeat(4000) } })),
      "characters",
    ],
  ])("and %s makes a dead letter of the delivery", async (_what, map, reason) => {
    await open({ own: hook(map as never) });
    const body = '{"who":"ana"}';
    const answer = await post("own", body, signed(body));
    expect(answer).toMatchObject({
      status: 200,
      body: { accepted: 0, rejected: [{ index: 0, code: "hookMapFailed" }] },
    });
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ received: 1, rejected: 1, inFlight: 0 });
    const { body: listed } = await ask(fixture, "/v1/dead-letters", { headers: secret });
    expect(listed.deadLetters).toMatchObject([
      { code: "hookMapFailed", source: "hook:own", event: { hook: "own", body: { who: "ana" } } },
    ]);
    expect(listed.deadLetters[0].message).toContain(reason);
  });

  test("and returns a wrong event has that one rejected", async () => {
    await open({ own: hook(() => [{ event_type: "E", user_id: "u" }, 7 as never]) });
    const answer = await post("own", "{}", signed("{}"));
    expect(answer.body).toMatchObject({
      accepted: 1,
      rejected: [{ index: 1, code: "eventNotObject" }],
    });
  });
});

describe("a form", () => {
  test("is an object of its fields", async () => {
    await open({
      twilio: {
        secret: "s",
        signature: { header: "x-sig", algorithm: "sha256", encoding: "hex" },
        map: [
          { event: "Message Sent", userId: { at: "/To" }, properties: { body: { at: "/Body" } } },
        ],
      },
    });
    const body = "To=%2B49123&Body=hello+you&__proto__=x";
    const answer = await post("twilio", body, {
      "content-type": "application/x-www-form-urlencoded",
      "x-sig": createHmac("sha256", "s").update(body).digest("hex"),
    });
    expect(answer.body).toMatchObject({ accepted: 1 });
    await fixture.engine.drain();
    expect(fixture.engine.profile("user:+49123")).not.toBeNull();
  });
});

describe("a configuration", () => {
  const right: HookConfig = { secret: "s", signature: "github", map: [] };
  const cases: readonly (readonly [string, object, string])[] = [
    ["an empty secret", { secret: "" }, "secret is empty"],
    ["no secrets", { secret: [] }, "secret is empty"],
    [
      "a secret of another form",
      { signature: "standard-webhooks", secret: "whsec_" },
      "secret is empty",
    ],
    ["another scheme", { signature: "paypal" }, 'signature "paypal" is none of stripe'],
    ["another algorithm", { signature: { header: "x", algorithm: "md5" } }, '"md5"'],
    [
      "another encoding",
      { signature: { header: "x", algorithm: "sha256", encoding: "hexx" } },
      '"hexx"',
    ],
    [
      "no header",
      { signature: { header: "", algorithm: "sha256", encoding: "hex" } },
      "names no header",
    ],
    [
      "a template without body",
      { signature: { header: "x", algorithm: "sha256", encoding: "hex", signed: "x" } },
      "{body}",
    ],
    [
      "a template whose time nobody brings",
      {
        signature: {
          header: "x",
          algorithm: "sha256",
          encoding: "hex",
          signed: "{timestamp}{body}",
        },
      },
      "timestampHeader",
    ],
    ["no tolerance", { toleranceSeconds: 0 }, "tolerance"],
    ["an unknown key", { secrets: "s" }, '"secrets" is no setting of a hook'],
    ["an unknown source", { source: "nobody" }, 'there is no source "nobody"'],
    ["no map", { map: {} }, "a list of rules, or a function"],
    ["a rule without event", { map: [{}] }, "map[0] should name its event"],
    ["a rule with an unknown key", { map: [{ event: "E", user: "x" }] }, '"user" in map[0]'],
    ["a path without slash", { map: [{ event: { at: "a" } }] }, "map[0].event should be a JSON"],
    ["a value of two origins", { map: [{ event: { at: "/a", item: "/b" } }] }, "one of at, item"],
    ["a value of none", { map: [{ event: {} }] }, "but has 0"],
    ["an unknown operator", { map: [{ event: { at: "/a", round: 1 } }] }, '"round" in map[0]'],
    ["an unknown conversion", { map: [{ event: { at: "/a", as: "date" } }] }, '"as" in map[0]'],
    ["a division by nothing", { map: [{ event: { at: "/a", divide: 0 } }] }, "not 0"],
  ];

  test.each(cases)("with %s is refused by name", async (_what, changes, message) => {
    await open({});
    const config = { ...right, ...changes } as HookConfig;
    expect(() => hooksOf({ mine: config })).toThrow(`hook "mine" cannot be used`);
    expect(() => hooksOf({ mine: config })).toThrow(message);
  });

  test("may name a source that is there", async () => {
    await open({
      mine: { ...right, source: "shop", map: () => [{ event_type: "E", user_id: 1 }] },
    });
    const digest = createHmac("sha256", "s").update("{}").digest("hex");
    await post("mine", "{}", {
      "x-hub-signature-256": `sha256=${digest}`,
      "x-github-delivery": "d",
    });
    await fixture.engine.drain();
    const offset = fixture.engine.journey("mine:d:0")?.offset ?? -1;
    expect(fixture.engine.record(offset)).toMatchObject({ event: { source: "shop", userId: "1" } });
  });
});
