/** What the guide shows, as it stands there. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { writeKey } from "../../../freshet/test/process/support/server.ts";
import { closeBrowser, openWorld, run, type World } from "./support/world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());
afterAll(closeBrowser);

const snippet = (name: string) => fileURLToPath(new URL(`../../snippet/${name}`, import.meta.url));

it("a page with the script tag", async () => {
  const html = readFileSync(snippet("page.html"), "utf8")
    .replace("https://freshet.example", world.gateway.url)
    .replace("your write key", writeKey)
    // However busy the machine is: what a short budget does is tested elsewhere.
    .replace("data-write-key", 'data-decide-ms="20000" data-write-key');
  world.site.route("/", (_request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end(html);
  });
  const page = await world.open();
  await page.locator("[data-freshet-variant=fallback]").waitFor();
  expect(await page.locator("p").textContent()).toBe(
    "Small batches, honest materials, made by people we know.",
  );
  await page.getByText("Add to cart").click();
  await run(page, "freshet.flush()");
  await world.applied(3);
  const features = await world.features(`anon:${await run(page, "freshet.anonymousId()")}`);
  expect(features).toMatchObject({ productViews: 1, cartAdds: 1, pageViews: 1 });
});

it("a program with the package", async () => {
  const { outputFiles } = await build({
    entryPoints: [snippet("browser.ts")],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "guide",
    target: "es2022",
    logLevel: "silent",
  });
  world.site.page("/", `<script>${outputFiles[0]?.text}</script>`);
  const page = await world.open();
  await run(page, `freshet = guide.start("${world.gateway.url}", "${writeKey}"); shown = []; 0`);
  await run(page, "stop = guide.follow(freshet, (title) => shown.push(title)); 0");
  expect(await run(page, "guide.visit(freshet)")).toBe("eligible: More Ceramics for you");
  await run(page, "freshet.flush()");
  await expect.poll(() => run(page, "shown.at(-1)")).toBe("More Ceramics for you");
  await world.applied(5);
  expect(await world.features("ana")).toMatchObject({ productViews: 3, pageViews: 1 });
});
