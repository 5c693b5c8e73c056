/** The correction that docs/operating/dead-letters.md shows. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Freshet, settingsOf, startFreshet } from "freshet";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readProfile } from "../client.ts";
import { correctMany, correctOne, tryCorrection } from "../dead-letters.ts";
import config from "../freshet.config.ts";

const folder = dirname(dirname(fileURLToPath(import.meta.url)));
const correction = JSON.parse(readFileSync(join(folder, "changes.json"), "utf8"));
let data: string;
let freshet: Freshet;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "freshet-letters-"));
  const merged = { ...config, port: 0, data, logLevel: "silent" as const };
  freshet = await startFreshet({ settings: settingsOf(merged, folder, {}) });
});
afterEach(async () => {
  await freshet.close();
  rmSync(data, { recursive: true, force: true });
});

/** An app that names its product wrongly. */
async function breakViews(): Promise<void> {
  const batch = [41, 42, { no: "number" }].map((productId, index) => ({
    ...{ type: "track", event: "Product Viewed", messageId: `m${index}`, userId: "ana" },
    properties: { productId },
  }));
  const authorization = `Basic ${btoa(`${freshet.writeKey}:`)}`;
  const body = JSON.stringify({ batch });
  await fetch(`${freshet.url}/v1/batch`, { method: "POST", headers: { authorization }, body });
  await freshet.engine.drain();
}

const valuesOf = async () =>
  (await readProfile(freshet, "ana", freshet.engine.latestReceipt())).features;

it("mends what many clients sent, after trying it", async () => {
  await breakViews();
  const tried = await tryCorrection(freshet, correction);
  expect(tried).toMatchObject({ matched: 3, wouldPass: 2 });
  expect(tried.refusals).toMatchObject([{ code: "contractViolated" }]);
  expect(tried.examples[0]).toMatchObject({
    before: { properties: { productId: 41 } },
    after: { properties: { product_id: "41", category: "Ceramics" } },
  });
  expect(await correctMany(freshet, correction)).toMatchObject({ status: "done", applied: 2 });
  expect(await correctMany(freshet, correction)).toMatchObject({ status: "done", applied: 0 });
  expect(await valuesOf()).toMatchObject({ views: 2, lastCategory: "Ceramics" });
});

it("mends the one that is left by hand", async () => {
  await breakViews();
  const [letter] = freshet.engine.deadLetters.ofMessage("m2");
  const event = { type: "track", event: "Product Viewed", userId: "ana" };
  await expect(correctOne(freshet, `${letter?.offset}`, event)).rejects.toThrow("product_id");
  const mended = { ...event, properties: { product_id: "43" } };
  expect(await correctOne(freshet, `${letter?.offset}`, mended)).toBe("applied");
  expect(await valuesOf()).toMatchObject({ views: 1 });
});
