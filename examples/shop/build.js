import { copyFile, mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = here("dist/site");

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

// One script and one style sheet, so that the page asks the network for nothing but its own origin.
await build({
  entryPoints: { shop: here("site/src/main.ts"), style: here("site/styles/main.css") },
  outdir: out,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  sourcemap: "linked",
  legalComments: "linked",
  // The capture SDK asks for it; browsers have no `process`.
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
});
await copyFile(here("site/index.html"), `${out}/index.html`);
