// Builds everything that runs: the packages by their project references, the script tags of the SDK, and
// the pages of the shop.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const nodeMajorMin = 22;
if (Number.parseInt(process.versions.node, 10) < nodeMajorMin) {
  console.error(
    `this is Node ${process.versions.node}, and Freshet needs ${nodeMajorMin} or later`,
  );
  console.error(
    "  hint: run npm ci with install scripts allowed, so that the pinned Node is installed",
  );
  process.exit(1);
}

const tsc = createRequire(join(root, "package.json")).resolve("typescript/package.json");
run([join(dirname(tsc), "bin", "tsc"), "-b", join(root, "tsconfig.json")]);
run([join(root, "packages", "sdk", "build.js")]);
run([join(root, "examples", "shop", "build.js")]);

function run(args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
