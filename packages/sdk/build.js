// Bundles the script tags: `freshet-core.js` and, with automatic capture, `freshet.js`.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "rolldown/experimental";
import { internalNames } from "./internal-names.js";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = here("dist/script");
const target = "es2022";

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await write("freshet.js", "src/script/full.ts", {});
// Every page waits for it: without sentences, without what has another way, and with internal names of one letter.
await write("freshet-core.js", "src/script/core.ts", {
  define: { FRESHET_CORE: "true" },
  mangleProps: new RegExp(`^(${internalNames.join("|")})$`),
});

async function write(name, entry, options) {
  const { outputFiles } = await build({
    entryPoints: [here(entry)],
    bundle: true,
    write: false,
    format: "iife",
    target,
    // One strict scope less to name; nothing here depends on it.
    tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
    legalComments: "none",
    logLevel: "warning",
    ...options,
  });
  // The bundler makes a variable of each constant; as constants they are put in where they are used.
  const text = outputFiles[0].text.replace(/^ {2}var (?=\w+ = )/gm, "  const ");
  const { code, errors } = await minify(name, text, {
    compress: { target },
    mangle: { toplevel: true },
    codegen: { removeWhitespace: true },
  });
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  await writeFile(`${out}/${name}`, code);
}
