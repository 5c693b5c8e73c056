/**
 * Segment's own client for browsers, unmodified, in a real Chromium, on a page of another origin than the server: it
 * is told a write key and where its settings are, and everything else follows from the server's answers.
 */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openBrowser, openSite, type PageServer } from "../process/support/browser.ts";
import {
  ask,
  eventually,
  ledgerOf,
  missingIn,
  readMetrics,
  readProfile,
  secret,
  settled,
} from "../process/support/client.ts";
import { makeFolder, type TestFolder } from "../process/support/folder.ts";
import { type Gateway, openGateway } from "../process/support/gateway.ts";
import { type Running, startServer, writeKey } from "../process/support/server.ts";
import { turns } from "./support/page.ts";

let browser: Browser;
let site: PageServer;
let folder: TestFolder;
let gateway: Gateway;
let server: Running;
let context: BrowserContext;
let page: Page;
/** Requests of pages that went neither to their own site nor to the server. */
let strays: string[];

beforeAll(async () => {
  browser = await openBrowser();
  site = await openSite();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});
beforeEach(async () => {
  folder = await makeFolder();
  gateway = await openGateway();
  await start();
  context = await browser.newContext();
  strays = [];
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(site.url) && !url.startsWith(gateway.url)) strays.push(url);
  });
  page = await openPage("/");
});
afterEach(async () => {
  await context.close();
  await server.kill();
  await gateway.close();
  await folder.remove();
  expect(strays).toEqual([]);
});

async function start(): Promise<void> {
  server = await startServer({ data: folder.path });
  gateway.target(server.port);
}

async function openPage(path: string): Promise<Page> {
  const opened = await context.newPage();
  await opened.goto(site.url + path);
  return opened;
}

const batching = {
  "Segment.io": { deliveryStrategy: { strategy: "batching", config: { size: 5, timeout: 1000 } } },
};
const standard = {};

/** Loads the SDK as `window.it`, from nothing but the key and the address of the settings. */
async function load(
  options: { on?: Page; integrations?: object; key?: string } = {},
): Promise<void> {
  const { on = page, integrations = standard, key = writeKey } = options;
  const first = JSON.stringify({ writeKey: key, cdnURL: gateway.url });
  await on.evaluate(
    `AnalyticsBrowser.load(${first}, ${JSON.stringify({ integrations })}).then(([it]) => { window.it = it; })`,
  );
}

/** Runs a statement in the page; what it promises is not waited for. */
const run = (statement: string, on = page) => on.evaluate(`void (${statement})`);

const track = (times: number, on = page) =>
  run(
    `Array.from({ length: ${times} }, () => it.track("Product Viewed", { product_id: "cer-01" }).catch(() => {}))`,
    on,
  );

const anonymousId = (on = page) => on.evaluate("it.user().anonymousId()") as Promise<string>;

/** Waits until as many events were applied, and a moment more: none may come on top. */
async function applied(count: number, msMax = 20_000): Promise<void> {
  await eventually(
    `${count} events applied`,
    async () => ledgerOf(await readMetrics(server.url)).applied >= count,
    msMax,
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  const ledger = await settled(server.url);
  expect(missingIn(ledger)).toBe(0);
  expect([ledger.applied, ledger.rejected]).toEqual([count, 0]);
}

async function requests(route: string, method: string): Promise<number> {
  const metrics = await readMetrics(server.url);
  const name = `freshet_http_requests_total{route="${route}",method="${method}",status="200"}`;
  return metrics.get(name) ?? 0;
}

const featuresOf = async (id: string) => (await readProfile(server.url, id)).body.features;

describe("analytics-next 1.84.3 in Chromium", () => {
  it("delivers all six calls one by one, each behind a preflight", async () => {
    await load();
    expect(await requests("/v1/projects/:writeKey/settings", "GET")).toBe(1);
    await run('it.identify("ana", { name: "Ana" })');
    await run('it.track("Product Viewed", { product_id: "cer-01" })');
    await run('it.page("Shop", "Home")');
    await run('it.screen("Start")');
    await run('it.group("g1", { employees: 3 })');
    await run('it.alias("ana-maria", "ana")');
    await applied(6);
    for (const letter of "itpsga") {
      const route = `/v1/${letter}`;
      expect([route, await requests(route, "POST")]).toEqual([route, 1]);
      expect([route, await requests(route, "OPTIONS")]).toEqual([route, 1]);
    }
    const { body } = await readProfile(server.url, "ana");
    expect(body.traits.name).toBe("Ana");
    expect(body.features).toMatchObject({ productViews: 1, pageViews: 1 });
    const { body: list } = await ask(`${server.url}/v1/profiles/ana/events`, { headers: secret });
    const names = list.events.map(({ type }: { type: string }) => type);
    expect(names).toEqual(expect.arrayContaining(["identify", "track", "page", "screen", "group"]));
  });

  it("delivers in batches", async () => {
    await load({ integrations: batching });
    await track(12);
    await applied(12);
    expect(await requests("/v1/b", "POST")).toBeLessThanOrEqual(3);
    expect(await requests("/v1/t", "POST")).toBe(0);
    expect(await featuresOf(`anon:${await anonymousId()}`)).toMatchObject({ productViews: 12 });
  });

  for (const [mode, integrations] of Object.entries({ standard, batching }))
    it(`loses and doubles nothing in ${mode} mode when the server is killed between write and answer`, async () => {
      await load({ integrations });
      await track(5);
      await applied(5);
      const answered = gateway.loseAnswers(/^POST /);
      await track(5);
      await answered;
      await server.kill();
      gateway.target(null);
      // Long enough for a first retry to meet nobody.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await start();
      // What the lost answer was about is applied at once; that it came again shows a little later.
      await eventually(
        "a retry of what was kept",
        async () => ledgerOf(await readMetrics(server.url)).duplicate > 0,
        60_000,
      );
      await applied(10, 60_000);
      expect(await featuresOf(`anon:${await anonymousId()}`)).toMatchObject({ productViews: 10 });
      // A retry says so in a header that only a preflight can allow.
      const retries = [...(await readMetrics(server.url))].filter(([name]) =>
        name.startsWith("freshet_client_retries_total"),
      );
      expect(retries.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(0);
    });

  it("delivers a batch when the page is left shortly after the call", async () => {
    await load({ integrations: batching });
    // The browser has asked for leave once, so that no preflight is needed on the way out.
    await track(5);
    await applied(5);
    await track(2);
    await turns(page);
    await page.goto(`${site.url}/elsewhere`);
    await applied(7);
  });

  it("delivers a batch when the tab is closed shortly after the call", async () => {
    await load({ integrations: batching });
    await track(5);
    await applied(5);
    await track(2);
    await turns(page);
    await openPage("/another-tab");
    await page.close({ runBeforeUnload: true });
    await applied(7);
  });

  it("delivers single calls when the page is left or closed, at the latest with its next page", async () => {
    await load();
    await track(1);
    await turns(page);
    await page.goto(`${site.url}/elsewhere`);
    await load();
    await track(1);
    await turns(page);
    const next = await openPage("/another-tab");
    await page.close({ runBeforeUnload: true });
    await load({ on: next });
    await track(1, next);
    await applied(3, 30_000);
    expect(await featuresOf(`anon:${await anonymousId(next)}`)).toMatchObject({ productViews: 3 });
  });

  it("joins what came before a login, and begins anew after reset", async () => {
    await load();
    const before = await anonymousId();
    await track(2);
    await applied(2);
    expect(await featuresOf(`anon:${before}`)).toMatchObject({ productViews: 2 });
    await run('it.identify("ana", { name: "Ana" })');
    await track(1);
    await applied(4);
    expect((await readProfile(server.url, `anon:${before}`)).body.profileId).toBe("user:ana");
    expect(await featuresOf("ana")).toMatchObject({ productViews: 3 });
    await run("it.reset()");
    const after = await anonymousId();
    expect(after).not.toBe(before);
    await track(1);
    await applied(5);
    expect(await featuresOf("ana")).toMatchObject({ productViews: 3 });
    expect(await featuresOf(`anon:${after}`)).toMatchObject({ productViews: 1 });
  });

  it("is kept from a server that does not know its key", async () => {
    await expect(load({ key: "wk_of_somebody_else" })).rejects.toThrow();
    expect(ledgerOf(await readMetrics(server.url)).received).toBe(0);
  });
});
