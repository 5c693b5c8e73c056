import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, basic, type Fixture, openFixture, view, writeKey } from "./fixture.ts";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture();
});
afterEach(() => fixture.close());

const origin = "https://shop.example";

test.each([
  ...["/v1/batch", "/v1/b", "/v1/t", "/t/", "/v1/track", "/v1/m", "/v1/events", "/v1/import"],
  ...["/v1/projects/WK/settings", "/v1/decide", "/v1/profiles/u1", "/v1/stream", "/v1/events/m1"],
])("a preflight of %s is answered in full", async (path) => {
  const headers = {
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,x-custom, bad header,content-type",
  };
  const answer = await ask(fixture, path, { method: "OPTIONS", headers });
  expect(answer.status).toBe(200);
  expect(answer.headers).toMatchObject({
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "Authorization, Content-Type, X-Retry-Count, x-custom",
    "access-control-max-age": "86400",
    vary: expect.stringContaining("Origin"),
  });
});

const real = {
  "access-control-allow-origin": origin,
  "access-control-allow-credentials": "true",
  "access-control-expose-headers": "Retry-After, X-RateLimit-Reset",
  vary: "Origin",
};

test("a real answer exposes how long to wait", async () => {
  const headers = { origin, ...basic(writeKey) };
  const answer = await ask(fixture, "/v1/batch", { body: { batch: [view("m1")] }, headers });
  expect(answer.headers).toMatchObject({ ...real, "x-content-type-options": "nosniff" });
});

test("a refusal does so as well", async () => {
  const answer = await ask(fixture, "/v1/batch", { body: { batch: [] }, headers: { origin } });
  expect(answer.status).toBe(401);
  expect(answer.headers).toMatchObject(real);
  fixture.disk.faults = { ...fixture.disk.faults, failureShare: 1 };
  const headers = { origin, ...basic(writeKey) };
  const failed = await ask(fixture, "/v1/batch", { body: { batch: [view("m1")] }, headers });
  expect(failed.headers).toMatchObject({ ...real, "retry-after": "2" });
});

test("an answer to no origin allows none but varies by it", async () => {
  const answer = await ask(fixture, "/v1/batch", { body: { batch: [], writeKey } });
  expect(answer.headers.vary).toBe("Origin");
  expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
});

test.each(["/v1/tokens", "/v1/dead-letters", "/v1/plan", "/metrics"])(
  "%s is not for other origins",
  async (path) => {
    const answer = await ask(fixture, path, { headers: { origin } });
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
  },
);
