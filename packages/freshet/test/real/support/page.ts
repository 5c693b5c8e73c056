/** Browser SDKs of others as sites use them: bundled into a page of another origin than the server's. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { fetchNpmClients } from "../clients/fetch.ts";

export interface PageServer {
  /** `localhost`, where the server is `127.0.0.1`: another host and another port. */
  readonly url: string;
  close(): Promise<void>;
}

/** What a page has of each SDK, as `window.sdk`. */
const contents = {
  "next-1.83": 'export { AnalyticsBrowser } from "analytics-next-1.83";',
  "next-1.84": 'export { AnalyticsBrowser } from "analytics-next-1.84";',
  rudder: 'export { RudderAnalytics } from "@rudderstack/analytics-js/bundled";',
} as const;

export type Sdk = keyof typeof contents;

/** `/<sdk>` and whatever is below it is a page with that SDK. */
export async function openPages(): Promise<PageServer> {
  const scripts = new Map<string, string>();
  for (const [sdk, text] of Object.entries(contents)) scripts.set(sdk, await bundle(text));
  const server = createServer((request, response) => {
    const [, sdk = "", file] = (request.url ?? "/").split("/");
    const isScript = file === "sdk.js";
    const type = isScript ? "text/javascript" : "text/html";
    response.writeHead(200, { "content-type": `${type}; charset=utf-8` });
    const page = `<!doctype html><title>Home</title><script src="/${sdk}/sdk.js"></script><p>A page</p>`;
    response.end(isScript ? scripts.get(sdk) : page);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * Waits until SDKs have what was called. Segment's keeps a call in nothing but a local variable until its page has had
 * two turns, RudderStack's for one: a page that goes away before then takes the call with it. Twenty are enough for all.
 */
export const turns = (page: Page): Promise<unknown> =>
  page.evaluate(`new Promise((done) => {
    const turn = (left) => (left === 0 ? done() : setTimeout(turn, 0, left - 1));
    turn(20);
  })`);

async function bundle(text: string): Promise<string> {
  const built = await build({
    stdin: { contents: text, resolveDir: fetchNpmClients() },
    bundle: true,
    write: false,
    format: "iife",
    globalName: "sdk",
    platform: "browser",
    logLevel: "silent",
  });
  return built.outputFiles[0]?.text ?? "";
}
