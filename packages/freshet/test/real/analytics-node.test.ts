/**
 * Segment's own client for Node, unmodified, told nothing but the host: what it sends arrives once, whatever happens
 * to the server meanwhile.
 */
import { connect, type Socket } from "node:net";
import { Analytics, type Context } from "@segment/analytics-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ask,
  eventually,
  ledgerOf,
  missingIn,
  readJourney,
  readMetrics,
  readProfile,
  secret,
  settled,
} from "../process/support/client.ts";
import { makeFolder, type TestFolder } from "../process/support/folder.ts";
import { type Gateway, openGateway } from "../process/support/gateway.ts";
import {
  type Running,
  type StartOptions,
  startServer,
  writeKey,
} from "../process/support/server.ts";

let folder: TestFolder;
let gateway: Gateway;
let server: Running;
let analytics: Analytics;
/** Message ids by the client's own account: handed to the server, or given up. */
let delivered: string[];
let failed: unknown[];

beforeEach(async () => {
  folder = await makeFolder();
  gateway = await openGateway();
  await start();
  delivered = [];
  failed = [];
  analytics = new Analytics({ writeKey, host: gateway.url });
  analytics.on("error", (error) => failed.push(error));
});
afterEach(async () => {
  await server.kill();
  await gateway.close();
  await folder.remove();
});

async function start(options: Partial<StartOptions> = {}): Promise<void> {
  server = await startServer({ data: folder.path, ...options });
  gateway.target(server.port);
}

/** Calls back when the client believes that the event was delivered. */
const note = (error?: unknown, context?: Context): void => {
  if (error) failed.push(error);
  else delivered.push(context?.event.messageId ?? "");
};

function trackViews(count: number): void {
  for (let index = 0; index < count; index++) {
    const properties = { product_id: "cer-01" };
    analytics.track({ userId: "ana", event: "Product Viewed", properties }, note);
  }
}

async function checkApplied(count: number): Promise<void> {
  const ledger = await settled(server.url);
  expect(missingIn(ledger)).toBe(0);
  expect([ledger.applied, ledger.rejected]).toEqual([count, 0]);
  expect(new Set(delivered).size).toBe(count);
  expect(failed).toEqual([]);
  for (const id of delivered)
    expect((await readJourney(server.url, id)).body.status).toBe("applied");
}

describe("analytics-node 3.1.0", () => {
  it("delivers all six calls", async () => {
    const timestamp = new Date(Date.now() - 60_000);
    analytics.identify({ userId: "ana", anonymousId: "a1", traits: { name: "Ana" } }, note);
    analytics.track(
      { userId: "ana", event: "Product Viewed", properties: { product_id: "cer-01" }, timestamp },
      note,
    );
    analytics.page(
      { userId: "ana", category: "Shop", name: "Home", properties: { path: "/" } },
      note,
    );
    analytics.screen({ anonymousId: "a1", name: "Start" }, note);
    analytics.group({ userId: "ana", groupId: "g1", traits: { employees: 3 } }, note);
    analytics.alias({ userId: "ana", previousId: "a2" }, note);
    await analytics.flush();
    await checkApplied(6);
    const { body } = await readProfile(server.url, "ana");
    expect(body.traits.name).toBe("Ana");
    expect(body.identifiers).toContain("anon:a1");
    expect(body.features).toMatchObject({ productViews: 1, pageViews: 1 });
    const { body: list } = await ask(`${server.url}/v1/profiles/ana/events`, { headers: secret });
    const types = list.events.map(({ type }: { type: string }) => type).sort();
    expect(types).toEqual(["alias", "group", "identify", "page", "screen", "track"]);
    const view = list.events.find(({ name }: { name: string }) => name === "Product Viewed");
    expect(view.time).toBe(timestamp.getTime());
  });

  it("delivers everything that is under way when it is closed", async () => {
    trackViews(137);
    await analytics.closeAndFlush();
    await checkApplied(137);
    expect((await readProfile(server.url, "ana")).body.features.productViews).toBe(137);
  });

  it("loses and doubles nothing when the server is killed between write and answer", async () => {
    trackViews(15);
    await analytics.flush();
    const answered = gateway.loseAnswers(/^POST \/v1\/batch/);
    trackViews(15);
    await answered;
    await server.kill();
    gateway.target(null);
    await start();
    await analytics.closeAndFlush();
    await checkApplied(30);
    const ledger = ledgerOf(await readMetrics(server.url));
    expect(ledger).toMatchObject({ received: 45, duplicate: 15 });
    expect((await readProfile(server.url, "ana")).body.features.productViews).toBe(30);
    const { body } = await readJourney(server.url, delivered.at(-1) ?? "");
    expect(body.duplicates).toHaveLength(1);
  });

  it("waits for a server that is away, and delivers then", async () => {
    await server.kill();
    gateway.target(null);
    trackViews(20);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(delivered).toEqual([]);
    await start();
    await analytics.closeAndFlush();
    await checkApplied(20);
  });

  it("is told 503 by a server that cannot write, and delivers once there is room", async () => {
    await server.stop();
    await start({ fileKilobytesMax: 3000 });
    await fillDisk();
    trackViews(15);
    const status = 'freshet_http_requests_total{route="/v1/batch",method="POST",status="503"}';
    await eventually(
      "a refusal",
      async () => ((await readMetrics(server.url)).get(status) ?? 0) > 0,
    );
    expect(delivered).toEqual([]);
    await server.kill();
    gateway.target(null);
    await start();
    await analytics.closeAndFlush();
    expect(failed).toEqual([]);
    expect(new Set(delivered).size).toBe(15);
    expect((await readProfile(server.url, "ana")).body.features.productViews).toBe(15);
    expect(missingIn(await settled(server.url))).toBe(0);
  });

  it("is told 429 by a server whose memory for requests is full, waits as told, and delivers", async () => {
    const hogs = await hogMemory(server.port);
    const before = Date.now();
    trackViews(15);
    const status = 'freshet_http_requests_total{route="/v1/batch",method="POST",status="429"}';
    await eventually(
      "a refusal",
      async () => ((await readMetrics(server.url)).get(status) ?? 0) > 0,
      20_000,
    );
    // First the request was held, so that older clients, which give up within a second, would have been spared.
    expect(Date.now() - before).toBeGreaterThan(4500);
    for (const hog of hogs) hog.destroy();
    await analytics.closeAndFlush();
    await checkApplied(15);
  });

  it("gives up at once where the key is wrong, and says so", async () => {
    analytics = new Analytics({ writeKey: "wk_of_somebody_else", host: gateway.url });
    const errors: unknown[] = [];
    analytics.on("error", (error) => errors.push(error));
    trackViews(1);
    await analytics.closeAndFlush();
    expect(errors).toHaveLength(1);
    expect(ledgerOf(await readMetrics(server.url)).received).toBe(0);
  });
});

/** Sends events of somebody else until the log refuses one. */
async function fillDisk(): Promise<void> {
  const text = "x".repeat(30_000);
  for (let number = 0; number < 1000; number++) {
    const batch = Array.from({ length: 20 }, () => ({
      type: "page",
      userId: "filler",
      context: { text },
    }));
    const { status } = await ask(`${server.url}/v1/batch`, { body: { writeKey, batch } });
    if (status === 503) return;
    expect(status).toBe(200);
  }
  throw new Error("the limit on files was never met");
}

/** Holds 128 MiB of request bodies open: past that, capture waits, and after 5 s is told to come later. */
async function hogMemory(port: number): Promise<readonly Socket[]> {
  const bytes = 1024 ** 2;
  const head = `POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`;
  const body = Buffer.alloc(bytes - 1, " ");
  const hogs: Socket[] = [];
  for (let number = 0; number < 129; number++) {
    const hog = connect(port, "127.0.0.1", () => hog.write(head));
    hog.on("error", () => {});
    await new Promise((resolve) => hog.once("ready", resolve));
    await new Promise((resolve) => hog.write(body, resolve));
    hogs.push(hog);
  }
  await eventually("memory for requests is full", async () => {
    const bytesHeld = (await readMetrics(server.url)).get("freshet_request_bytes_in_flight") ?? 0;
    return bytesHeld >= 128 * bytes;
  });
  return hogs;
}
