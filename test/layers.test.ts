import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { root } from "./tidy/code.ts";
import { layers } from "./tidy/layers.ts";

/**
 * The layers with their real compiler settings, and in each nothing but one file for each import that could be
 * written: what the compiler refuses, and nothing else, is what DESIGN section 8 forbids.
 */
const copy = mkdtempSync(join(tmpdir(), "freshet-layers-"));
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const names = Object.keys(layers);
/** Layers that are packages, or parts of one, of their own. */
const elsewhere: { readonly [layer: string]: string } = {
  protocol: "packages/protocol/src",
  queue: "packages/sdk/src/queue",
  sdk: "packages/sdk/src",
};
const folderOf = (layer: string) => elsewhere[layer] ?? `packages/freshet/src/${layer}`;
const configOf = (layer: string) =>
  layer === "protocol" ? "packages/protocol/tsconfig.json" : `${folderOf(layer)}/tsconfig.json`;
const fileOf = (layer: string, other: string) => `${folderOf(layer)}/uses-${other}.ts`;

const pairs = names.flatMap((layer) =>
  names.filter((other) => other !== layer).map((other) => ({ layer, other })),
);
const allowed = pairs.filter(({ layer, other }) => layers[layer]?.includes(other));
const forbidden = pairs.filter((pair) => !allowed.includes(pair));

function makeLayers(): void {
  cpSync(join(root, "tsconfig.base.json"), join(copy, "tsconfig.base.json"));
  for (const layer of names) {
    mkdirSync(join(copy, folderOf(layer)), { recursive: true });
    // Types of Node are not at hand here, and nothing here needs them.
    const config = readFileSync(join(root, configOf(layer)), "utf8").replace('["node"]', "[]");
    writeFileSync(join(copy, configOf(layer)), config);
    writeFileSync(join(copy, folderOf(layer), "index.ts"), `export const ${layer} = 1;\n`);
  }
  for (const manifest of ["protocol", "sdk", "freshet"].map(
    (name) => `packages/${name}/package.json`,
  ))
    cpSync(join(root, manifest), join(copy, manifest));
  mkdirSync(join(copy, "node_modules", "@freshet"), { recursive: true });
  symlinkSync(join(copy, "packages/protocol"), join(copy, "node_modules/@freshet/protocol"));
  const references = names.map((layer) => ({ path: dirname(configOf(layer)) }));
  writeFileSync(join(copy, "tsconfig.json"), JSON.stringify({ files: [], references }));
}

function writeImport({ layer, other }: { readonly layer: string; readonly other: string }): void {
  const specifier = other === "protocol" ? "@freshet/protocol" : pathBetween(layer, other);
  const text = `import { ${other} } from "${specifier}";\nexport const used = ${other};\n`;
  writeFileSync(join(copy, fileOf(layer, other)), text);
}

function pathBetween(layer: string, other: string): string {
  const path = relative(folderOf(layer), `${folderOf(other)}/index.ts`);
  return path.startsWith(".") ? path : `./${path}`;
}

const tsc = createRequire(join(root, "package.json")).resolve("typescript/package.json");

/** Paths of the files that the compiler complains about. */
function refusedBy(args: readonly string[]): Promise<string[]> {
  const command = [join(dirname(tsc), "bin", "tsc"), ...args, "--pretty", "false"];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: copy }, (_error, stdout) => {
      const errors = [...stdout.matchAll(/^(\S+?)(?:\(\d+,\d+\))?: error/gm)];
      resolve([...new Set(errors.map(([, path]) => path ?? ""))]);
    });
  });
}

describe("the compiler", () => {
  it("takes every import along the layers", async () => {
    makeLayers();
    for (const pair of allowed) writeImport(pair);
    expect(await refusedBy(["-b"])).toEqual([]);
  });

  it("refuses every import against them", async () => {
    for (const pair of forbidden) writeImport(pair);
    const refused: string[] = [];
    for (const layer of names)
      refused.push(...(await refusedBy(["-p", configOf(layer), "--noEmit"])));
    const files = forbidden.map(({ layer, other }) => fileOf(layer, other));
    expect(refused.sort()).toEqual(files.sort());
  });
});
