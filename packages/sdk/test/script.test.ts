/** What the script tags weigh, and that they are there. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { internalNames } from "../internal-names.js";
import { version } from "../src/shell/version.ts";

const script = (name: string) =>
  readFileSync(new URL(`../dist/script/${name}`, import.meta.url), "utf8");
const gzipBytes = (name: string) => gzipSync(script(name)).length;

describe("the scripts", () => {
  it("stay small: the guide names these sizes", () => {
    expect(gzipBytes("freshet-core.js")).toBeLessThanOrEqual(5 * 1024);
    expect(gzipBytes("freshet.js")).toBeLessThanOrEqual(9.5 * 1024);
  });

  it("hold nothing of automatic capture in the small one", () => {
    expect(script("freshet.js")).toContain("Page Scrolled");
    expect(script("freshet-core.js")).not.toMatch(/Page Scrolled|MutationObserver|EventSource/);
  });
});

describe("the names that the build of the small one shortens", () => {
  const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

  it.each([
    { path: "dist/browser/options.d.ts", unused: [] },
    // Only types have it.
    { path: "dist/shell/plan.d.ts", unused: ["events"] },
    // The script asks nothing that has these, but the receipt, whose name it holds as a text.
    {
      path: "../protocol/dist/wire.d.ts",
      unused: ["asOf", "at", "events", "id", "receipt"],
    },
  ])("are none of those in $path that it uses", ({ path, unused }) => {
    const names = new Set(read(path).match(/\b\w+(?=\??[:(<])/g));
    expect(names.size).toBeGreaterThan(3);
    expect(internalNames.filter((name) => names.has(name))).toEqual(unused);
  });

  it("are not asked of the browser", () => {
    const platform = [Object, Array, String, Number, Math, JSON, Date, Promise, Map, performance]
      .flatMap((one) => [one, (one as { readonly prototype?: object }).prototype ?? {}])
      .concat([AbortSignal, crypto, Response.prototype, Headers.prototype, console])
      .flatMap((one) => Object.getOwnPropertyNames(one));
    // Theirs are for places in arrays, heads of iterators and bodies, of which it needs none.
    const unused = ["add", "at", "bytes", "drop", "take", "text"];
    const shared = internalNames.filter((name) => platform.includes(name));
    expect(shared.filter((name) => !unused.includes(name))).toEqual([]);
  });
});

it("names the version of its package", () => {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  expect((JSON.parse(manifest) as { readonly version: string }).version).toBe(version);
});

it("brings no automatic capture into a bundle that does not start it", async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: 'import { createFreshet } from "@freshet/sdk"; createFreshet({ writeKey: "wk" });',
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    logLevel: "silent",
  });
  const text = outputFiles[0]?.text ?? "";
  expect(text).toContain("/v1/decide");
  expect(text).not.toMatch(/Page Scrolled|MutationObserver/);
});
