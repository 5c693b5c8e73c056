/**
 * What the browser SDK costs a page: bytes over the wire, and time of the main thread in the system's Chromium.
 * `node bench/sdk.ts` runs it alone.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { chromium, type Page } from "playwright-core";

export interface SdkMeasures {
  /** Bytes of each script as a server with gzip sends it. */
  readonly gzipBytes: { readonly full: number; readonly core: number };
  /** Microseconds of the main thread for one `track()`, storage included: the median of the rounds. */
  readonly trackMicroseconds: Spread;
  /** Milliseconds of the main thread from the start of the whole script to its end, in a new page each. */
  readonly loadMs: Spread;
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

const tracksPerRound = 200;
const rounds = 15;

export async function measureSdk(): Promise<SdkMeasures> {
  const [full, core] = [readScript("freshet.js"), readScript("freshet-core.js")];
  const { url, close } = await openServer();
  const browser = await chromium.launch({
    executablePath: process.env["FRESHET_CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"],
  });
  try {
    const loads: number[] = [];
    const tracks: number[] = [];
    for (let round = 0; round < rounds; round++) {
      // A new context has no memory of the ones before.
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(url);
      loads.push(await timeOfLoad(page, full));
      tracks.push(await timeOfTrack(page));
      await context.close();
    }
    return {
      gzipBytes: { full: gzipSync(full).length, core: gzipSync(core).length },
      trackMicroseconds: spreadOf(tracks),
      loadMs: spreadOf(loads),
    };
  } finally {
    await browser.close();
    close();
  }
}

/** Runs the script as text: what is measured is compiling and running it, not the network. */
function timeOfLoad(page: Page, script: string): Promise<number> {
  return page.evaluate(`(() => {
    window.freshetOptions = { writeKey: "wk" };
    const from = performance.now();
    (0, eval)(${JSON.stringify(script)});
    return performance.now() - from;
  })()`);
}

/** The first calls are not counted: a page that tracks much has warm code. */
function timeOfTrack(page: Page): Promise<number> {
  return page.evaluate(`(() => {
    const product = { product_id: "cer-01", name: "A bowl", category: "Ceramics", price: 64 };
    const run = () => {
      for (let count = 0; count < ${tracksPerRound}; count++) freshet.track("Product Viewed", product);
    };
    run();
    const from = performance.now();
    run();
    return ((performance.now() - from) * 1000) / ${tracksPerRound};
  })()`);
}

async function openServer(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    const isPage = request.method === "GET";
    response.writeHead(200, { "content-type": isPage ? "text/html" : "application/json" });
    response.end(isPage ? "<!doctype html><title>A page</title>" : '{"success":true}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function readScript(name: string): string {
  const path = new URL(`../packages/sdk/dist/script/${name}`, import.meta.url);
  return readFileSync(fileURLToPath(path), "utf8");
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 100) / 100;
  return { min: at(0), median: at(0.5), max: at(1) };
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(await measureSdk(), null, 2));
