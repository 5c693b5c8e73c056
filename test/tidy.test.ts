import { describe, expect, it } from "vitest";
import { codeOf, type Finding, importsOf, projectFiles, type SourceFile } from "./tidy/code.ts";
import { layerFindings, layerOf } from "./tidy/layers.ts";
import {
  anyFindings,
  coreFindings,
  docFindings,
  jsonFindings,
  lengthFindings,
  lockFindings,
  machinePathFindings,
  markFindings,
  registryFindings,
  skipFindings,
} from "./tidy/rules.ts";

const files = projectFiles();
const isLock = ({ path }: SourceFile) => path === "package-lock.json";
const isCode = ({ path }: SourceFile) => /\.[jt]s$/.test(path);
const isSource = ({ path }: SourceFile) => layerOf(path) !== null && path.endsWith(".ts");
const isCore = ({ path }: SourceFile) => ["core", "queue"].includes(layerOf(path) ?? "");
const isTest = ({ path }: SourceFile) => /(^|\/)test\//.test(path) && path.endsWith(".ts");
const isPort = ({ path }: SourceFile) => path.startsWith("packages/freshet/src/engine/port/");
/** Lines that the checkers are tried on, and the checkers, hold what they look for. */
const isTidy = ({ path }: SourceFile) => path.startsWith("test/tidy");

function all(
  chosen: (file: SourceFile) => boolean,
  check: (file: SourceFile) => readonly Finding[],
): readonly Finding[] {
  const looked = files.filter(chosen);
  expect(looked.length, "files that were looked at").toBeGreaterThan(0);
  return looked.flatMap(check);
}

describe("the project", () => {
  it("keeps clock, chance, locale and the outside out of core", () => {
    expect(all(isCore, coreFindings)).toEqual([]);
  });

  it("imports along the layers only, and no package by its own name", () => {
    expect(all(isSource, layerFindings)).toEqual([]);
  });

  it('has no type "any"', () => {
    // In tests the linter asks for a reason where an answer's shape is not known.
    expect(all((file) => isCode(file) && !isTest(file), anyFindings)).toEqual([]);
  });

  it("reads JSON by one function, on the server's side", () => {
    const isServer = ({ path }: SourceFile) => path.startsWith("packages/freshet/src/");
    expect(all(isServer, jsonFindings)).toEqual([]);
  });

  it("leaves nothing for later in the code", () => {
    expect(all((file) => isCode(file) && !isTidy(file), markFindings)).toEqual([]);
  });

  it("starts Node with the same flags everywhere", () => {
    const command = files.find(({ path }) => path === "packages/freshet/src/cli/main.ts");
    const flags = /^#!\/usr\/bin\/env -S node (--.*)$/m.exec(command?.text ?? "")?.[1];
    const { scripts } = JSON.parse(files.find(({ path }) => path === "package.json")?.text ?? "{}");
    expect(flags).toMatch(/^--/);
    // The kernel cuts a longer first line.
    expect(flags?.length).toBeLessThan(225);
    for (const script of [scripts.start, scripts.freshet])
      expect(script).toContain(`node ${flags} `);
  });

  it("runs every test", () => {
    expect(all((file) => isTest(file) && !isTidy(file), skipFindings)).toEqual([]);
  });

  it("has files and lines of a size that can be read", () => {
    expect(all(isCode, lengthFindings)).toEqual([]);
  });

  it("has no download address in its lock file, and no registry anywhere", () => {
    expect(all(isLock, lockFindings)).toEqual([]);
    expect(all(() => true, registryFindings)).toEqual([]);
  });

  it("names no path of a machine", () => {
    expect(all((file) => !isTidy(file) && !isLock(file), machinePathFindings)).toEqual([]);
  });

  it("says what each port is for", () => {
    expect(all(isPort, docFindings)).toEqual([]);
  });
});

/** A check that cannot fail is none: each is tried on lines that it must and must not find. */
describe("the checks themselves", () => {
  const at = (text: string, path = "packages/freshet/src/core/a.ts") => ({ path, text });
  const finds = (check: (file: SourceFile) => readonly Finding[], text: string, path?: string) =>
    check(at(text, path)).length > 0;

  it("see code, and not what comments and texts say", () => {
    expect(codeOf('a("Date.now()") // Date.now()\n/* x */ b').trimEnd()).toBe(
      "a(            )              \n        b",
    );
    expect(codeOf("const r = /[/'\"]/g; Date.now()")).toContain("Date.now()");
    expect(codeOf("a / b; 'x' / c")).toMatch(/^a \/ b; {5,}\/ c$/);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is code to look at.
    expect(codeOf("`at ${Date.now()}`")).toContain("Date.now()");
  });

  it("name the line", () => {
    expect(coreFindings(at("const a = 1;\nconst b = Date.now();"))).toEqual([
      "packages/freshet/src/core/a.ts:2: core reads the clock, or a date by the platform's rules",
    ]);
  });

  it.each([
    "Date.now()",
    "new Date()",
    "new Date(5)",
    "Math.random()",
    "Math.pow(2, x)",
    "2 ** x",
    "process.env",
    "setTimeout(run, 1)",
    "value.toLocaleString()",
    "Intl.NumberFormat",
    "a.localeCompare(b)",
    "console.log(a)",
    "fetch(url)",
  ])("find %s in core", (text) => {
    expect(finds(coreFindings, text)).toBe(true);
  });

  it.each([
    "10n ** BigInt(places)",
    "update.processed",
    "// Date.now()",
    '"new Date()"',
    "Math.exp(x)",
  ])("let %s be in core", (text) => {
    expect(finds(coreFindings, text)).toBe(false);
  });

  it("find imports against the layers, types among them", () => {
    const core = "packages/freshet/src/core/a.ts";
    expect(finds(layerFindings, 'import type { Log } from "../engine/port/log.ts";', core)).toBe(
      true,
    );
    expect(finds(layerFindings, 'export * from "../engine/heap.ts";', core)).toBe(true);
    expect(finds(layerFindings, 'await import("../engine/heap.ts")', core)).toBe(true);
    expect(finds(layerFindings, 'import { a } from "./b.ts";', core)).toBe(false);
    expect(finds(layerFindings, 'import { limits } from "@freshet/protocol";', core)).toBe(false);
    const accept = "packages/freshet/src/accept/a.ts";
    expect(finds(layerFindings, 'import { a } from "../adapters/b.ts";', accept)).toBe(true);
    expect(finds(layerFindings, 'import { a } from "../testing/b.ts";', accept)).toBe(true);
    expect(finds(layerFindings, 'import { plan } from "freshet/plan";', accept)).toBe(true);
    expect(finds(layerFindings, '// import { plan } from "freshet/plan";', accept)).toBe(false);
    const protocol = "packages/protocol/src/a.ts";
    expect(finds(layerFindings, 'import { a } from "@freshet/protocol";', protocol)).toBe(true);
    expect(finds(layerFindings, 'import { a } from "../../freshet/src/core/a.ts";', protocol)).toBe(
      true,
    );
    expect(importsOf('import {\n  a,\n} from "./b.ts";')).toEqual([
      { specifier: "./b.ts", line: 3 },
    ]);
  });

  it("find any, and not the word", () => {
    for (const text of ["let a: any;", "a as any", "Map<string, any>", "const a: any[] = []"])
      expect(finds(anyFindings, text), text).toBe(true);
    for (const text of [
      "// any of them",
      'kind === "any"',
      "const any = 1",
      "any === b",
      "many: string",
    ])
      expect(finds(anyFindings, text), text).toBe(false);
  });

  it("find the engine's own reader, and not a word about it", () => {
    expect(finds(jsonFindings, "JSON.parse(text)")).toBe(true);
    expect(finds(jsonFindings, "texts.map(JSON.parse)")).toBe(true);
    expect(finds(jsonFindings, "await answer.json()")).toBe(true);
    expect(finds(jsonFindings, "// as JSON.parse does")).toBe(false);
    expect(finds(jsonFindings, "JSON.stringify(value)")).toBe(false);
  });

  it("find what is left for later, skipped and focused", () => {
    expect(finds(markFindings, "// TODO: later")).toBe(true);
    expect(finds(markFindings, "const todo = 1")).toBe(false);
    for (const text of [
      "it.skip('a')",
      "test.only('a')",
      "describe.concurrent.skip('a')",
      "xit('a')",
    ])
      expect(finds(skipFindings, text), text).toBe(true);
    for (const text of ["it('skips')", "reader.skip()", "fit.for('a')", '"it.skip"'])
      expect(finds(skipFindings, text), text).toBe(false);
  });

  it("find what is too long", () => {
    expect(finds(lengthFindings, "a\n".repeat(501))).toBe(true);
    expect(finds(lengthFindings, "a\n".repeat(500))).toBe(false);
    expect(finds(lengthFindings, `// ${"a".repeat(123)}`)).toBe(true);
    expect(finds(lengthFindings, `// ${"a".repeat(122)}`)).toBe(false);
    expect(finds(lengthFindings, `call(${"a".repeat(120)})`)).toBe(true);
    expect(finds(lengthFindings, `call("${"a".repeat(120)}")`)).toBe(false);
  });

  it("find addresses and paths that are somebody's", () => {
    const host = ["registry", "npmjs", "org"].join(".");
    expect(finds(registryFindings, `see https://${host}/x`)).toBe(true);
    expect(finds(registryFindings, "see https://example.com/x")).toBe(false);
    expect(finds(lockFindings, '"resolved": "https://example.com/a.tgz"')).toBe(true);
    expect(finds(lockFindings, '"resolved": "packages/freshet"')).toBe(false);
    for (const text of ["in /home/ana/x", '"/work/main"', "C:\\Users", "`/Users/ana`"])
      expect(finds(machinePathFindings, text), text).toBe(true);
    for (const text of ["/v1/events", "docs/home/x", "https://a.b/home/x", "/tmp/x"])
      expect(finds(machinePathFindings, text), text).toBe(false);
  });

  it("find ports without a word about them", () => {
    expect(finds(docFindings, "export function a() {}")).toBe(true);
    expect(finds(docFindings, "/** Does a. */\nexport function a() {}")).toBe(false);
    expect(finds(docFindings, "export interface A {\n  run(): void;\n}")).toBe(true);
    expect(finds(docFindings, "export interface A {\n  readonly b: number;\n}")).toBe(false);
  });
});
