import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { errorCatalogue } from "@freshet/protocol";
import * as builders from "freshet/plan";
import { describe, expect, it } from "vitest";
import type { ServerContext } from "../packages/freshet/src/server/context.ts";
import { routeFamilies } from "../packages/freshet/src/server/route/index.ts";
import { cutSnippet, fill, metricNames, outdatedPages, pages } from "../scripts/docs.js";
import { root } from "./tidy/code.ts";
import { anchorsOf, linksOf, namesOfUnion, pathsIn, scriptsIn } from "./tidy/docs.ts";

const read = (path: string) => readFileSync(join(root, path), "utf8");
const texts = new Map(pages().map((page: string) => [page, read(page)]));
const docs = [...texts].filter(([page]) => page.startsWith("docs/"));

/** What `check` finds in all pages, as `page: finding`. */
function inPages(check: (text: string, page: string) => readonly string[]): string[] {
  return [...texts].flatMap(([page, text]) => check(text, page).map((what) => `${page}: ${what}`));
}

describe("the docs", () => {
  it("have snippets and tables that are those of the code", async () => {
    const outdated = (await outdatedPages()).map(({ page }) => page);
    expect(outdated, "run: node scripts/docs.js").toEqual([]);
  });

  it("have no dead link and no dead image", () => {
    const dead = inPages((text, page) => linksOf(text).filter((link) => !isAlive(link, page)));
    expect(dead).toEqual([]);
  });

  it("are all in the index", () => {
    const linked = linksOf(read("docs/README.md")).map((link) => normalize(join("docs", link)));
    const missing = docs.map(([page]) => page).filter((page) => !linked.includes(page));
    expect(missing).toEqual(["docs/README.md"]);
  });

  it("name files that exist, and scripts that npm knows", () => {
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: object };
    expect(
      inPages((text) => pathsIn(text).filter((path) => !existsSync(join(root, path)))),
    ).toEqual([]);
    expect(inPages((text) => scriptsIn(text).filter((name) => !(name in scripts)))).toEqual([]);
  });

  it("explain every alert, metric and error", () => {
    const alerts = [
      ...namesOfUnion(read("packages/freshet/src/engine/port/listener.ts"), "AlertName"),
      ...namesOfUnion(read("packages/freshet/src/engine/dispatcher-lane.ts"), "ActivationAlert"),
    ];
    expect(alerts.length).toBeGreaterThan(8);
    const explained = anchorsOf(read("docs/operating/alerts.md"));
    expect(alerts.filter((name) => !explained.includes(name.toLowerCase()))).toEqual([]);
    const metrics = metricNames().map(({ name }) => name);
    expect(metrics.length).toBeGreaterThan(30);
    expect(metrics.filter((name) => !isNamed("docs/operating/metrics.md", name))).toEqual([]);
    const codes = Object.keys(errorCatalogue);
    expect(codes.filter((code) => !isNamed("docs/reference/errors.md", code))).toEqual([]);
  });

  it("have every metric that the server shows", async () => {
    const names = new Set(metricNames().map(({ name }) => name));
    const shown = readdirSync(join(root, "packages/freshet/src/telemetry"))
      .flatMap((file) => [
        ...read(`packages/freshet/src/telemetry/${file}`).matchAll(/"(freshet_\w+)"/g),
      ])
      .map(([, name = ""]) => name);
    expect(shown.filter((name) => !names.has(name))).toEqual([]);
  });

  it("have every endpoint", () => {
    const reference = read("docs/reference/http.md");
    const paths = routeFamilies
      .flatMap((family) => family({} as ServerContext))
      .flatMap(({ paths }) => paths)
      .filter((path) => path.startsWith("/v1/") || !isUnversioned(path));
    expect(paths.length).toBeGreaterThan(25);
    expect(paths.filter((path) => !reference.includes(path))).toEqual([]);
  });

  it("have every builder of a plan, setting and variable", () => {
    const functions = Object.keys(builders).filter((name) => name !== "PlanError");
    expect(functions.filter((name) => !isNamed("docs/reference/plan.md", name))).toEqual([]);
    const config = read("packages/freshet/src/app/config.ts");
    const variables = new Set(
      [...config.matchAll(/\bFRESHET_[A-Z_]+[A-Z]\b/g)].map(([name]) => name),
    );
    expect(variables.size).toBeGreaterThan(8);
    const missing = [...variables].filter(
      (name) => !isNamed("docs/reference/configuration.md", name),
    );
    expect(missing).toEqual([]);
  });
});

describe("the checks of the docs", () => {
  it("find links, and not those in code", () => {
    expect(
      linksOf("[a](b.md) ![c](d.png#e) [f](https://g.h) `[i](j.md)`\n```\n[k](l.md)\n```"),
    ).toEqual(["b.md", "d.png#e"]);
    expect(isAlive("p1.md", "docs/promises/p2.md")).toBe(true);
    expect(isAlive("p9.md", "docs/promises/p2.md")).toBe(false);
    expect(isAlive("log-and-time.md#trimming", "docs/concepts/features.md")).toBe(true);
    expect(isAlive("log-and-time.md#nowhere", "docs/concepts/features.md")).toBe(false);
  });

  it("find paths, scripts and names of unions", () => {
    expect(pathsIn("`packages/a/b.ts` and `docs/x/` but not `a/b.ts` or packages/c")).toEqual([
      "packages/a/b.ts",
      "docs/x/",
    ]);
    expect(scriptsIn("npm run bench, then `npm run -s build` and npm test")).toEqual([
      "bench",
      "build",
      "test",
    ]);
    const union = 'export type A =\n  /** Why; how. */\n  | "b"\n  | "c";\nexport type D = "e";';
    expect(namesOfUnion(union, "A")).toEqual(["b", "c"]);
    expect(namesOfUnion(union, "D")).toEqual(["e"]);
  });

  it("see a snippet that is out of date, and one that is not there", async () => {
    const old = "<!-- snippet: examples/first/freshet.config.ts -->\n```ts\nold\n```\n<!-- end -->";
    expect(await fill(old, "a.md")).toContain("defineConfig");
    expect(await fill(await fill(old, "a.md"), "a.md")).toBe(await fill(old, "a.md"));
    await expect(
      fill(old.replace("first/freshet.config.ts", "first/plan.ts#no"), "a.md"),
    ).rejects.toThrow('no snippet and no declaration "no"');
    await expect(fill(old.replace("snippet:", "snipet:"), "a.md")).rejects.toThrow('"snipet"');
    const code =
      "a\n  // snippet: b\n  if (c) {\n    d();\n  }\n  // end snippet\nconst e = f(\n  1,\n);\n";
    expect(cutSnippet(code, "b", "x.ts")).toBe("if (c) {\n  d();\n}");
    expect(cutSnippet(code, "e", "x.ts")).toBe("const e = f(\n  1,\n);");
  });
});

function isAlive(link: string, page: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(root, target))) return false;
  return (
    anchor === undefined || !target.endsWith(".md") || anchorsOf(read(target)).includes(anchor)
  );
}

/** As a word of its own: `count` is not named by `counts`. */
function isNamed(page: string, name: string): boolean {
  return new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(read(page));
}

/** A path that is served with and without `/v1`; the reference says so once. */
function isUnversioned(path: string): boolean {
  return !["/healthz", "/readyz", "/metrics"].includes(path);
}
