/** The SDK for Node against a real server: in this process, and as a process of its own that ends. */
import { execFile } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ledgerOf,
  readMetrics,
  readProfile,
  settled,
} from "../../freshet/test/process/support/client.ts";
import { makeFolder, type TestFolder } from "../../freshet/test/process/support/folder.ts";
import { type Gateway, openGateway } from "../../freshet/test/process/support/gateway.ts";
import { type Running, startServer, writeKey } from "../../freshet/test/process/support/server.ts";
import * as guide from "../snippet/node.ts";
import { type Drop, Freshet } from "../src/node/index.ts";

let folder: TestFolder;
let gateway: Gateway;
let server: Running;
let freshet: Freshet;
let drops: Drop[];

beforeEach(async () => {
  [folder, gateway] = await Promise.all([makeFolder(), openGateway()]);
  await start();
  drops = [];
  freshet = open();
});
afterEach(async () => {
  await freshet.close({ timeoutMs: 0 });
  await server.kill();
  await gateway.close();
  await folder.remove();
});

async function start(): Promise<void> {
  server = await startServer({ data: folder.path });
  gateway.target(server.port);
}

const open = (more: object = {}): Freshet =>
  new Freshet({ url: gateway.url, writeKey, onDrop: (drop) => drops.push(drop), ...more });

const view = (userId = "ana") =>
  freshet.track({ userId, event: "Product Viewed", properties: { product_id: "cer-01" } });

async function applied(count: number): Promise<void> {
  const ledger = await settled(server.url);
  expect(ledger).toMatchObject({ applied: count, rejected: 0 });
}

const nothing = { undelivered: [], dropped: 0 };

describe("Freshet for Node", () => {
  it("delivers the six calls, and flush waits for them", async () => {
    const who = { userId: "ana" };
    const properties = { order_id: "o1", total: 64 };
    freshet.track({
      ...who,
      event: "Order Completed",
      properties,
      timestamp: "2026-01-02T03:04:05Z",
    });
    freshet.identify({ ...who, anonymousId: "a1", traits: { name: "Ana" } });
    freshet.page({ ...who, name: "Home" });
    freshet.screen({ ...who, name: "Start" });
    freshet.group({ ...who, groupId: "g1" });
    freshet.alias({ userId: "ana", previousId: "old" });
    expect(await freshet.flush()).toEqual(nothing);
    await applied(6);
    const { body } = await readProfile(server.url, "ana");
    expect(body).toMatchObject({
      traits: { name: "Ana" },
      features: { orders: 1, spendCents: 6400 },
    });
    expect(freshet.status()).toEqual({ taken: 6, delivered: 6, dropped: 0, reasons: {} });
  });

  it("sends in batches: at 50 events, or half a second after the first", async () => {
    for (let count = 0; count < 120; count++) view();
    const posts = 'freshet_http_requests_total{route="/v1/batch",method="POST",status="200"}';
    await expect.poll(async () => ledgerOf(await readMetrics(server.url)).applied).toBe(120);
    expect((await readMetrics(server.url)).get(posts)).toBe(3);
  });

  it("counts each once through a server that is killed while it answers", async () => {
    view();
    await freshet.flush();
    const lost = gateway.loseAnswers(/^POST \/v1\/batch/);
    for (let count = 0; count < 30; count++) view();
    const flushed = freshet.flush({ timeoutMs: 30_000 });
    await lost;
    await server.kill();
    for (let count = 0; count < 10; count++) view();
    await start();
    expect(await flushed).toEqual(nothing);
    expect(await freshet.flush()).toEqual(nothing);
    expect((await readProfile(server.url, "ana")).body.features.productViews).toBe(41);
    await applied(41);
  });

  it("says at its end what the server does not have", async () => {
    gateway.target(null);
    view("ana");
    view("ben");
    const { undelivered } = await freshet.close({ timeoutMs: 300 });
    expect(undelivered.map(({ event }) => (event as { userId: string }).userId)).toEqual([
      "ana",
      "ben",
    ]);
    expect(undelivered[0]?.messageId).toMatch(/^[0-9a-f-]{36}$/);
    view("late");
    expect(freshet.status()).toMatchObject({ taken: 3, delivered: 0, reasons: { invalid: 1 } });
    gateway.target(server.port);
    await new Promise((resolve) => setTimeout(resolve, 800));
    await applied(0);
  });

  it("tells what was refused and rejected, and takes nothing that is wrong", async () => {
    const odd = freshet as unknown as Record<string, (call: unknown) => void>;
    const loop: Record<string, unknown> = {};
    loop.loop = loop;
    odd.track?.({ userId: "ana" });
    odd.track?.({ event: "Nobody" });
    odd.track?.({ userId: "ana", event: "Loop", properties: loop });
    odd.track?.(undefined);
    odd.track?.({ userId: "ana", event: "Product Viewed", properties: { product_id: 5 } });
    odd.identify?.({ userId: "ana", timestamp: "never" });
    const { dropped } = await freshet.flush();
    expect([dropped, freshet.status().reasons]).toEqual([6, { invalid: 5, rejected: 1 }]);
    await expect.poll(() => drops.length).toBe(6);
    expect(drops.at(-1)?.detail).toContain("contractViolated");
    const stranger = open({ writeKey: "not_a_key" });
    stranger.track({ userId: "ana", event: "Cart Viewed" });
    await stranger.close();
    expect(stranger.status()).toMatchObject({ reasons: { refused: 1 } });
  });

  it("keeps the newest when nothing can be sent, and counts the others", async () => {
    const small = open({ limits: { eventsMax: 10 } });
    gateway.target(null);
    for (let count = 0; count < 25; count++)
      small.track({ userId: "ana", event: "Cart Viewed", messageId: `m${count}` });
    const { undelivered, dropped } = await small.close({ timeoutMs: 50 });
    expect([undelivered.length, dropped]).toEqual([10, 15]);
    expect(undelivered.at(-1)?.messageId).toBe("m24");
  });

  it("decides with the events that wait, and never rejects", async () => {
    for (let count = 0; count < 3; count++) view();
    const { homeBanner } = await freshet.decide({ userId: "ana" }, ["homeBanner"], {
      timeoutMs: 5000,
    });
    expect(homeBanner).toMatchObject({ variant: "categoryLover", reason: "eligible" });
    expect(await freshet.flush()).toEqual(nothing);
    await applied(3);
    gateway.target(null);
    const fallback = { homeBanner: { title: "Own" } };
    expect(
      await freshet.decide({ userId: "ana" }, ["homeBanner"], { fallback, timeoutMs: 5000 }),
    ).toEqual({
      homeBanner: { variant: null, content: { title: "Own" }, reason: "unreachable" },
    });
  });
});

it("does what the guide shows", async () => {
  const place = { url: gateway.url, writeKey };
  const client = guide.open(place);
  guide.order(client, "ana", 64);
  expect(await guide.handler(client, "ana")).toMatchObject({
    banner: { title: "Welcome back, friend" },
  });
  expect(await guide.shutDown(client)).toBe(0);
  await applied(2);
});

/** A server that answers what it is told, to see what the client does then. */
async function withAnswers(
  answers: (count: number) => { status: number; headers?: Record<string, string> },
  use: (url: string, asked: number[]) => Promise<void>,
): Promise<void> {
  const asked: number[] = [];
  const other: Server = createServer((request, response) => {
    asked.push(performance.now());
    const { status, headers } = answers(asked.length);
    request.resume().on("end", () => {
      response.writeHead(status, headers);
      response.end(JSON.stringify({ success: status === 200 }));
    });
  });
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  try {
    await use(`http://127.0.0.1:${(other.address() as AddressInfo).port}`, asked);
  } finally {
    other.closeAllConnections();
    other.close();
  }
}

describe("an answer that asks to come back later", () => {
  it("is heeded to the second", () =>
    withAnswers(
      (count) => (count === 1 ? { status: 429, headers: { "retry-after": "2" } } : { status: 200 }),
      async (url, asked) => {
        const patient = new Freshet({ url, writeKey });
        patient.track({ userId: "ana", event: "Cart Viewed" });
        expect(await patient.flush()).toEqual(nothing);
        expect(asked).toHaveLength(2);
        expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(2000);
      },
    ));

  it("of 413 splits the batch", () =>
    withAnswers(
      (count) => ({ status: count <= 2 ? 413 : 200 }),
      async (url, asked) => {
        const split = new Freshet({ url, writeKey });
        for (let count = 0; count < 8; count++)
          split.track({ userId: "ana", event: "Cart Viewed" });
        expect(await split.flush()).toEqual(nothing);
        // 8, 4, then 2, and the 6 that are left.
        expect(asked).toHaveLength(4);
      },
    ));
});

const sdk = fileURLToPath(new URL("../dist/node/index.js", import.meta.url));

/** Runs a program to its natural end; fails when it does not end. */
function runProgram(code: string): Promise<string> {
  const program = `import { Freshet } from ${JSON.stringify(sdk)};
    const freshet = new Freshet({ url: ${JSON.stringify(gateway.url)}, writeKey: "${writeKey}" });
    const track = () => freshet.track({ userId: "ana", event: "Cart Viewed" });
    ${code}`;
  const args = ["--input-type=module", "--eval", program];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { timeout: 20_000 }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
  });
}

describe("a process that ends", () => {
  it("sends what waits first", async () => {
    await runProgram("track(); track();");
    await applied(2);
  });

  it("is not kept alive by a client that has nothing to send", async () => {
    const out = await runProgram(
      `track(); await freshet.flush();
       console.log(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length);`,
    );
    expect(out.trim()).toBe("0");
    await applied(1);
  });

  it("ends after close, whatever is undelivered", async () => {
    gateway.target(null);
    const out = await runProgram(
      "track(); const { undelivered } = await freshet.close({ timeoutMs: 200 }); console.log(undelivered.length);",
    );
    expect(out.trim()).toBe("1");
  });

  it("may be a function that is frozen between calls", async () => {
    const out = await runProgram(
      `for (let call = 0; call < 3; call++) { track(); const { undelivered } = await freshet.flush(); console.log(undelivered.length); }`,
    );
    expect(out.trim().split("\n")).toEqual(["0", "0", "0"]);
    await applied(3);
  });
});
