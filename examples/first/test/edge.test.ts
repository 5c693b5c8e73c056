import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Freshet, settingsOf, startFreshet } from "freshet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import config from "../edge.config.ts";
import { identityToken, sendAs } from "../identity.ts";

const folder = dirname(dirname(fileURLToPath(import.meta.url)));
const data = mkdtempSync(join(tmpdir(), "freshet-edge-"));
const secret = "not a secret, make your own of 32 bytes";
const phone =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";

let freshet: Freshet;
beforeAll(async () => {
  const merged = { ...config, plan: join(folder, "edge.plan.ts"), port: 0, data };
  freshet = await startFreshet({
    settings: settingsOf({ ...merged, logLevel: "silent" }, folder, {}),
  });
});
afterAll(async () => {
  await freshet.close();
  rmSync(data, { recursive: true, force: true });
});

let ids = 0;
const view = (changes: object) => ({
  ...{ event_id: `e${ids++}`, event_type: "Product Viewed", metadata: { product_id: "p1" } },
  ...changes,
});

async function send(writeKey: string, event: object, headers: Record<string, string> = {}) {
  const answer = await fetch(`${freshet.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${writeKey}:`)}`, "user-agent": phone, ...headers },
    body: JSON.stringify(event),
  });
  const body = (await answer.json()) as { error?: { code: string }; receipt: string };
  return { status: answer.status, code: body.error?.code, receipt: body.receipt };
}

async function profileOf(id: string, receipt: string) {
  const answer = await fetch(`${freshet.url}/v1/profiles/${id}?atLeast=${receipt}`, {
    headers: { authorization: `Bearer ${freshet.secretKey}` },
  });
  return (await answer.json()) as { profileId: string; features: object };
}

describe("the sources of the example", () => {
  it("find out the device, keep bots out of features, and hash user ids for all", async () => {
    await send(freshet.writeKey, view({ user_id: "ana" }), { "user-agent": "Googlebot/2.1" });
    const { receipt } = await send(freshet.writeKey, view({ user_id: "ana" }));
    const profile = await profileOf("ana", receipt);
    expect(profile.features).toEqual({ views: 1, viewsOnPhones: 1 });
    expect(profile.profileId).toMatch(/^user:[0-9a-f]{8}:[0-9a-f]{64}$/);
    expect(JSON.stringify(freshet.engine.profile(profile.profileId))).not.toContain("ana");
  });

  it("refuse bots and pages of others at the shop", async () => {
    const event = view({ anonymous_id: "a1" });
    for (const agent of ["Googlebot/2.1", "ShopMonitor/3", "PriceCheck/1"])
      expect((await send("wk_shop", event, { "user-agent": agent })).code).toBe("botRefused");
    const other = await send("wk_shop", event, { origin: "https://evil.example" });
    expect(other).toMatchObject({ status: 401, code: "originForbidden" });
    const own = await send("wk_shop", event, { origin: "https://www.shop.example" });
    expect(own.status).toBe(200);
  });

  it("limit what one address may send to the shop", async () => {
    const events = Array.from({ length: 200 }, (_, at) => view({ anonymous_id: `a${at}` }));
    // What the tests before have taken from the burst decides which of them it is.
    const answers = [await send("wk_shop", events), await send("wk_shop", events)];
    expect(answers).toContainEqual(expect.objectContaining({ status: 429, code: "rateLimited" }));
  });

  it("ask the app for consent, and keep nothing of what it may not keep", async () => {
    const secretText = "zqxj@shop.example";
    const context = (analytics: boolean) => ({
      context: { consent: { categoryPreferences: { analytics } } },
    });
    const event = { metadata: { product_id: "p1", email: secretText, phone: secretText } };
    const refused = await send("wk_app", view({ user_id: "u2", ...event, ...context(false) }));
    expect(refused.code).toBe("consentMissing");
    const taken = view({ user_id: "u2", ...event, ...context(true) });
    expect((await send("wk_app", taken)).status).toBe(200);
    const offset = freshet.engine.journey(taken.event_id)?.offset ?? -1;
    const record = freshet.engine.record(offset);
    expect(record?.kind === "event" && record.event.properties).toEqual({
      ...{ product_id: "p1", email: "z***@shop.example" },
      phone: expect.stringMatching(/^[0-9a-f]{8}:[0-9a-f]{64}$/),
    });
    expect(record?.kind === "event" && record.event.context).toMatchObject({
      ...{ ip: "127.0.0.0", device: { class: "mobile" } },
      consent: { categoryPreferences: { analytics: true, marketing: false } },
    });
  });

  it("believe a user id of the account only with its token", async () => {
    const who = { user_id: "u3", anonymous_id: "a3" };
    const token = await identityToken("u3", secret);
    const proven = await sendAs(freshet.url, "wk_account", token, view(who));
    expect(proven.status).toBe(200);
    const unproven = view({ ...who, user_id: "u4" });
    expect((await sendAs(freshet.url, "wk_account", token, unproven)).status).toBe(200);
    const journey = freshet.engine.journey(unproven.event_id);
    const record = freshet.engine.record(journey?.offset ?? -1);
    expect(record?.kind === "event" && record.event).toMatchObject({
      ...{ anonymousId: "a3", notes: expect.arrayContaining(["identityRemoved"]) },
    });
    expect(record?.kind === "event" && record.event.userId).toBeUndefined();
  });
});
