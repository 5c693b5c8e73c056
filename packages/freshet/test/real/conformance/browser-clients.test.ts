/**
 * Browser SDKs of two generations of Segment's, and RudderStack's, in a real Chromium on a page of another origin than
 * the server's: what pages do arrives once, whatever the network does. `test/real/analytics-next.test.ts` has more of
 * the newest: kills, closed tabs, logins.
 */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openBrowser } from "../../process/support/browser.ts";
import { ask, eventually, readProfile, secret } from "../../process/support/client.ts";
import { writeKey } from "../../process/support/server.ts";
import type { Fault, Seen } from "../support/bad-network.ts";
import { makeCertificate } from "../support/certificate.ts";
import { openPages, type PageServer, type Sdk, turns } from "../support/page.ts";
import { expectApplied, openStage, type Stage, viewsOf } from "../support/stage.ts";

let browser: Browser;
let pages: PageServer;
let stage: Stage;
let context: BrowserContext;
let page: Page;
/** Requests of pages that went neither to their own site nor to the server. */
let strays: string[];

beforeAll(async () => {
  browser = await openBrowser();
  pages = await openPages();
});
afterAll(async () => {
  await browser?.close();
  await pages?.close();
});
beforeEach(() => {
  strays = [];
});

/** A server, and a page that has the SDK loaded from nothing but its key and the server's address. */
async function open(mode: Mode): Promise<void> {
  stage = await openStage(mode.isHttps ? makeCertificate() : undefined);
  context = await browser.newContext({ ignoreHTTPSErrors: true });
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(pages.url) && !url.startsWith(stage.network.url)) strays.push(url);
  });
  page = await context.newPage();
  await page.goto(`${pages.url}/${mode.sdk}/`);
  await load(mode);
}

async function load(mode: Mode): Promise<void> {
  await page.evaluate(mode.load(JSON.stringify(stage.network.url), JSON.stringify(writeKey)));
}

afterEach(async () => {
  await context?.close();
  await stage?.close();
  expect(strays).toEqual([]);
});

/** How a page loads an SDK as `window.it` and calls it. */
interface Mode {
  readonly name: string;
  readonly sdk: Sdk;
  /** A statement; `url` and `key` are texts of JavaScript. */
  load(url: string, key: string): string;
  /** The library that events name. */
  readonly library: string;
  /** Whether its refused requests come again by themselves. */
  readonly retries: boolean;
  /** RudderStack's SDK for pages has no `screen`. */
  readonly types: readonly string[];
  /** analytics-next before 1.84 sends batches as https, whatever its settings say. */
  readonly isHttps?: true;
}

const batching = { strategy: "batching", config: { size: 5, timeout: 500 } };
const allTypes = ["identify", "track", "page", "screen", "group", "alias"];

function segment(sdk: Sdk, name: string, integration: object): Mode {
  const integrations = JSON.stringify({ "Segment.io": integration });
  return {
    name,
    sdk,
    load: (url, key) =>
      `sdk.AnalyticsBrowser.load({ writeKey: ${key}, cdnURL: ${url} }, { integrations: ${integrations} })` +
      ".then(([it]) => { window.it = it; })",
    library: "analytics.js",
    retries: true,
    types: allTypes,
  };
}

function rudder(name: string, options: object, retries: boolean): Mode {
  return {
    name,
    sdk: "rudder",
    load: (url, key) =>
      `window.it = new sdk.RudderAnalytics(); it.load(${key}, ${url}, ` +
      `{ configUrl: ${url}, ...${JSON.stringify(options)} });` +
      "new Promise((loaded) => it.ready(loaded))",
    library: "RudderLabs JavaScript SDK",
    retries,
    types: allTypes.filter((type) => type !== "screen"),
  };
}

const modes: readonly Mode[] = [
  segment("next-1.83", "analytics-next 1.83.0", {}),
  {
    ...segment("next-1.83", "analytics-next 1.83.0 in batches", { deliveryStrategy: batching }),
    isHttps: true,
  },
  segment("next-1.84", "analytics-next 1.84.3", {}),
  segment("next-1.84", "analytics-next 1.84.3 in batches", { deliveryStrategy: batching }),
  rudder("RudderStack's analytics-js 3.34.1", { useBeacon: false }, true),
  rudder("RudderStack's analytics-js 3.34.1 in batches", batchedQueue(), true),
  rudder("RudderStack's analytics-js 3.34.1 with beacons", beacons(), false),
];

function batchedQueue(): object {
  return { queueOptions: { batch: { enabled: true, maxItems: 5, flushInterval: 500 } } };
}

function beacons(): object {
  return { useBeacon: true, beaconQueueOptions: { maxItems: 5, flushQueueInterval: 500 } };
}

/** Runs a statement in the page; what it promises is not waited for. */
const run = (statement: string) => page.evaluate(`void (${statement})`);

/** Both kinds of SDK take these calls alike. */
const calls: { readonly [type: string]: string } = {
  identify: 'it.identify("ana", { name: "Ana" })',
  track: 'it.track("Product Viewed", { product_id: "cer-01" })',
  page: 'it.page("Shop", "Home")',
  screen: 'it.screen("Start")',
  group: 'it.group("g1", { employees: 3 })',
  alias: 'it.alias("ana-maria", "ana")',
};

const identify = () => run('it.identify("ana")');
const views = (count: number) =>
  run(`Array.from({ length: ${count} }, () => Promise.resolve(${calls.track}).catch(() => {}))`);

const posts = (): readonly Seen[] => stage.network.seen.filter(({ method }) => method === "POST");

async function eventsOf(id: string) {
  const path = `${stage.url()}/v1/profiles/${encodeURIComponent(id)}/events`;
  const { body } = await ask(path, { headers: secret });
  return (body.events ?? []) as readonly {
    readonly type: string;
    readonly context: { readonly library: { readonly name: string } };
    readonly time: number;
  }[];
}

describe.each(modes)("$name", (mode) => {
  it("delivers every call once, and asks for its settings here", async () => {
    const before = Date.now();
    await open(mode);
    for (const type of mode.types) await run(calls[type] ?? "");
    await expectApplied(stage, mode.types.length);
    const events = await eventually("every type", async () => {
      const found = [...(await eventsOf("ana")), ...(await eventsOf("ana-maria"))];
      return new Set(found.map(({ type }) => type)).size === mode.types.length && found;
    });
    for (const event of events) {
      expect(event.context.library.name).toBe(mode.library);
      expect(event.time).toBeGreaterThanOrEqual(before);
    }
    const settings = stage.network.seen.filter(({ path }) =>
      /\/(settings|sourceConfig)\b/.test(path),
    );
    expect(settings.length).toBeGreaterThan(0);
  });

  it("keeps what identify says of a person", async () => {
    await open(mode);
    await run(calls.identify ?? "");
    await run(calls.track ?? "");
    await expectApplied(stage, 2);
    const { body } = await readProfile(stage.url(), "ana");
    expect(body.traits.name).toBe("Ana");
    expect(body.features.productViews).toBe(1);
  });

  it("delivers what was done shortly before the page was left, at the latest with its next page", async () => {
    await open(mode);
    await identify();
    await expectApplied(stage, 1);
    await views(2);
    await turns(page);
    await page.goto(`${pages.url}/${mode.sdk}/elsewhere`);
    await load(mode);
    await eventually("both", async () => (await viewsOf(stage, "ana")) === 2, 60_000);
    await expectApplied(stage, 3);
  });

  const faults: readonly [string, Fault][] = [
    ["429 with Retry-After", { kind: "refuse", code: "overloaded" }],
    ["503", { kind: "refuse", code: "logUnavailable" }],
    ["an answer that is lost", { kind: "cutAnswer" }],
    ["an answer that is late", { kind: "lateAnswer", ms: 3000 }],
    ["a network that sends everything twice", { kind: "double" }],
  ];
  // A beacon's answer is heard by nobody, so that one which is refused is gone.
  const heard = mode.retries ? faults : faults.filter(([, { kind }]) => kind !== "refuse");
  it.each(heard)("counts each event once after %s", async (_what, fault) => {
    await open(mode);
    await identify();
    await expectApplied(stage, 1);
    let isFirst = true;
    stage.network.plan(() => {
      if (!isFirst) return { kind: "none" };
      isFirst = false;
      return fault;
    });
    const before = posts().length;
    await views(5);
    await eventually("all five", async () => (await viewsOf(stage, "ana")) === 5, 60_000);
    const isAgain = mode.retries && fault.kind === "cutAnswer";
    if (isAgain || fault.kind === "double")
      await eventually(
        "a duplicate",
        async () => (await expectApplied(stage, 6)).duplicate > 0,
        60_000,
      );
    await expectApplied(stage, 6);
    expect(posts().length).toBeGreaterThan(before);
    expect(posts().some(({ fault: met }) => met === fault.kind)).toBe(true);
  });
});

describe("analytics-next 1.84.3", () => {
  it("says that it tries again in a header that the first preflight has allowed already", async () => {
    const [mode] = modes.filter(({ name }) => name === "analytics-next 1.84.3");
    if (mode === undefined) throw new Error("the mode is gone");
    await open(mode);
    let refusals = 2;
    stage.network.plan(() =>
      refusals-- > 0 ? { kind: "refuse", code: "overloaded" } : { kind: "none" },
    );
    await views(1);
    await expectApplied(stage, 1);
    const preflights = stage.network.seen.filter(({ method }) => method === "OPTIONS");
    expect(preflights).toHaveLength(1);
    expect(posts().map(({ headers }) => headers["x-retry-count"])).toEqual([undefined, "1", "2"]);
  });
});
