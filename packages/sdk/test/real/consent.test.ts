/** Consent, and what browsers ask for on their visitor's behalf. */
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { closeBrowser, openWorld, run, tag, track, type World } from "./support/world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());
afterAll(closeBrowser);

const stored = "Object.keys(localStorage).sort()";
const required = 'data-auto="false" data-require-consent';

describe("where consent is required", () => {
  beforeEach(() => world.site.page("/", tag(world, required)));

  it("nothing is sent, stored or decided before it, and all of it after", async () => {
    const page = await world.open();
    await track(page, 3);
    await page.waitForTimeout(800);
    expect(await run(page, stored)).toEqual([]);
    expect(world.batches()).toEqual([]);
    expect(
      await run(page, 'freshet.decide(["homeBanner"], { fallback: { homeBanner: 1 } })'),
    ).toEqual({
      homeBanner: { variant: null, content: 1, reason: "consent" },
    });
    await run(page, "freshet.consent({ analytics: true, marketing: false }); freshet.flush()");
    await world.applied(3);
    for (const { context } of world.events())
      expect(context.consent).toEqual({
        categoryPreferences: { analytics: true, marketing: false },
      });
    expect(await run(page, stored)).toContain("freshet.visitor");
    const next = await world.open();
    await track(next, 1);
    await world.applied(4);
  });

  it("said in one tab, it holds in the others, and what waited there goes too", async () => {
    const [one, other] = [await world.open(), await world.open()];
    await run(
      other,
      `product = { product_id: "cer-01" }; freshet.track("Product Viewed", product); product.product_id = 5;
       loop = {}; loop.loop = loop; freshet.track("Loop", loop);
       freshet.track("Product Viewed", { product_id: "cer-02" })`,
    );
    await run(one, "freshet.consent({ analytics: true })");
    await world.applied(2);
    expect(await run(other, "freshet.status()")).toMatchObject({
      delivered: 2,
      reasons: { invalid: 1 },
    });
    await run(one, "freshet.consent({ analytics: false })");
    await expect.poll(() => run(other, stored)).toEqual(["freshet.consent"]);
    await track(other, 1);
    expect(await run(other, "freshet.status()")).toMatchObject({ reasons: { withdrawn: 1 } });
  });

  it("what waited is dropped and counted when it is refused, also for pages that come", async () => {
    const page = await world.open();
    await track(page, 3);
    await run(page, "freshet.consent({ analytics: false })");
    await track(page, 1);
    const reasons = { withdrawn: 4 };
    expect(await run(page, "freshet.status()")).toMatchObject({ taken: 4, dropped: 4, reasons });
    const next = await world.open();
    await track(next, 2);
    await next.waitForTimeout(800);
    expect(world.batches()).toEqual([]);
    expect(await run(next, stored)).toEqual(["freshet.consent"]);
  });
});

it("refused on a later visit, the visitor of the earlier one is forgotten", async () => {
  world.site.page("/", tag(world));
  await track(await world.open(), 1);
  await world.applied(1);
  world.site.page("/", tag(world, required));
  const page = await world.open();
  expect(await run(page, stored)).toEqual(["freshet.visitor"]);
  await run(page, "freshet.consent({ analytics: false })");
  expect(await run(page, stored)).toEqual(["freshet.consent"]);
});

it("taken back, nothing of the visitor stays, and what waited is not sent", async () => {
  world.site.page("/", tag(world));
  const page = await world.open();
  await track(page, 1);
  await run(page, "freshet.flush()");
  world.gateway.target(null);
  await track(page, 2);
  await run(page, "freshet.consent({ analytics: false })");
  world.gateway.target(world.server().port);
  await page.waitForTimeout(1500);
  await world.applied(1);
  expect(await run(page, stored)).toEqual(["freshet.consent"]);
});

it.each([
  ["globalPrivacyControl", true],
  ["doNotTrack", "1"],
])("%s is honoured where the site says so, until the visitor consents", async (signal, value) => {
  await world.context.addInitScript(
    `Object.defineProperty(navigator, "${signal}", { value: ${JSON.stringify(value)} })`,
  );
  world.site.page("/", tag(world, 'data-auto="false" data-honour-privacy-signals'));
  const page = await world.open();
  await track(page, 2);
  await page.waitForTimeout(700);
  expect(world.batches()).toEqual([]);
  await run(page, "freshet.consent({ analytics: true })");
  await track(page, 1);
  await world.applied(1);
  world.site.page("/ignored", tag(world));
  const other = await world.newContext();
  const ignoring = await world.open("/ignored", other);
  await track(ignoring, 1);
  await world.applied(2);
});
