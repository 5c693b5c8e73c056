/** The script tag in a real Chromium, on a page of another origin, against a real server: what is captured counts once. */
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeKey } from "../../../freshet/test/process/support/server.ts";
import {
  anonymousId,
  type CapturedEvent,
  closeBrowser,
  openWorld,
  run,
  tag,
  track,
  type World,
} from "./support/world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
  world.site.page("/", tag(world));
});
afterEach(() => world.close());
afterAll(closeBrowser);

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * The next page is answered while this one runs the code, and then keeps its thread until the answer is there. If it gets
 * another turn after all, its `sessionStorage` has `later`.
 */
async function leaveInTurn(page: Page, code: string): Promise<void> {
  const next = new Promise<ServerResponse>((asked) => {
    world.site.route("/next", (_request, response) => asked(response));
  });
  world.site.route("/go", async (_request, response) => {
    (await next).end("<!doctype html><title>next</title>");
    response.end();
  });
  await run(
    page,
    `sessionStorage.removeItem("later");
     void setTimeout(() => {
       const ask = new XMLHttpRequest();
       ask.open("GET", "/go", false);
       ask.send();
       ${code};
       setTimeout(() => sessionStorage.setItem("later", "yes"));
       for (const until = Date.now() + 300; Date.now() < until; );
     }, 100)`,
  );
  await page.goto(`${world.site.url}/next`);
}

describe("the script tag", () => {
  it("delivers Segment's calls in batches, without a preflight", async () => {
    const methods: string[] = [];
    world.context.on("request", (request) => methods.push(`${request.method()} ${request.url()}`));
    const page = await world.open("/?utm_source=mail&utm_campaign=spring#top");
    await run(
      page,
      `freshet.page("Home");
       freshet.track("Product Viewed", { product_id: "cer-01" });
       freshet.identify("ana", { name: "Ana" });
       freshet.group("g1", { size: 3 });
       freshet.screen("Start");
       freshet.alias("ana", "old-ana");
       freshet.flush()`,
    );
    await world.applied(6);
    expect(methods.filter((line) => line.includes("/v1/"))).toEqual([
      `POST ${world.gateway.url}/v1/batch`,
    ]);
    expect(await world.features("ana")).toMatchObject({ productViews: 1, pageViews: 1 });
    const [home, viewed] = world.events();
    expect(home).toMatchObject({
      type: "page",
      name: "Home",
      anonymousId: await anonymousId(page),
      userId: null,
      properties: { name: "Home", path: "/", title: "/" },
      context: {
        page: { path: "/", search: "?utm_source=mail&utm_campaign=spring", referrer: "" },
        campaign: { source: "mail", name: "spring" },
        library: { name: "freshet.js" },
        screen: { width: 1280, height: 720 },
        timezone: expect.stringMatching(/\w/),
        locale: expect.stringMatching(/\w/),
        userAgent: expect.stringContaining("Chrome"),
        sessionId: expect.stringMatching(uuid),
      },
    });
    expect(home?.context.page.url).toBe(`${world.site.url}/?utm_source=mail&utm_campaign=spring`);
    expect(viewed?.messageId).toMatch(uuid);
    expect(viewed?.context.sessionId).toBe(home?.context.sessionId);
    expect(await run(page, "freshet.status()")).toEqual({
      taken: 6,
      delivered: 6,
      dropped: 0,
      reasons: {},
    });
  });

  it("remembers the visitor over pages and tabs, until a reset", async () => {
    const first = await world.open();
    const id = await anonymousId(first);
    const second = await world.open();
    expect(await anonymousId(second)).toBe(id);
    await run(second, 'freshet.identify("ana")');
    // What one tab stores reaches the processes of the others a moment later.
    await expect.poll(() => run(first, "freshet.userId()")).toBe("ana");
    await run(first, "freshet.reset()");
    await expect.poll(() => anonymousId(second)).not.toBe(id);
    await expect.poll(() => run(second, "freshet.userId()")).toBe(null);
  });

  it("never throws into the page, and counts what it could not take", async () => {
    const page = await world.open();
    const warned: string[] = [];
    page.on("console", (message) => warned.push(message.text()));
    const status = await run(
      page,
      `const loop = {}; loop.loop = loop;
       for (const args of [[], [5], [""], ["a", "b"], ["a", loop], ["a", { big: 1n }], ["a", {}, { timestamp: "no" }]])
         freshet.track(...args);
       freshet.identify({}.x, 5); freshet.group(); freshet.alias(); freshet.consent(7); freshet.page(1, 2, 3);
       freshet.decide(); freshet.decide(null); freshet.subscribe(undefined, undefined);
       freshet.track("Product Viewed", { product_id: "cer-01", when: new Date(0), skip: undefined, odd: "\\ud800" });
       freshet.track("Too Large", { text: "x".repeat(40000) });
       freshet.flush().then(() => freshet.status())`,
    );
    expect(status).toMatchObject({ delivered: 1, reasons: { invalid: 12, tooLarge: 1 } });
    expect(warned.filter((text) => text.includes("(invalid)"))).toHaveLength(1);
    expect(warned.filter((text) => text.includes("(tooLarge)"))).toHaveLength(1);
    await world.applied(1);
  });

  it("tells the page which events the server rejected", async () => {
    world.site.page(
      "/told",
      `<script>drops = []; freshetOptions = { onDrop: (drop) => drops.push(drop) }</script>${tag(world)}`,
    );
    const page = await world.open("/told");
    const drops = await run(
      page,
      `freshet.track("Product Added", { product_id: 5 });
       freshet.flush().then(() => new Promise((resolve) => setTimeout(() => resolve(drops), 50)))`,
    );
    expect(drops).toEqual([
      expect.objectContaining({
        reason: "rejected",
        detail: expect.stringContaining("contractViolated"),
        event: expect.objectContaining({ event: "Product Added" }),
      }),
    ]);
  });

  it("brings the proof of a user id along, with events and decisions", async () => {
    world.site.page(
      "/proof",
      `<script>freshetOptions = { identityToken: () => "signed" }</script>${tag(world)}`,
    );
    const page = await world.open("/proof");
    await run(
      page,
      `freshet.track("Cart Viewed"); freshet.identify("ana"); freshet.track("Cart Viewed");
       freshet.flush().then(() => freshet.decide(["homeBanner"], { timeoutMs: 5000 }))`,
    );
    const tokens = world.events().map(({ context }) => context.identityToken);
    expect(tokens).toEqual([undefined, "signed", "signed"]);
    expect(JSON.parse(world.decisions().at(-1) ?? "").context.identityToken).toBe("signed");
  });

  it("comes as the small one too", async () => {
    world.site.page("/core", tag(world, "", "freshet-core"));
    const page = await world.open("/core");
    await track(page, 2);
    const decided = await run<Record<string, object>>(
      page,
      'freshet.decide(["homeBanner"], { timeoutMs: 5000 })',
    );
    expect(decided.homeBanner).toMatchObject({ variant: "fallback", reason: "fallback" });
    await world.applied(2);
    // Its build shortens names: none of those that others read.
    const common = ["anonymousId", "context", "event", "messageId", "properties", "timestamp"];
    const [event] = world.events();
    expect(Object.keys(event ?? {}).sort()).toEqual([...common, "type", "userId"]);
    expect(Object.keys(event?.context).sort()).toEqual(["library", "page", "sessionId"]);
    expect(Object.keys(world.batches()[0] ?? {}).sort()).toEqual(["batch", "sentAt", "writeKey"]);
    expect(await run(page, "freshet.status()")).toEqual({
      taken: 2,
      delivered: 2,
      dropped: 0,
      reasons: {},
    });
    expect(await run<string[]>(page, "Object.keys(freshet).sort().join(' ')")).toBe(
      "alias anonymousId consent decide flush group identify page reset screen sessionId status track userId",
    );
  });

  it("delivers what is called in the last turn that a page has", async () => {
    const page = await world.open("/");
    await track(page);
    await run(page, "freshet.flush()");
    await world.applied(1);
    const viewed = 'freshet.track("Product Viewed", { product_id: "cer-01" })';
    let wasLast = false;
    for (let round = 1; round <= 10 && !wasLast; round++) {
      await leaveInTurn(page, `${viewed};${viewed}`);
      await world.applied(1 + 2 * round);
      wasLast = (await run(page, "sessionStorage.getItem('later')")) === null;
      await page.goto(world.site.url);
    }
    expect(wasLast).toBe(true);
  });

  it("survives without a server as the small one, and tells by codes what it drops", async () => {
    world.site.page(
      "/core",
      `<script>drops = []; freshetOptions = { onDrop: (drop) => drops.push(drop) }</script>${tag(world, "", "freshet-core")}`,
    );
    const page = await world.open("/core");
    world.gateway.target(null);
    await track(page, 3);
    await run(page, "freshet.track(5); freshet.track('Large', { text: 'x'.repeat(40000) })");
    await expect.poll(() => run(page, "drops.length")).toBe(2);
    expect(await run(page, "drops")).toMatchObject([
      { messageId: "", reason: "invalid", detail: "TypeError: event", event: [5] },
      { messageId: expect.stringMatching(uuid), reason: "tooLarge", detail: "" },
    ]);
    world.site.page("/none", "");
    await page.goto(`${world.site.url}/none`);
    world.gateway.target(world.server().port);
    await page.goto(`${world.site.url}/core`);
    await world.applied(3);
  });

  it("is put in by a tag manager, with the calls that were made before it came", async () => {
    const code = readFileSync(new URL("../../snippet/tag-manager.js", import.meta.url), "utf8")
      .replace("https://freshet.example", world.gateway.url)
      .replace("your write key", writeKey);
    world.site.page(
      "/manager",
      `<script>${code}</script><script>
        called = Date.now();
        freshet.track("Product Viewed", { product_id: "cer-01" });
        after = Date.now();
        early = freshet.decide(["homeBanner"], { timeoutMs: 5000 });
      </script><script>${code}</script>`,
    );
    const page = await world.open("/manager");
    expect(await run(page, "early")).toMatchObject({ homeBanner: { variant: "fallback" } });
    await run(page, "freshet.flush()");
    // The decision took the event along.
    const { events } = JSON.parse(world.decisions()[0] ?? "") as { events: CapturedEvent[] };
    const viewed = events.find(({ event }) => event === "Product Viewed");
    const [called, after] = await run<[number, number]>(page, "[called, after]");
    const time = Date.parse(viewed?.timestamp ?? "");
    expect(time).toBeGreaterThanOrEqual(called);
    expect(time).toBeLessThanOrEqual(after);
  });
});

describe("a script in a cache", () => {
  it("is asked for again by its tag", async () => {
    const url = `${world.gateway.url}/sdk/freshet.js`;
    const first = await fetch(url, { headers: { origin: "https://shop.example" } });
    const { headers } = first;
    expect(headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(headers.get("access-control-allow-origin")).toBe("https://shop.example");
    expect(headers.get("cache-control")).toContain("max-age=3600");
    const etag = headers.get("etag") ?? "";
    const again = await fetch(url, { headers: { "if-none-match": etag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });
});
