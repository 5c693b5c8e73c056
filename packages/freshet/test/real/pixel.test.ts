/** The pixel, the beacon and the socket in a real Chromium, on a page of another origin. */
import { join } from "node:path";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openBrowser, openSite, type PageServer } from "../process/support/browser.ts";
import { ask, eventually, readProfile, secret } from "../process/support/client.ts";
import { makeFolder, type TestFolder } from "../process/support/folder.ts";
import { type Running, root, startServer, writeKey } from "../process/support/server.ts";

let folder: TestFolder;
let server: Running;
let site: PageServer;
let browser: Browser;
beforeAll(async () => {
  folder = await makeFolder();
  server = await startServer({ data: folder.path });
  site = await openSite();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await server?.stop();
  await folder?.remove();
});

async function openPage(path: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`${site.url}${path}`);
  return page;
}

/** Its size once it is shown; rejects where the browser finds no image in it. */
const showImage = (page: Page, url: string): Promise<readonly number[]> =>
  page.evaluate(`(async () => {
    const image = document.createElement("img");
    image.src = "${url}";
    document.body.append(image);
    await image.decode();
    return [image.naturalWidth, image.naturalHeight];
  })()`);

const featuresOf = (id: string) =>
  eventually(`a profile of ${id}`, async () => {
    const { status, body } = await readProfile(server.url, id);
    return status === 200 && body.features.productViews > 0 && body.features;
  });

it("an <img> sends its event and shows a dot of one pixel", async () => {
  const page = await openPage("/offers?utm_source=mail");
  const data = Buffer.from('{"product_id":"cer-01"}').toString("base64url");
  const query = `writeKey=${writeKey}&event_type=Product+Viewed&anonymous_id=img-1&data=${data}`;
  expect(await showImage(page, `${server.url}/v1/pixel.gif?${query}`)).toEqual([1, 1]);
  expect(await featuresOf("anon:img-1")).toMatchObject({ productViews: 1 });
  const { body } = await ask(`${server.url}/v1/profiles/anon%3Aimg-1/events`, { headers: secret });
  const [{ context }] = body.events;
  expect(context.userAgent).toContain("Chrome/");
  // Another origin hears of the page's origin alone, as browsers have it unless the page says otherwise.
  expect(context.page).toMatchObject({ url: `${site.url}/` });
  await page.close();
});

it("a refused event's <img> is no broken image, and a dead letter", async () => {
  const page = await openPage("/");
  const url = `${server.url}/v1/pixel.gif?writeKey=${writeKey}&event_type=Nobody`;
  expect(await showImage(page, url)).toEqual([1, 1]);
  const letter = await eventually("a dead letter", async () => {
    const { body } = await ask(`${server.url}/v1/dead-letters`, { headers: secret });
    return body.deadLetters[0];
  });
  expect(letter).toMatchObject({ code: "identifierMissing", event: { event_type: "Nobody" } });
  await page.close();
});

/** What the guide shows, as a page would have it. */
async function exampleCode(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, "examples/first/pixel.ts")],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "example",
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}

it("sendBeacon delivers while the page is left, with no preflight", async () => {
  const page = await openPage("/leaving");
  const asked: string[] = [];
  page.context().on("request", (request) => asked.push(`${request.method()} ${request.url()}`));
  await page.addScriptTag({ content: await exampleCode() });
  await page.evaluate(`
    const view = {
      type: "track",
      event: "Product Viewed",
      anonymousId: "beacon-1",
      messageId: "left-1",
      properties: { product_id: "cer-01" },
    };
    example.sendOnLeaving({ url: "${server.url}", writeKey: "${writeKey}" }, () => [view]);
  `);
  await page.goto("about:blank");
  expect(await featuresOf("anon:beacon-1")).toMatchObject({ productViews: 1 });
  expect(asked.filter((line) => line.startsWith("OPTIONS"))).toEqual([]);
  await page.close();
});

it("a page's WebSocket sends and is acknowledged", async () => {
  const page = await openPage("/socket");
  const address = `${server.url.replace("http", "ws")}/v1/socket?writeKey=${writeKey}`;
  const frames: readonly string[] = await page.evaluate(`new Promise((resolve) => {
    const socket = new WebSocket("${address}");
    const heard = [];
    const event = {
      event_type: "Product Viewed",
      anonymous_id: "socket-1",
      metadata: { product_id: "cer-01" },
    };
    socket.onopen = () => socket.send(JSON.stringify({ hello: { stream: "page-1" } }));
    socket.onmessage = ({ data }) => {
      heard.push(data);
      if (heard.length === 1) socket.send(JSON.stringify({ seq: 1, events: [event] }));
      else resolve(heard);
    };
  })`);
  expect(JSON.parse(frames[1] ?? "")).toMatchObject({ ack: 1, accepted: 1 });
  expect(await featuresOf("anon:socket-1")).toMatchObject({ productViews: 1 });
  await page.close();
});
