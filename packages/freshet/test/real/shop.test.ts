/**
 * The shop as a visitor sees it, in a real Chromium: clicks go through Segment's SDK or Freshet's own to the server,
 * and what the plan makes of them comes back to the open page, the same with both. FRESHET_SCREENSHOTS=1 takes the
 * README's pictures on the way.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openBrowser } from "../process/support/browser.ts";
import { ask, eventually, readProfile, sendBatch } from "../process/support/client.ts";
import { makeFolder, type TestFolder } from "../process/support/folder.ts";
import { freePort } from "../process/support/port.ts";
import { type Running, root, startServer } from "../process/support/server.ts";

const wide = { width: 1440, height: 900 };
const narrow = { width: 390, height: 844 };

let browser: Browser;
let folder: TestFolder;
let server: Running;
let visit: BrowserContext;
/** Whatever a developer would see in red. */
let complaints: string[];

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  folder = await makeFolder();
});
afterEach(async () => {
  await visit.close();
  await server.kill();
  await folder.remove();
});

async function openServer(sdk: string): Promise<void> {
  // A port that is known beforehand: the plan's webhooks go to the shop's own stand-in for a CRM.
  server = await start(sdk, await freePort());
  complaints = [];
  visit = await openVisit(wide);
}

const start = (sdk: string, port: number): Promise<Running> =>
  startServer({ data: folder.path, port, environment: { SHOP_SDK: sdk } });

async function openVisit(viewport: typeof wide): Promise<BrowserContext> {
  const opened = await browser.newContext({ viewport, deviceScaleFactor: 1, locale: "en-GB" });
  opened.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      complaints.push(`${message.text()} (${message.location().url})`);
  });
  opened.on("weberror", (error) => complaints.push(String(error.error())));
  return opened;
}

async function openShop(path = "/", on = visit): Promise<Page> {
  const page = await on.newPage();
  await page.goto(server.url + path);
  await page.locator(".panel .state.live").waitFor();
  return page;
}

const bannerTitle = (page: Page) => page.locator(".banner .slide:last-child h1");
const tab = (page: Page, name: string) => page.getByRole("tab", { name, exact: true });
/** A feature of the panel, as its name and value are shown. */
const figure = (page: Page, name: string) => page.locator(`.figures div[title="${name}"] dd`);

async function lookAt(page: Page, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    await page.locator(".categories").getByRole("link", { name: "Ceramics" }).click();
    await page.locator("main .grid .card").nth(number).click();
    await page.locator("main .product").waitFor();
  }
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await page.getByRole("button", { name }).click();
}

async function shows(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout: 10_000 });
}

describe.each(["segment", "freshet"])("the shop with the SDK of %s", (sdk) => {
  beforeEach(() => openServer(sdk));

  it("changes the banner of an open page after the third look, without a reload", async () => {
    const watching = await openShop();
    await bannerTitle(watching).getByText("Things made to last").waitFor();
    await watching.evaluate("globalThis.wasHere = true");
    const clicking = await openShop();
    await lookAt(clicking, [0, 1]);
    await figure(watching, "productViews").getByText("2", { exact: true }).waitFor();
    expect(await bannerTitle(watching).textContent()).toBe("Things made to last");
    await lookAt(clicking, [2]);
    await bannerTitle(watching).getByText("More Ceramics for you").waitFor();
    await shows(watching, ".toast.live", "The shop changed because you viewed 3 × Ceramics");
    await shows(watching, ".banner", "You have looked at 3 pieces");
    expect(await watching.evaluate("globalThis.wasHere")).toBe(true);
    await shows(clicking, ".latency-figure", /visible after\d+ms/);
    expect(complaints).toEqual([]);
  });

  it("shows in its panel the profile, the events with their journeys, the ledger, and why", async () => {
    const page = await openShop();
    await lookAt(page, [0, 1, 2]);
    await figure(page, "productViews").getByText("3", { exact: true }).waitFor();
    await shows(page, ".chips li", /^browser$/i);
    await shows(page, ".bars", /Ceramics3/);
    await tab(page, "Events").click();
    await page.locator(".event", { hasText: "Product Viewed" }).first().click();
    for (const stage of ["Happened", "Accepted", "Joined", "Logged", "Applied"])
      await shows(page, ".journey .step", new RegExp(stage, "i"));
    await shows(page, ".journey-foot", /applied · partition \d+, offset \d+/i);
    await tab(page, "Why this banner").click();
    await shows(page, ".chosen-title", "More Ceramics for you");
    await shows(page, ".variant.won", /category ?lover.*shown/i);
    await shows(page, ".variant", /vip.*not eligible/i);
    await shows(page, ".ledger", "balanced");
    expect(await page.locator(".ledger .term.rejected").textContent()).toMatch(/^0/);
    expect(complaints).toEqual([]);
  });

  it("greets who signs in, forgets who signs out, and knows a person on a second device", async () => {
    const page = await openShop();
    await lookAt(page, [0, 1, 2]);
    await figure(page, "productViews").getByText("3", { exact: true }).waitFor();
    await signIn(page, "Ana Lindqvist");
    await shows(page, ".greeting", "Hello, Ana");
    await shows(page, ".parts", "One person, 2 identifiers");
    await figure(page, "productViews").getByText("3", { exact: true }).waitFor();
    await bannerTitle(page).getByText("More Ceramics for you").waitFor();

    await page.getByRole("button", { name: "Ana", exact: true }).click();
    await page.getByRole("button", { name: "Continue as new device" }).click();
    await bannerTitle(page).getByText("Things made to last").waitFor();
    await lookAt(page, [3]);
    await figure(page, "productViews").getByText("1", { exact: true }).waitFor();
    await signIn(page, "Ana Lindqvist");
    await shows(page, ".parts", "One person, 3 identifiers");
    await figure(page, "productViews").getByText("4", { exact: true }).waitFor();

    await page.getByRole("button", { name: "Ana", exact: true }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await bannerTitle(page).getByText("Things made to last").waitFor();
    await page.locator(".greeting").waitFor({ state: "hidden" });
    expect((await readProfile(server.url, "ana")).body.features.productViews).toBe(4);
    expect(complaints).toEqual([]);
  });

  it("sells: cart, order, thanks, and the CRM hears of it", async () => {
    const page = await openShop();
    await signIn(page, "Ben Okafor");
    await lookAt(page, [0]);
    await page.getByRole("button", { name: "Add to cart" }).click();
    await page.getByRole("button", { name: /^Cart/ }).click();
    await page.getByRole("button", { name: "Check out" }).click();
    await page.getByRole("button", { name: /^Pay/ }).click();
    await shows(page, "main", /thank/i);
    const crm = await eventually("a signed webhook", async () => {
      const { body } = await ask(`${server.url}/shop/crm`);
      return body.received.length > 0 && body.received;
    });
    expect(crm[0]).toMatchObject({
      type: "orderThanks",
      data: { profileId: "user:ben", orders: 1, total: 64 },
    });
    const { features, segments } = (await readProfile(server.url, "ben")).body;
    expect(features).toMatchObject({ orders: 1, spendCents: 6400, cartAdds: 1 });
    expect(segments).toContain("customer");
    expect(complaints).toEqual([]);
  });

  it("sells on while the server is away, and catches up when it is back", async () => {
    const page = await openShop();
    await lookAt(page, [0]);
    await figure(page, "productViews").getByText("1", { exact: true }).waitFor();
    const { port } = server;
    await server.kill();
    await lookAt(page, [1]);
    await shows(page, ".panel .state", /connecting|not reachable/);
    server = await start(sdk, port);
    await page.locator(".panel .state.live").waitFor({ timeout: 30_000 });
    await figure(page, "productViews").getByText("2", { exact: true }).waitFor({ timeout: 30_000 });
  });

  it("is as usable on a narrow screen, with the panel as a sheet", async () => {
    const phone = await openVisit(narrow);
    const page = await openShop("/", phone);
    await lookAt(page, [0, 1, 2]);
    await page.locator("a.brand").click();
    await bannerTitle(page).getByText("More Ceramics for you").waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(narrow.width);
    await page.getByRole("button", { name: "Look inside" }).click();
    await figure(page, "productViews").getByText("3", { exact: true }).waitFor();
    await phone.close();
    expect(complaints).toEqual([]);
  });

  it.runIf(process.env.FRESHET_SCREENSHOTS === "1" && sdk === "segment")(
    "poses for the README",
    async () => {
      const images = join(root, "docs", "images");
      mkdirSync(images, { recursive: true });
      await bringVisitors();
      for (const [name, viewport] of Object.entries({ wide, narrow })) {
        const posing = await openVisit(viewport);
        const page = await openShop("/", posing);
        await lookAt(page, [0, 1, 4]);
        await page.locator("a.brand").click();
        await bannerTitle(page).getByText("More Ceramics for you").waitFor();
        // Until toasts are gone and nothing moves any more.
        await page.waitForTimeout(9000);
        await page.screenshot({ path: join(images, `shop-${name}.png`) });
        await posing.close();
      }
    },
  );
});

describe("the SDK of the shop", () => {
  beforeEach(() => openServer("segment"));

  it("is the one that the address asks for, or the panel's switch, as long as the tab lives", async () => {
    const page = await openShop("/?sdk=freshet");
    const pressed = page.locator(".sdk-switch [aria-pressed=true]");
    expect(await pressed.textContent()).toBe("Freshet");
    await lookAt(page, [0]);
    await figure(page, "productViews").getByText("1", { exact: true }).waitFor();
    await page.goto(server.url);
    await page.locator(".panel .state.live").waitFor();
    expect(await pressed.textContent()).toBe("Freshet");
    await figure(page, "productViews").getByText("1", { exact: true }).waitFor();
    await page.locator(".sdk-switch button", { hasText: "Segment" }).click();
    await page.locator(".panel .state.live").waitFor();
    await page.locator(".sdk-switch [aria-pressed=true]", { hasText: "Segment" }).waitFor();
    await lookAt(page, [0, 1]);
    await figure(page, "productViews").getByText("2", { exact: true }).waitFor();
    expect(complaints).toEqual([]);
  });
});

/** So that recommendations have something to say. */
async function bringVisitors(): Promise<void> {
  const products = ["cer-03", "cer-05", "cer-08", "cer-02", "cer-07", "tex-01", "tex-02", "cer-04"];
  const batch = products.flatMap((product_id, index) =>
    Array.from({ length: 12 - index }, (_, visitor) => ({
      type: "track",
      event: "Product Viewed",
      anonymousId: `visitor-${visitor}`,
      properties: { product_id },
    })),
  );
  await sendBatch(server.url, batch);
}
