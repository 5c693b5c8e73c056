/** Decisions in a page: what they know, what happens when the server is slow, and that nothing flickers. */
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { ask, secret } from "../../../freshet/test/process/support/client.ts";
import { openSlow, type SlowProxy } from "./support/slow.ts";
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
let slow: SlowProxy;
beforeEach(async () => {
  world = await openWorld();
  slow = await openSlow(world.server().port);
});
afterEach(async () => {
  await slow.close();
  await world.close();
});
afterAll(closeBrowser);

/** The script is fetched directly, so that only what it asks for is slow. */
const slowTag = (attributes = 'data-auto="false"') =>
  tag(world, `data-url="${slow.url}" ${attributes}`);

/** A budget that no busy machine uses up. */
const patientTag = () => tag(world, 'data-auto="false" data-decide-ms="20000"');

interface Decided {
  readonly variant: string | null;
  readonly content: { readonly title?: string } | null;
  readonly reason: string;
}
const decide = (page: Page, options = "{ timeoutMs: 20000 }") =>
  run<{ readonly homeBanner: Decided }>(page, `freshet.decide(["homeBanner"], ${options})`).then(
    ({ homeBanner }) => homeBanner,
  );
const views = `for (let i = 0; i < 3; i++) freshet.track("Product Viewed", { product_id: "cer-01" });`;

describe("decide()", () => {
  it("knows of the events that were captured right before, and they count once", async () => {
    world.site.page("/", tag(world));
    const page = await world.open();
    const { homeBanner } = await run<{ readonly homeBanner: Decided }>(
      page,
      `${views} freshet.decide(["homeBanner"], { timeoutMs: 5000 })`,
    );
    expect(homeBanner).toMatchObject({ variant: "categoryLover", reason: "eligible" });
    expect(homeBanner.content?.title).toBe("More Ceramics for you");
    await world.applied(3);
    expect((await world.counts()).duplicate).toBe(0);
  });

  it("knows of those that are under way", async () => {
    world.site.page("/", tag(world));
    const page = await world.open();
    await run(page, `${views} void freshet.flush()`);
    expect(await decide(page)).toMatchObject({ variant: "categoryLover" });
    await world.applied(3);
  });

  it("asks once a page view, and again for another view or another visitor", async () => {
    world.site.page("/", tag(world));
    const page = await world.open();
    let asked = 0;
    page.on("request", (request) => {
      if (request.url().endsWith("/v1/decide")) asked++;
    });
    await decide(page);
    await track(page, 3);
    expect(await decide(page)).toMatchObject({ variant: "fallback" });
    expect(asked).toBe(1);
    expect(await decide(page, "{ timeoutMs: 5000, fresh: true }")).toMatchObject({
      variant: "categoryLover",
    });
    await run(page, "freshet.page()");
    await decide(page);
    await run(page, "freshet.reset()");
    expect(await decide(page)).toMatchObject({ variant: "fallback" });
    expect(asked).toBe(4);
  });

  it("gives the fallback after its budget, and the answer to whoever asks later", async () => {
    world.site.page("/", slowTag());
    const page = await world.open();
    slow.delay(1500);
    const early = await run<{ readonly homeBanner: Decided }>(
      page,
      `${views} freshet.decide(["homeBanner"], { timeoutMs: 100, fallback: { homeBanner: { title: "Own" } } })`,
    );
    expect(early.homeBanner).toEqual({
      variant: null,
      content: { title: "Own" },
      reason: "timeout",
    });
    expect(await decide(page)).toMatchObject({ variant: "categoryLover" });
    await world.applied(3);
  });

  it("never rejects: without a server, for an unknown placement, with another key", async () => {
    world.site.page("/", slowTag());
    const page = await world.open();
    const unknown = 'freshet.decide(["homeBaner"], { timeoutMs: 5000 })';
    expect(await run(page, unknown)).toEqual({
      homeBaner: { variant: null, content: null, reason: "refused" },
    });
    await track(page, 1);
    await run(page, unknown);
    await world.applied(1);
    await slow.close();
    expect(await decide(page)).toMatchObject({ variant: null, reason: "unreachable" });
  });
});

/** Every moment at which the element could be seen, as the page itself sees it: before each frame is drawn. */
const watch = `<script>
  seen = [];
  const look = () => {
    const element = document.getElementById("banner");
    if (element && getComputedStyle(element).visibility === "visible") {
      const text = element.innerText;
      if (seen.at(-1)?.text !== text) seen.push({ text, at: performance.now() });
    }
    requestAnimationFrame(look);
  };
  look();
</script>`;
const banner = `<div id="banner" data-freshet-placement="homeBanner"><b data-freshet-text="title">Of the page</b></div>`;
/** What was seen until a moment after the first of it. */
async function shown(page: Page, ms = 400): Promise<readonly { text: string; at: number }[]> {
  await page.waitForFunction("seen.length > 0");
  await page.waitForTimeout(ms);
  return run(page, "seen");
}

describe("a placement of the page", () => {
  it("is filled before it is seen", async () => {
    world.site.page("/", `${patientTag()}${watch}${banner}`);
    const page = await world.open();
    await page.locator("[data-freshet-variant=fallback]").waitFor();
    expect((await shown(page)).map(({ text }) => text)).toEqual(["Things made to last"]);
  });

  it("is what the page has when the answer is late, and stays that", async () => {
    world.site.page("/", `${slowTag()}${watch}${banner}`);
    slow.delay(1200);
    const page = await world.open();
    const [first, ...more] = await shown(page, 2000);
    expect(first?.text).toBe("Of the page");
    expect(more).toEqual([]);
    // Not before the budget; how long after is up to the machine.
    expect(first?.at).toBeGreaterThan(300);
  });

  it("is decided when a single-page app puts it in", async () => {
    world.site.page("/", `${patientTag()}${watch}`);
    const page = await world.open();
    await run(page, `document.body.insertAdjacentHTML("beforeend", ${JSON.stringify(banner)})`);
    await page.getByText("Things made to last").waitFor();
    expect((await shown(page)).map(({ text }) => text)).toEqual(["Things made to last"]);
  });

  it("takes no address that runs a script", async () => {
    world.site.page(
      "/",
      `${patientTag()}<a id="link" data-freshet-placement="homeBanner" data-freshet-href="title" href="/own">x</a>`,
    );
    await world.context.route("**/v1/decide", (route) =>
      route.fulfill({
        json: {
          decisions: {
            homeBanner: {
              variant: "v",
              reason: "eligible",
              content: { title: "javascript:alert(1)" },
            },
          },
        },
        headers: { "access-control-allow-origin": "*" },
      }),
    );
    const page = await world.open();
    await page.locator("[data-freshet-variant=v]").waitFor();
    expect(await page.locator("#link").getAttribute("href")).toBe("/own");
  });
});

describe("subscribe()", () => {
  const follow = `shown = []; stop = freshet.subscribe("homeBanner", ({ variant }) => shown.push(variant))`;
  const variants = (page: Page) => run<readonly string[]>(page, "shown");

  it("asks again when the page's own events have arrived", async () => {
    world.site.page("/", tag(world));
    const page = await world.open();
    await run(page, `${follow}; 0`);
    await expect.poll(() => variants(page)).toEqual(["fallback"]);
    await track(page, 3);
    await expect
      .poll(() => variants(page), { timeout: 5000 })
      .toEqual(["fallback", "categoryLover"]);
    await run(page, "freshet.reset()");
    await expect.poll(() => variants(page)).toEqual(["fallback", "categoryLover", "fallback"]);
    await run(page, "stop()");
    await track(page, 3);
    await run(page, "freshet.flush()");
    await page.waitForTimeout(300);
    expect(await variants(page)).toEqual(["fallback", "categoryLover", "fallback"]);
  });

  it("hears with a token of what happens elsewhere, also after signing in", async () => {
    world.site.route("/token", async (request, response) => {
      const query = new URL(request.url ?? "", "http://site").searchParams;
      const [userId, anonymousId] = [query.get("userId"), query.get("anonymousId")];
      const who = userId ? { userId } : { anonymousId };
      const { body } = await ask(`${world.server().url}/v1/tokens`, { body: who, headers: secret });
      response.end(body.token);
    });
    world.site.page(
      "/",
      `<script>freshetOptions = { token: (who) =>
         fetch("/token?" + new URLSearchParams({ userId: who.userId ?? "", anonymousId: who.anonymousId }))
           .then((answer) => answer.text()) }</script>${tag(world)}`,
    );
    const page = await world.open();
    await run(page, `${follow}; 0`);
    await expect.poll(() => variants(page)).toEqual(["fallback"]);
    const id = await anonymousId(page);
    const elsewhere = (who: object, times: number) =>
      ask(`${world.server().url}/v1/batch`, {
        body: {
          writeKey: "wk_process_test",
          batch: Array.from({ length: times }, () => ({
            type: "track",
            event: "Product Viewed",
            properties: { product_id: "cer-01" },
            ...who,
          })),
        },
      });
    await page.waitForTimeout(500);
    await elsewhere({ anonymousId: id }, 3);
    await expect
      .poll(() => variants(page), { timeout: 5000 })
      .toEqual(["fallback", "categoryLover"]);
    await run(page, 'freshet.identify("ana", { name: "Ana" })');
    await run(page, "freshet.flush()");
    await page.waitForTimeout(1500);
    for (let order = 0; order < 5; order++)
      await ask(`${world.server().url}/v1/events`, {
        headers: { authorization: `Basic ${btoa("wk_process_test:")}` },
        body: {
          event_id: `o${order}`,
          event_type: "Order Completed",
          user_id: "ana",
          metadata: { order_id: `o${order}`, total: 200 },
        },
      });
    await expect.poll(async () => (await variants(page)).at(-1), { timeout: 8000 }).toBe("vip");
  });
});
