import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, type Fixture, openFixture } from "./fixture.ts";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture();
});
afterEach(() => fixture.close());

const origin = "https://shop.example";

test.each(["freshet.js", "freshet-core.js"])("pages of any origin load %s", async (name) => {
  const path = createRequire(import.meta.url).resolve(`@freshet/sdk/script/${name}`);
  const answer = await ask(fixture, `/sdk/${name}`, { headers: { origin } });
  expect([answer.status, answer.body]).toEqual([200, readFileSync(path, "utf8")]);
  expect(answer.headers).toMatchObject({
    "content-type": "text/javascript; charset=utf-8",
    "cache-control": "public, max-age=3600, stale-while-revalidate=86400",
    "access-control-allow-origin": origin,
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
    etag: expect.stringMatching(/^"[\w-]{43}"$/),
  });
});

test("a script that did not change is not sent again", async () => {
  const { headers } = await ask(fixture, "/sdk/freshet.js");
  const again = await ask(fixture, "/sdk/freshet.js", {
    headers: { "if-none-match": `"other", ${headers.etag}` },
  });
  expect([again.status, again.body]).toEqual([304, ""]);
  const other = await ask(fixture, "/sdk/freshet.js", { headers: { "if-none-match": '"other"' } });
  expect(other.status).toBe(200);
});

test("there is no other script, and no way out of the folder", async () => {
  for (const path of ["/sdk/other.js", "/sdk/..%2fpackage.json", "/sdk/freshet.js%2f..", "/sdk/"])
    expect((await ask(fixture, path)).status).toBe(404);
});
