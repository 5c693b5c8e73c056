/** The ways in that the guides show, against a server of their own each. */
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Freshet, settingsOf, startFreshet } from "freshet";
import { afterEach, describe, expect, it } from "vitest";
import { readProfile } from "../client.ts";
import { emitView } from "../cloudevents.ts";
import { pixelUrl } from "../pixel.ts";
import { EventSocket } from "../socket.ts";

const folder = dirname(dirname(fileURLToPath(import.meta.url)));
const cleaners: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const clean of cleaners.splice(0).reverse()) await clean();
});

async function start(
  configuration: string,
  { data = mkdtempSync(join(tmpdir(), "freshet-ways-")), port = 0 } = {},
): Promise<Freshet> {
  cleaners.push(() => rmSync(data, { recursive: true, force: true }));
  const { default: config } = await import(join(folder, configuration));
  const merged = { ...config, port, data, logLevel: "silent" };
  const freshet = await startFreshet({ settings: settingsOf(merged, folder, {}) });
  cleaners.push(() => freshet.close());
  return freshet;
}

const view = { event_type: "Product Viewed", user_id: "ana", metadata: { product_id: "p1" } };
const viewsOf = async (freshet: Freshet) => {
  const { features } = await readProfile(freshet, "ana", freshet.engine.latestReceipt());
  return features["views"];
};

describe("the socket", () => {
  it("sends in order and resolves when the events are on disk", async () => {
    const freshet = await start("freshet.config.ts");
    const socket = new EventSocket(freshet);
    cleaners.push(() => socket.close());
    const receipts = await Promise.all([1, 2, 3].map(() => socket.send([view, view])));
    const { features } = await readProfile(freshet, "ana", receipts[2] ?? "");
    expect(features["views"]).toBe(6);
  });

  it("goes on after the server was away, without losing or doubling anything", async () => {
    const data = mkdtempSync(join(tmpdir(), "freshet-ways-"));
    const first = await start("freshet.config.ts", { data });
    const socket = new EventSocket(first);
    cleaners.push(() => socket.close());
    await socket.send([view]);
    await first.close();
    const waiting = Promise.all([socket.send([view]), socket.send([view])]);
    const second = await start("freshet.config.ts", {
      data,
      port: Number(new URL(first.url).port),
    });
    await waiting;
    expect(await viewsOf(second)).toBe(3);
  });

  it("says which message can never be kept, and goes on with the next", async () => {
    const freshet = await start("freshet.config.ts");
    const socket = new EventSocket(freshet);
    cleaners.push(() => socket.close());
    const tooMany = socket.send(Array.from({ length: 10_001 }, () => ({})));
    await expect(tooMany).rejects.toThrow("10001 events");
    await socket.send([view]);
    expect(await viewsOf(freshet)).toBe(1);
  });
});

describe("other ways", () => {
  it("takes a CloudEvent from the SDK of CloudEvents", async () => {
    const freshet = await start("freshet.config.ts");
    await emitView(freshet, "ana", "e1");
    await emitView(freshet, "ana", "e1");
    expect(await viewsOf(freshet)).toBe(1);
  });

  it("counts a pixel", async () => {
    const freshet = await start("freshet.config.ts");
    const answer = await fetch(pixelUrl(freshet, "ana"));
    expect(answer.headers.get("content-type")).toBe("image/gif");
    expect(await viewsOf(freshet)).toBe(1);
  });
});

describe("the hooks", () => {
  const now = () => String(Math.floor(Date.now() / 1000));
  const hmac = (key: string, text: string) => createHmac("sha256", key).update(text).digest("hex");
  const deliver = (url: string, body: string, headers: Record<string, string>) =>
    fetch(url, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", ...headers },
    });

  it("turn a checkout into an order and views", async () => {
    const freshet = await start("hooks.config.ts");
    const object = {
      id: "cs_1",
      client_reference_id: "ana",
      amount_total: 4250,
      currency: "eur",
      metadata: { products: [{ sku: "p1" }, { sku: "p2" }] },
    };
    const type = "checkout.session.completed";
    const body = JSON.stringify({ id: "evt_1", type, created: 1_777_888_999, data: { object } });
    const time = now();
    const signature = `t=${time},v1=${hmac("whsec_made_up", `${time}.${body}`)}`;
    const url = `${freshet.url}/v1/hooks/stripe`;
    for (let attempt = 0; attempt < 2; attempt++) {
      const answer = await deliver(url, body, { "stripe-signature": signature });
      expect(await answer.json()).toMatchObject({ accepted: 3, rejected: [] });
    }
    const { features } = await readProfile(freshet, "ana", freshet.engine.latestReceipt());
    expect(features).toMatchObject({ orders: 1, spendCents: 4250 });
    const forged = await deliver(url, body.replace("4250", "9999"), {
      "stripe-signature": signature,
    });
    expect(forged.status).toBe(401);
  });

  it("run a function, and keep what it cannot read", async () => {
    const freshet = await start("hooks.config.ts");
    const send = async (payload: object) => {
      const body = JSON.stringify(payload);
      const time = now();
      const answer = await deliver(`${freshet.url}/v1/hooks/tickets`, body, {
        "x-tickets-signature": `v0=${hmac("made up", `v0:${time}:${body}`)}`,
        "x-tickets-timestamp": time,
      });
      return answer.json();
    };
    const open = { delivery: "d1", ticket: { customer: "ana", state: "open" } };
    expect(await send(open)).toMatchObject({ accepted: 1 });
    expect(await send({ delivery: "d2", ticket: { state: "closed" } })).toMatchObject({
      accepted: 0,
      rejected: [],
    });
    expect(await send({ delivery: "d3" })).toMatchObject({
      rejected: [{ code: "hookMapFailed", message: expect.stringContaining("undefined") }],
    });
  });
});
