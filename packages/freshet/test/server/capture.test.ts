import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ask,
  basic,
  bearer,
  type Fixture,
  openFixture,
  secret,
  view,
  writeKey,
} from "./fixture.ts";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture();
});
afterEach(() => fixture.close());

const error = (code: string) => ({ success: false, error: expect.objectContaining({ code }) });

describe("segment events", () => {
  const event = { messageId: "m1", userId: "u1", event: "Signed Up" };

  test.each(
    ["track", "identify", "page", "screen", "group", "alias", "t", "i", "p", "s", "g", "a"].flatMap(
      (name) => [[`/v1/${name}`], [`/${name}/`]],
    ),
  )("%s takes one event", async (path) => {
    const body = { ...event, groupId: "g1", previousId: "u0", writeKey };
    const answer = await ask(fixture, path, { body });
    expect(answer).toMatchObject({
      status: 200,
      body: { success: true, accepted: 1, rejected: [], receipt: expect.any(String) },
    });
  });

  test.each(["/v1/batch", "/batch", "/v1/b", "/b/", "/v1/import", "/import", "//v1/batch"])(
    "%s takes a batch event by event",
    async (path) => {
      const body = { batch: [view("m1"), { type: "track" }, view("m2")] };
      const answer = await ask(fixture, path, { body, headers: basic(writeKey) });
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        success: true,
        accepted: 2,
        rejected: [{ index: 1, code: expect.any(String), message: expect.any(String) }],
      });
    },
  );

  test("duplicates are accepted again", async () => {
    for (let time = 0; time < 2; time++) {
      const answer = await ask(fixture, "/v1/batch", { body: { batch: [view("m1")], writeKey } });
      expect(answer.body.accepted).toBe(1);
    }
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ received: 2, applied: 1, duplicate: 1 });
  });

  test.each<[string, string, Record<string, string>, object]>([
    ["Basic", "/v1/track", basic(writeKey), {}],
    ["Basic without colon", "/v1/track", { authorization: `Basic ${btoa(writeKey)}` }, {}],
    ["Bearer with the body's key", "/v1/track", bearer("oauth"), { writeKey }],
    ["the body", "/v1/track", {}, { writeKey }],
    ["the query", `/v1/track?writeKey=${writeKey}`, {}, {}],
  ])("the write key may be in %s", async (_where, path, headers, more) => {
    const answer = await ask(fixture, path, { body: { ...event, ...more }, headers });
    expect(answer.status).toBe(200);
  });

  test("the write key may be in an event of a batch", async () => {
    const batch = [{ ...view("m1"), writeKey }];
    expect((await ask(fixture, "/v1/batch", { body: { batch } })).status).toBe(200);
  });

  test("no key and a wrong key are 401", async () => {
    expect(await ask(fixture, "/v1/track", { body: event })).toMatchObject({
      status: 401,
      body: error("keyMissing"),
    });
    expect(await ask(fixture, "/v1/track", { body: event, headers: basic("no") })).toMatchObject({
      status: 401,
      body: error("keyUnknown"),
    });
  });
});

describe("native events", () => {
  const event = {
    event_id: "e1",
    event_type: "Product Viewed",
    user_id: "u1",
    metadata: { product_id: "p1" },
  };
  const headers = basic("SK");

  test.each(["/v1/events", "/events", "/v1/events/"])("%s takes one or a list", async (path) => {
    expect((await ask(fixture, path, { body: event, headers })).body.accepted).toBe(1);
    expect((await ask(fixture, path, { body: [event, event], headers })).body.accepted).toBe(2);
  });

  test("a single event that is refused is 400 and a dead letter", async () => {
    const answer = await ask(fixture, "/v1/events", { body: { event_type: "x" }, headers });
    expect(answer).toMatchObject({
      status: 400,
      body: {
        success: false,
        accepted: 0,
        error: { code: "identifierMissing" },
        receipt: expect.any(String),
      },
    });
    expect(answer.body.rejected[0].code).toBe("identifierMissing");
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ received: 1, rejected: 1 });
  });

  test("a list of which all is refused is 200", async () => {
    const answer = await ask(fixture, "/v1/events", { body: [{ event_type: "x" }], headers });
    expect(answer).toMatchObject({ status: 200, body: { success: true, accepted: 0 } });
  });

  test("the plan's contract is asked", async () => {
    const body = { ...event, metadata: { product_id: 7 } };
    const answer = await ask(fixture, "/v1/events", { body, headers });
    expect(answer.body.rejected[0].code).toBe("contractViolated");
  });

  test("ids that are names of prototypes are ids", async () => {
    for (const id of ["__proto__", "constructor", "toString", "ü/ñ?#%", "🙂 ünï/code"]) {
      const body = { ...event, event_id: `e-${id}`, user_id: id };
      expect((await ask(fixture, "/v1/events", { body, headers })).body.accepted).toBe(1);
      await fixture.engine.drain();
      const path = encodeURIComponent(id);
      const read = await ask(fixture, `/v1/profiles/${path}`, { headers: secret });
      expect(read.body).toMatchObject({ profileId: `user:${id}`, features: { productViews: 1 } });
      const journey = await ask(fixture, `/v1/events/${encodeURIComponent(`e-${id}`)}`, {
        headers: secret,
      });
      expect(journey.body).toMatchObject({ status: "applied", messageId: `e-${id}` });
    }
  });
});

describe("bodies", () => {
  const event = { userId: "u1", event: "x", writeKey };

  test.each(["text/plain", "application/octet-stream", "no/such+type; x=y", ";;;", "json"])(
    "content type %s is read as JSON",
    async (type) => {
      const answer = await ask(fixture, "/v1/track", {
        body: event,
        headers: { "content-type": type },
      });
      expect(answer.status).toBe(200);
    },
  );

  test("gzip is inflated", async () => {
    const body = gzipSync(JSON.stringify(event));
    const answer = await ask(fixture, "/v1/track", {
      body,
      headers: { "content-encoding": "gzip" },
    });
    expect(answer.status).toBe(200);
    expect(await requestBytes()).toBe(0);
  });

  const big = JSON.stringify({ ...event, properties: { text: "x".repeat(1024 * 1024) } });
  test.each<[string, number, string, unknown, Record<string, string>]>([
    ["is empty", 400, "bodyNotJson", "", {}],
    ["is not JSON", 400, "bodyNotJson", "{", {}],
    ["is not UTF-8", 400, "bodyNotUtf8", Buffer.from([0xff, 0xfe]), {}],
    ["is of the wrong shape", 400, "bodyShape", "[1]", {}],
    ["has an unknown encoding", 400, "bodyEncodingUnknown", event, { "content-encoding": "zstd" }],
    [
      "is cut",
      400,
      "bodyInflateFailed",
      gzipSync("{}").subarray(0, 9),
      { "content-encoding": "gzip" },
    ],
    ["is too long", 413, "bodyTooLarge", big, {}],
    [
      "is a bomb",
      413,
      "bodyTooLarge",
      gzipSync(Buffer.alloc(5_000_000, 32)),
      { "content-encoding": "gzip" },
    ],
  ])("a body that %s is refused with %i %s", async (_what, status, code, body, headers) => {
    const answer = await ask(fixture, "/v1/track", { method: "POST", body, headers });
    expect(answer).toMatchObject({ status, body: error(code) });
    expect(await requestBytes()).toBe(0);
  });

  test("a batch of too many events is refused", async () => {
    const body = { batch: Array.from({ length: 10_001 }, () => ({})), writeKey };
    expect(await ask(fixture, "/v1/batch", { body })).toMatchObject({
      status: 400,
      body: error("batchTooLong"),
    });
  });

  async function requestBytes(): Promise<number> {
    const { body } = await ask(fixture, "/metrics");
    return Number(/^freshet_request_bytes_in_flight (\d+)$/m.exec(body)?.[1]);
  }
});

describe("the log", () => {
  test("503 for the whole request while it fails, and nothing is kept", async () => {
    fixture.disk.faults = { ...fixture.disk.faults, failureShare: 1 };
    const answer = await ask(fixture, "/v1/batch", { body: { batch: [view("m1")], writeKey } });
    expect(answer).toMatchObject({ status: 503, body: error("logUnavailable") });
    expect(answer.headers["retry-after"]).toMatch(/^\d+$/);
    expect(answer.headers["x-ratelimit-reset"]).toBe(answer.headers["retry-after"]);
    fixture.disk.faults = { ...fixture.disk.faults, failureShare: 0 };
    expect(
      (await ask(fixture, "/v1/batch", { body: { batch: [view("m1")], writeKey } })).status,
    ).toBe(200);
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ received: 1, applied: 1 });
  });

  test("the answer comes after the disk", async () => {
    fixture.disk.faults = { ...fixture.disk.faults, delayMsMin: 100, delayMsMax: 100 };
    const began = performance.now();
    await ask(fixture, "/v1/batch", { body: { batch: [view("m1")], writeKey } });
    expect(performance.now() - began).toBeGreaterThan(95);
  });
});

describe("other requests of capture clients", () => {
  test("SDK telemetry is counted without a key", async () => {
    const answer = await ask(fixture, "/v1/m", {
      body: '{"series":[{},{}]}',
      headers: { "content-type": "text/plain" },
    });
    expect(answer).toMatchObject({ status: 200, body: { success: true } });
    expect((await ask(fixture, "/metrics")).body).toContain("freshet_sdk_telemetry_series_total 2");
  });

  test.each(["/v1/projects/WK/settings", "/projects/WK/settings/"])(
    "%s starts the browser SDK",
    async (path) => {
      const { status, body } = await ask(fixture, path, { headers: { host: "example.com:8080" } });
      expect(status).toBe(200);
      expect(body.integrations["Segment.io"]).toEqual({
        apiKey: writeKey,
        apiHost: "example.com:8080/v1",
        protocol: "http",
      });
    },
  );

  test("settings of an unknown key are 401", async () => {
    expect(await ask(fixture, "/v1/projects/no/settings")).toMatchObject({
      status: 401,
      body: error("keyUnknown"),
    });
  });

  test("the retry count of clients is counted", async () => {
    const headers = { ...basic(writeKey), "x-retry-count": "2" };
    await ask(fixture, "/v1/batch", { body: { batch: [view("m1")] }, headers });
    expect((await ask(fixture, "/metrics")).body).toContain(
      'freshet_client_retries_total{attempt="2"} 1',
    );
  });

  test("a wrong method on a path of capture is 400, and elsewhere 404", async () => {
    expect(await ask(fixture, "/v1/track")).toMatchObject({
      status: 400,
      body: error("requestShape"),
    });
    expect(await ask(fixture, "/v1/b/", { method: "PUT", body: {} })).toMatchObject({
      status: 400,
    });
    expect(await ask(fixture, "/v1/profiles/u1", { method: "DELETE" })).toMatchObject({
      status: 404,
      body: error("methodNotAllowed"),
    });
  });

  test("a malformed URL is 400", async () => {
    expect(await ask(fixture, "/v1/profiles/%zz")).toMatchObject({
      status: 400,
      body: error("requestShape"),
    });
  });

  test("an unknown path is 404 as JSON", async () => {
    for (const sent of [{}, { body: {} }]) {
      expect(await ask(fixture, "/v1/nothing", sent)).toMatchObject({
        status: 404,
        body: error("notFound"),
      });
    }
  });
});
