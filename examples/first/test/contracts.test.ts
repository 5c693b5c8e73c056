import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Freshet, settingsOf, startFreshet } from "freshet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import config from "../contracts.config.ts";

const folder = dirname(dirname(fileURLToPath(import.meta.url)));
const data = mkdtempSync(join(tmpdir(), "freshet-contracts-"));

let freshet: Freshet;
beforeAll(async () => {
  const merged = { ...config, plan: join(folder, "contracts.plan.ts"), port: 0, data };
  freshet = await startFreshet({
    settings: settingsOf({ ...merged, logLevel: "silent" }, folder, {}),
  });
});
afterAll(async () => {
  await freshet.close();
  rmSync(data, { recursive: true, force: true });
});

let ids = 0;

async function send(name: string, metadata: object, more: object = {}, key = freshet.writeKey) {
  const event = { event_id: `e${ids++}`, event_type: name, user_id: "ana", metadata, ...more };
  const answer = await fetch(`${freshet.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${key}:`)}` },
    body: JSON.stringify(event),
  });
  const body = (await answer.json()) as {
    readonly error?: { readonly code: string; readonly message: string };
    readonly receipt: string;
  };
  return { id: event.event_id, error: body.error, receipt: body.receipt };
}

async function features(receipt: string) {
  const answer = await fetch(`${freshet.url}/v1/profiles/ana?atLeast=${receipt}`, {
    headers: { authorization: `Bearer ${freshet.secretKey}` },
  });
  return ((await answer.json()) as { readonly features: object }).features;
}

describe("the plan with contracts", () => {
  it("takes what meets a schema of each language, and old versions beside the new one", async () => {
    await send("Email Opened", { campaign: "may", client: "phone" });
    await send("Device Moved", { device: "d1", mode: "ride" });
    await send("Shipped", { carrier: "post", parcels: 2 });
    await send("Paid", { price: 2.5, quantity: 2 });
    await send("Paid", { total: 7, country: "US" }, { schema_version: 2 });
    const { receipt } = await send("Paid", { total: 3, currency: "EUR" });
    expect(await features(receipt)).toMatchObject({
      ...{ opens: 1, opensOnPhones: 1, mode: "ride", parcels: 2 },
      ...{ spend: 15, country: "US", dollars: 1 },
    });
  });

  it("says what is wrong with what does not", async () => {
    const wrong = [
      await send("Email Opened", { campaign: "May!" }),
      await send("Device Moved", { device: "d1", mode: "fly" }),
      await send("Shipped", { parcels: "two" }),
      await send("Paid", { currency: "EUR" }),
    ];
    expect(wrong.map(({ error }) => error?.code)).toEqual(Array(4).fill("contractViolated"));
    expect(wrong[0]?.error?.message).toContain('"campaign" must match pattern');
    expect(wrong[3]?.error?.message).toContain('event "Paid" (version 3): "total"');
  });

  it("does with it what its source says", async () => {
    const broken = { total: "much", currency: "EUR" };
    const marked = await send("Paid", broken, {}, "wk_legacy");
    expect(marked.error).toBeUndefined();
    await features(marked.receipt);
    const journey = freshet.engine.journey(marked.id);
    expect(journey?.steps).toContainEqual(
      expect.objectContaining({ stage: "contractBroken", schema: "Paid@3" }),
    );
    expect((await send("Paid", broken, {}, "wk_partner")).error?.code).toBe("contractViolated");
    expect((await send("Payd", broken, {}, "wk_partner")).error?.code).toBe("eventUnknown");
    expect((await send("Payd", broken)).error).toBeUndefined();
  });
});
