/** What happens to events while there is no network, when a page ends, and when tabs share a browser. */
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  anonymousId,
  closeBrowser,
  openWorld,
  run,
  tag,
  track,
  type World,
} from "./support/world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
  world.site.page("/", tag(world));
});
afterEach(() => world.close());
afterAll(closeBrowser);

const storedEvents = "Object.keys(localStorage).filter((key) => key.startsWith('freshet:')).length";

describe("events without a server", () => {
  it("survive a reload, and count once when it is back", async () => {
    const page = await world.open();
    await track(page, 2);
    await run(page, "freshet.flush()");
    await world.kill();
    await track(page, 3);
    expect(await run(page, storedEvents)).toBe(3);
    await world.site.page("/again", "");
    // The script comes from the server too, so the page that is loaded meanwhile has none.
    await page.goto(`${world.site.url}/again`);
    await world.start();
    await page.goto(`${world.site.url}/`);
    await world.applied(5);
    expect((await world.features(`anon:${await anonymousId(page)}`)).productViews).toBe(5);
    await expect.poll(() => run(page, storedEvents)).toBe(0);
  });

  it("are sent at once when the browser finds a network again", async () => {
    const page = await world.open();
    await world.context.setOffline(true);
    await track(page, 60);
    await page.waitForTimeout(1500);
    expect((await world.counts()).applied).toBe(0);
    await world.context.setOffline(false);
    await world.applied(60);
  });

  it("have the same id and time on each attempt, and another moment of sending", async () => {
    const page = await world.open();
    const lost = world.gateway.loseAnswers(/^POST \/v1\/batch/);
    await track(page, 3);
    await lost;
    world.gateway.target(world.server().port);
    await run(page, "freshet.flush()");
    await world.applied(3);
    expect((await world.counts()).duplicate).toBeGreaterThanOrEqual(3);
    const sentAt = new Set(world.batches().map((batch) => batch.sentAt));
    const events = new Set(world.batches().map(({ batch }) => JSON.stringify(batch)));
    expect(world.batches().length).toBeGreaterThan(1);
    expect([sentAt.size, events.size]).toEqual([world.batches().length, 1]);
  });

  it("count once through a server that is killed again and again", async () => {
    const page = await world.open();
    for (let round = 0; round < 3; round++) {
      await track(page, 40);
      await page.waitForTimeout(520);
      await world.kill();
      await track(page, 10);
      await world.start();
    }
    await run(page, "freshet.flush()");
    await world.applied(150);
  });
});

describe("a page that ends", () => {
  it("loses nothing, though nobody comes back", async () => {
    const page = await world.open();
    await run(
      page,
      `for (let i = 0; i < 40; i++) freshet.track("Product Viewed", { product_id: "cer-01" });
       location.href = "about:blank"`,
    );
    await world.applied(40);
  });

  it("loses nothing of what is too much to be sent then, when somebody comes back", async () => {
    const page = await world.open();
    await run(
      page,
      `for (let i = 0; i < 130; i++) freshet.track("Product Viewed", { product_id: "cer-01", text: "x".repeat(2000) });
       location.href = "about:blank"`,
    );
    await page.waitForURL("about:blank");
    await expect.poll(async () => (await world.counts()).applied).toBeGreaterThan(0);
    await page.waitForTimeout(500);
    expect((await world.counts()).applied).toBeLessThan(130);
    await page.goto(world.site.url);
    await world.applied(130);
  });

  it("sends when it is hidden, as phones do before they end it", async () => {
    // Nothing else would send it during this test.
    world.site.page(
      "/",
      `<script>freshetOptions = { limits: { lingerMs: 600000 } }</script>${tag(world)}`,
    );
    const page = await world.open();
    await run(
      page,
      `Object.defineProperty(document, "visibilityState", { value: "hidden" });
       freshet.track("Product Viewed", { product_id: "cer-01" });
       document.dispatchEvent(new Event("visibilitychange"))`,
    );
    await world.applied(1);
  });

  it("leaves its events to another tab when it is closed without a network", async () => {
    const [gone, stays] = [await world.open(), await world.open()];
    world.gateway.target(null);
    await track(gone, 3);
    await track(stays, 2);
    await gone.close();
    world.gateway.target(world.server().port);
    await world.applied(5);
    await expect.poll(() => run(stays, storedEvents)).toBe(0);
  });

  it("leaves them where there are no locks, once it was silent for long enough", async () => {
    await world.context.addInitScript(
      'Object.defineProperty(navigator, "locks", { value: undefined })',
    );
    const gone = await world.open();
    world.gateway.target(null);
    await track(gone, 3);
    await run(
      gone,
      `for (const key of Object.keys(localStorage))
         if (key.endsWith(":beat")) localStorage.setItem(key, String(Date.now() - 200000))`,
    );
    await gone.close();
    world.gateway.target(world.server().port);
    await world.open();
    await world.applied(3);
  });
});

describe("several tabs", () => {
  it("send each its own, all of it, once", async () => {
    const first = await world.open();
    const id = await anonymousId(first);
    const others = await Promise.all(Array.from({ length: 3 }, () => world.open()));
    await Promise.all([first, ...others].map((page) => track(page, 75)));
    await world.applied(300);
    expect((await world.features(`anon:${id}`)).productViews).toBe(300);
    expect((await world.counts()).duplicate).toBe(0);
  });

  it("throw out what somebody else wrote under their keys", async () => {
    const page = await world.open();
    await run(
      page,
      `localStorage.setItem("freshet:wk_process_test:stranger:1", "no json");
       localStorage.setItem("freshet:wk_process_test:stranger:2", "{}");
       localStorage.setItem("freshet.visitor", "[]"); localStorage.setItem("freshet.consent", "{")`,
    );
    const next = await world.open();
    await track(next, 1);
    await world.applied(1);
    await expect.poll(() => run(next, storedEvents)).toBe(0);
  });
});

describe("a browser that refuses storage", () => {
  it("captures as long as the page lives, and sends what waits when it ends", async () => {
    // A sandboxed page has no origin, and so neither storage, nor cookies, nor locks.
    world.site.page("/", tag(world), { "content-security-policy": "sandbox allow-scripts" });
    const page = await world.open();
    expect(
      await run(page, "(() => { try { return !!localStorage } catch { return 'refused' } })()"),
    ).toBe("refused");
    const id = await anonymousId(page);
    expect(await anonymousId(page)).toBe(id);
    await track(page, 2);
    await run(page, "freshet.flush()");
    await run(
      page,
      'freshet.track("Product Viewed", { product_id: "cer-01" }); location.href = "about:blank"',
    );
    await world.applied(3);
    expect((await world.features(`anon:${id}`)).productViews).toBe(3);
  });

  it("remembers in a cookie where the site asks for one", async () => {
    await world.context.addInitScript(
      'Object.defineProperty(window, "localStorage", { get() { throw new Error("refused") } })',
    );
    world.site.page("/", `<script>freshetOptions = { cookie: {} }</script>${tag(world)}`);
    const first = await anonymousId(await world.open());
    expect(await anonymousId(await world.open())).toBe(first);
    expect((await world.context.cookies()).map(({ name }) => name)).toContain("freshet.visitor");
  });
});
