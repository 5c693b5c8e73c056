/** Freshet behind a gateway, a site of another origin, and a browser: what the tests of the browser SDK begin with. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";
import { openBrowser } from "../../../../freshet/test/process/support/browser.ts";
import {
  eventually,
  ledgerOf,
  missingIn,
  readMetrics,
  readProfile,
  settled,
} from "../../../../freshet/test/process/support/client.ts";
import { makeFolder } from "../../../../freshet/test/process/support/folder.ts";
import { type Gateway, openGateway } from "../../../../freshet/test/process/support/gateway.ts";
import {
  type Running,
  startServer,
  writeKey,
} from "../../../../freshet/test/process/support/server.ts";
import { openSite, type Site } from "./site.ts";
import { openTap } from "./tap.ts";

export interface World {
  readonly site: Site;
  readonly gateway: Gateway;
  readonly context: BrowserContext;
  server(): Running;
  /** SIGKILL, and the gateway cuts what comes. */
  kill(): Promise<void>;
  start(): Promise<void>;
  open(path?: string, context?: BrowserContext): Promise<Page>;
  newContext(): Promise<BrowserContext>;
  /** Waits until as many events were applied, and a moment more: none may come on top. */
  applied(count: number): Promise<void>;
  /** Applied and duplicate so far. */
  counts(): Promise<{ readonly applied: number; readonly duplicate: number }>;
  features(id: string): Promise<Readonly<Record<string, unknown>>>;
  /** Bodies of the capture requests of all pages so far. */
  batches(): readonly Batch[];
  events(): readonly CapturedEvent[];
  /** Bodies of the requests for decisions. */
  decisions(): readonly string[];
  close(): Promise<void>;
}

export interface Batch {
  readonly sentAt: string;
  readonly batch: readonly CapturedEvent[];
}

export interface CapturedEvent {
  readonly type: string;
  readonly event?: string;
  readonly messageId: string;
  readonly timestamp: string;
  readonly anonymousId: string;
  // biome-ignore lint/suspicious/noExplicitAny: events are looked at field by field, which is the check.
  readonly [field: string]: any;
}

let browser: Browser | undefined;

export async function openWorld(): Promise<World> {
  browser ??= await openBrowser();
  const own = browser;
  const [site, gateway, folder] = await Promise.all([openSite(), openGateway(), makeFolder()]);
  let server: Running;
  const tap = await openTap(gateway.url);
  const batches = () => tap.bodies("/v1/batch").map((body) => JSON.parse(body) as Batch);
  const contexts: BrowserContext[] = [];
  const newContext = async () => {
    const made = await own.newContext();
    contexts.push(made);
    return made;
  };
  const context = await newContext();
  const start = async () => {
    server = await startServer({ data: folder.path });
    gateway.target(server.port);
  };
  await start();
  return {
    site,
    // Pages meet the tap, which reads along.
    gateway: { ...gateway, url: tap.url },
    context,
    server: () => server,
    async kill() {
      gateway.target(null);
      await server.kill();
    },
    start,
    async open(path = "/", on = context) {
      const page = await on.newPage();
      await page.goto(site.url + path);
      return page;
    },
    newContext,
    async applied(count) {
      const enough = async () => ledgerOf(await readMetrics(server.url)).applied >= count;
      await eventually(`${count} events applied`, enough, 20_000).catch(async (error) => {
        throw new Error(`${error}: ${JSON.stringify(await settled(server.url))}`);
      });
      await new Promise((resolve) => setTimeout(resolve, 300));
      const ledger = await settled(server.url);
      expect(missingIn(ledger)).toBe(0);
      expect([ledger.applied, ledger.rejected]).toEqual([count, 0]);
    },
    counts: () => settled(server.url),
    features: async (id) => (await readProfile(server.url, id)).body.features,
    batches,
    decisions: () => tap.bodies("/v1/decide"),
    events: () => {
      const byId = new Map(
        batches().flatMap(({ batch }) => batch.map((one) => [one.messageId, one])),
      );
      return [...byId.values()];
    },
    async close() {
      for (const one of contexts) await one.close();
      await server.kill();
      await tap.close();
      await gateway.close();
      await site.close();
      await folder.remove();
    },
  };
}

export async function closeBrowser(): Promise<void> {
  await browser?.close();
  browser = undefined;
}

/** `FRESHET_SDK_SCRIPT=freshet-core` runs the same tests with the small script, as far as it goes. */
const script = process.env["FRESHET_SDK_SCRIPT"] ?? "freshet";

/** The script tag as the guide has it, with more attributes where a test needs them. */
export function tag(
  world: Pick<World, "gateway">,
  attributes = 'data-auto="false"',
  file = script,
): string {
  return `<script src="${world.gateway.url}/sdk/${file}.js" data-write-key="${writeKey}" ${attributes}></script>`;
}

/** Runs in the page; a promise is waited for. */
export const run = <T = unknown>(page: Page, code: string): Promise<T> =>
  page.evaluate(code) as Promise<T>;

export const track = (page: Page, times = 1): Promise<unknown> =>
  run(
    page,
    `for (let i = 0; i < ${times}; i++) freshet.track("Product Viewed", { product_id: "cer-01" })`,
  );

export const anonymousId = (page: Page): Promise<string> => run(page, "freshet.anonymousId()");
