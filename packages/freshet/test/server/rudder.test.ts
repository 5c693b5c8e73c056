import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ask, basic, type Fixture, openFixture, writeKey } from "./fixture.ts";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture();
});
afterEach(() => fixture.close());

const query = "p=npm&v=3.34.1&build=modern&lockIntegrationsVersion=true&lockPluginsVersion=true";

describe("what RudderStack's SDK for pages asks for first", () => {
  test.each([
    ["the key in the query", `/sourceConfig/?${query}&writeKey=${writeKey}`, {}],
    ["the key as Basic user name", `/sourceConfig/?${query}`, basic(writeKey)],
    ["no slash", `/sourceConfig?writeKey=${writeKey}`, {}],
  ])("has no destination and reports to nobody: %s", async (_how, path, headers) => {
    const origin = "https://shop.example";
    const answer = await ask(fixture, path, { headers: { ...headers, origin } });
    expect(answer.status).toBe(200);
    const silent = { errors: { enabled: false }, metrics: { enabled: false } };
    expect(answer.body.source).toMatchObject({
      id: "web",
      enabled: true,
      config: { statsCollection: silent },
      destinations: [],
    });
    expect(answer.headers["access-control-allow-origin"]).toBe(origin);
  });

  test.each([
    ["", {}, "keyMissing"],
    ["", { authorization: "Basic Og==" }, "keyMissing"],
    ["?writeKey=no", {}, "keyUnknown"],
    ["?writeKey=__proto__", {}, "keyUnknown"],
    [`?writeKey=${writeKey}`, basic("no"), "keyUnknown"],
  ])("is kept from whoever has no key: %s %j", async (search, headers, code) => {
    const answer = await ask(fixture, `/sourceConfig${search}`, { headers });
    expect(answer).toMatchObject({ status: 401, body: { error: { code } } });
  });

  test("is there for its look for ad blockers, without a key", async () => {
    const answer = await ask(fixture, "/sourceConfig/?view=ad");
    expect(answer).toMatchObject({ status: 200, body: { success: true } });
  });

  test("has a preflight", async () => {
    const headers = {
      origin: "https://shop.example",
      "access-control-request-method": "GET",
      "access-control-request-headers": "authorization",
    };
    const answer = await ask(fixture, "/sourceConfig/", { method: "OPTIONS", headers });
    expect(answer.status).toBe(200);
    expect(answer.headers["access-control-allow-headers"]).toContain("Authorization");
  });
});
