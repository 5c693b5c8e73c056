/** What a page tells by itself. */
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentFilm } from "./support/site.ts";
import { closeBrowser, openWorld, run, tag, type World } from "./support/world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());
afterAll(closeBrowser);

/** A tag with one part of automatic capture, or several. */
const only = (...parts: readonly string[]) =>
  tag(
    world,
    ["pages", "clicks", "scroll", "time", "video", "forms"]
      .filter((part) => !parts.includes(part))
      .map((part) => `data-auto-${part}="false"`)
      .join(" "),
  );

const captured = async (page: Page) => {
  await run(page, "freshet.flush()");
  return world.events();
};
const named = (name: string) =>
  world
    .events()
    .filter((one) => one.event === name)
    .map(({ properties }) => properties);

describe("page views", () => {
  it.each(["the Navigation API", "the history API"])("of a single-page app, by %s", async (way) => {
    if (way === "the history API")
      await world.context.addInitScript(
        'Object.defineProperty(window, "navigation", { value: undefined })',
      );
    world.site.page("/", only("pages"));
    const page = await world.open("/?a=1");
    await run(
      page,
      `(async () => {
        const wait = () => new Promise((resolve) => setTimeout(resolve, 50));
        await wait();
        history.pushState({}, "", "/shoes"); document.title = "Shoes"; await wait();
        history.replaceState({}, "", "/shoes#size"); await wait();
        history.pushState({}, "", "/hats"); document.title = "Hats"; await wait();
        history.back(); await wait(); await wait();
      })()`,
    );
    const views = (await captured(page)).map(({ type, properties }) => [
      type,
      properties.path,
      properties.title,
      properties.referrer.replace(world.site.url, ""),
    ]);
    expect(views).toEqual([
      ["page", "/", "/", ""],
      ["page", "/shoes", "Shoes", "/?a=1"],
      ["page", "/hats", "Hats", "/shoes"],
      ["page", "/shoes", "Hats", "/hats"],
    ]);
    await world.applied(4);
  });
});

describe("clicks", () => {
  it("on what names an event, with its properties, also on something inside of it", async () => {
    world.site.page(
      "/",
      `${only("clicks")}<button data-freshet-event="Product Added" data-freshet-product-id="007"
        data-freshet-price="64.5" data-freshet-quantity="2"><i>Add</i></button>
       <a href="#x" data-freshet-event="Cart Viewed" data-freshet-properties='{"products":[1],"value":3}'>Cart</a>
       <p data-freshet-event="Broken" data-freshet-properties="{">Broken</p><b>Nothing</b>`,
    );
    const page = await world.open();
    for (const selector of ["i", "a", "p", "b"]) await page.locator(selector).click();
    await captured(page);
    expect(world.events().map(({ event, properties }) => [event, properties])).toEqual([
      ["Product Added", { product_id: "007", price: 64.5, quantity: 2 }],
      ["Cart Viewed", { products: [1], value: 3 }],
      ["Broken", {}],
    ]);
  });
});

describe("scrolling", () => {
  it("is told once for each step of a view, and again for the next one", async () => {
    world.site.page("/", `${only("scroll")}<div style="height: 5000px">Tall</div>`);
    const page = await world.open();
    const scroll = async (y: number) => {
      await run(page, `scrollTo(0, ${y})`);
      await page.waitForTimeout(120);
    };
    for (const y of [1000, 0, 2000, 5000, 0, 5000]) await scroll(y);
    expect((await captured(page)).map(({ properties }) => properties.percent)).toEqual([
      25, 50, 75, 90, 100,
    ]);
    await run(page, 'history.pushState({}, "", "/next"); scrollTo(0, 0)');
    await page.waitForTimeout(120);
    await scroll(1000);
    const last = (await captured(page)).at(-1);
    expect([last?.properties.percent, last?.context.page.path]).toEqual([25, "/next"]);
  });
});

describe("time", () => {
  it("counts while the page is seen, and is told as it ends", async () => {
    world.site.page("/", only("time"));
    const began = performance.now();
    const page = await world.open();
    const see = (state: string) =>
      run(
        page,
        `Object.defineProperty(document, "visibilityState", { value: "${state}", configurable: true });
         document.dispatchEvent(new Event("visibilitychange"))`,
      );
    await page.waitForTimeout(1200);
    await see("hidden");
    await page.waitForTimeout(2000);
    await see("visible");
    await page.waitForTimeout(1200);
    await page.goto("about:blank");
    await world.applied(2);
    const all = (performance.now() - began) / 1000;
    const seconds = named("Time Spent").map((properties) => properties.seconds);
    expect(seconds).toHaveLength(2);
    // Of two stretches of at least 1.2 s; the 2 s in between are in neither.
    for (const one of seconds) expect(one).toBeGreaterThanOrEqual(1.2);
    expect(seconds[0] + seconds[1]).toBeLessThan(all - 1.9);
    expect(world.events()[0]?.context.page.path).toBe("/");
  });
});

describe("video", () => {
  it("tells its start, its steps and its end, once", async () => {
    world.site.route("/film.wav", (_request, response) => {
      const film = silentFilm(3);
      response.writeHead(200, { "content-type": "audio/wav", "content-length": film.length });
      response.end(film);
    });
    world.site.page(
      "/",
      `${only("video")}<video muted title="A film" src="/film.wav?secret=1"></video>`,
    );
    const page = await world.open();
    await run(
      page,
      `(async () => {
        const film = document.querySelector("video");
        await film.play();
        await new Promise((resolve) => setTimeout(resolve, 900));
        film.pause(); await film.play();
        await new Promise((resolve) => { film.onended = resolve; });
      })()`,
    );
    expect(
      (await captured(page)).map(({ event, properties }) => [event, properties.percent]),
    ).toEqual([
      ["Video Playback Started", 0],
      ["Video Content Playing", 25],
      ["Video Content Playing", 50],
      ["Video Content Playing", 75],
      ["Video Content Playing", 95],
      ["Video Playback Completed", 100],
    ]);
    expect(named("Video Playback Completed")[0]).toMatchObject({
      title: "A film",
      source: `${world.site.url}/film.wav`,
      total_length: 3,
    });
  });
});

describe("forms", () => {
  it("are told when sent and when left, never with what is in them", async () => {
    world.site.page("/sent", "Thanks");
    world.site.page(
      "/",
      `${only("forms")}<form id="news" name="newsletter" action="/sent"><input name="email"><input name="id"><button>Send</button></form>
       <form data-freshet-ignore><input id="ignored"></form>`,
    );
    const page = await world.open();
    await page.locator("[name=email]").fill("ana@secret.example");
    await page.locator("#ignored").fill("hidden");
    await page.getByText("Send").click();
    await page.waitForURL("**/sent**");
    await world.applied(1);
    await page.goto(world.site.url);
    await page.locator("[name=email]").fill("ana@secret.example");
    await page.locator("[name=id]").fill("4111");
    await page.goto("about:blank");
    await world.applied(2);
    expect(named("Form Submitted")).toEqual([{ form_id: "news", form_name: "newsletter" }]);
    expect(named("Form Abandoned")).toEqual([
      { form_id: "news", form_name: "newsletter", fields: 2, last_field: "id" },
    ]);
    const bodies = JSON.stringify(world.events().map(({ properties }) => properties));
    expect(bodies).not.toMatch(/secret|4111|hidden/);
  });
});

it("the cart speaks Segment's e-commerce names, and the plan understands", async () => {
  world.site.page("/", tag(world));
  const page = await world.open();
  await run(
    page,
    `freshet.cart.added({ product_id: "cer-01", price: 64 });
     freshet.cart.removed({ product_id: "cer-01" });
     freshet.cart.viewed([{ product_id: "cer-01" }]);
     freshet.cart.checkout();
     freshet.cart.completed({ order_id: "o1", total: 64.5, products: [{ product_id: "cer-01" }] });
     freshet.flush()`,
  );
  await world.applied(5);
  const features = await world.features(`anon:${await run(page, "freshet.anonymousId()")}`);
  expect(features).toMatchObject({ cartAdds: 1, cartRemovals: 1, cartViews: 1, checkouts: 1 });
  expect(features).toMatchObject({ orders: 1, spendCents: 6450 });
});

it("everything is on unless it is turned off", async () => {
  world.site.page("/", tag(world, ""));
  const page = await world.open();
  await page.waitForTimeout(1100);
  await page.goto("about:blank");
  await world.applied(2);
  expect(world.events().map(({ type, event }) => event ?? type)).toEqual(["page", "Time Spent"]);
});
