import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright-core";
import { root } from "./server.ts";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** The system's Chromium. A missing one is a failure, never a skip. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env.FRESHET_CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(executablePath))
    throw new Error(
      `there is no Chromium at "${executablePath}": apt-get install chromium, or set FRESHET_CHROMIUM to one`,
    );
  return chromium.launch({ executablePath, args: flags });
}

export interface PageServer {
  /** Another origin than the server's: other host name, other port. */
  readonly url: string;
  close(): Promise<void>;
}

/** A site of somebody else: every path is a page that has Segment's SDK as `AnalyticsBrowser`, bundled as sites do. */
export async function openSite(): Promise<PageServer> {
  const bundle = await build({
    stdin: {
      contents:
        'import { AnalyticsBrowser } from "@segment/analytics-next"; window.AnalyticsBrowser = AnalyticsBrowser;',
      resolveDir: root,
    },
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    logLevel: "silent",
  });
  const script = bundle.outputFiles[0]?.text ?? "";
  const html = '<!doctype html><title>A site</title><script src="/sdk.js"></script><p>A page</p>';
  const server = createServer((request, response) => {
    const isScript = request.url === "/sdk.js";
    const type = isScript ? "text/javascript" : "text/html";
    response.writeHead(200, { "content-type": `${type}; charset=utf-8` });
    response.end(isScript ? script : html);
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
