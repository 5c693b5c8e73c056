import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Freshet, settingsOf, startFreshet } from "freshet";
import { afterEach, describe, expect, it } from "vitest";
import { decide, follow, mintToken, readProfile, sendEvents } from "../client.ts";
import { analyticsFor } from "../segment.ts";

const folder = dirname(dirname(fileURLToPath(import.meta.url)));
const cleaners: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const clean of cleaners.splice(0).reverse()) await clean();
});

/** Starts the example as `freshet start` would, in a new data folder and on a free port. */
async function start(configuration: string): Promise<Freshet> {
  const data = mkdtempSync(join(tmpdir(), "freshet-first-"));
  cleaners.push(() => rmSync(data, { recursive: true, force: true }));
  const { default: config } = await import(join(folder, configuration));
  const merged = { ...config, port: 0, data, logLevel: "silent" };
  const freshet = await startFreshet({ settings: settingsOf(merged, folder, {}) });
  cleaners.push(() => freshet.close());
  return freshet;
}

const view = (id: number, at = new Date()) => ({
  event_id: `e${id}`,
  event_type: "Product Viewed",
  user_id: "ana",
  timestamp: at.toISOString(),
  metadata: { product_id: `p${id}`, category: "Ceramics" },
});

describe("the first plan", () => {
  it("counts, enters the segment, pushes to the open page and decides", async () => {
    const freshet = await start("freshet.config.ts");
    const heard: string[] = [];
    const abort = new AbortController();
    cleaners.push(() => abort.abort());
    const token = await mintToken(freshet, "ana");
    const following = (async () => {
      for await (const { event, data } of follow(freshet.url, token, abort.signal)) {
        heard.push(event);
        if (event === "push") return data;
      }
      return null;
    })();
    await expect.poll(() => heard).toContain("profile");

    const receipt = await sendEvents(freshet, [view(1), view(2), view(3)]);
    const profile = await readProfile(freshet, "ana", receipt);
    expect(profile).toMatchObject({
      features: { views: 3, lastCategory: "Ceramics" },
      segments: ["keen"],
      stale: false,
    });
    expect(await following).toMatchObject({
      topic: "banner",
      rule: "welcome",
      category: "Ceramics",
    });
    const { decisions } = await decide(freshet, "ana", ["banner"]);
    expect(decisions["banner"]).toMatchObject({
      variant: "keen",
      content: { title: "More Ceramics for you" },
    });
  });

  it("takes the same ids again without counting them", async () => {
    const freshet = await start("freshet.config.ts");
    await sendEvents(freshet, [view(1), view(2)]);
    const receipt = await sendEvents(freshet, [view(1), view(2), view(3)]);
    const { features } = await readProfile(freshet, "ana", receipt);
    expect(features["views"]).toBe(3);
  });

  it("is spoken to by Segment's own SDK for Node", async () => {
    const freshet = await start("freshet.config.ts");
    const analytics = analyticsFor(freshet.url, freshet.writeKey);
    analytics.track({ userId: "ana", event: "Product Viewed", properties: { product_id: "p1" } });
    await analytics.closeAndFlush({ timeout: 10_000 });
    const { features } = await readProfile(freshet, "ana", freshet.engine.latestReceipt());
    expect(features["views"]).toBe(1);
  });
});

describe("the plan with a CRM", () => {
  it("filters, transforms and sends a signed webhook", async () => {
    const { server, received } = await receiver();
    const { port } = server.address() as AddressInfo;
    process.env["CRM_URL"] = `http://127.0.0.1:${port}/hooks/freshet`;
    const freshet = await start("crm.config.ts");
    const order = (id: string, currency: string, path: string) => ({
      event_id: id,
      event_type: "Order Completed",
      user_id: "ana",
      metadata: { order_id: id, total: 10, currency },
      context: { page: { path } },
    });
    const receipt = await sendEvents(freshet, [
      order("o1", "EUR", "/checkout"),
      order("o2", "USD", "/checkout"),
      order("o3", "EUR", "/internal/test"),
    ]);
    const { features } = await readProfile(freshet, "ana", receipt);
    expect(features).toMatchObject({ orders: 2, spendCents: 1900 });
    await expect.poll(() => received.length, { timeout: 5000 }).toBe(2);
    expect(received.map(({ body }) => body.data.total)).toEqual([10, 9]);
    expect(received[0]?.headers).toHaveProperty("webhook-signature");
    expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(2);
  });
});

interface Received {
  readonly headers: { readonly [name: string]: unknown };
  readonly body: { readonly data: { readonly total: number } };
}

async function receiver(): Promise<{ readonly server: Server; readonly received: Received[] }> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
    response.writeHead(200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleaners.push(() => new Promise((resolve) => server.close(resolve)));
  cleaners.push(() => server.closeAllConnections());
  return { server, received };
}
