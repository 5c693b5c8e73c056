/**
 * Installs the registry's clients of others, in exactly the versions of `package-lock.json` and `requirements.txt`. What
 * is missing is a failure, never a skip. Nothing goes into the source tree: a folder in `node_modules/.cache`, named by
 * a hash of what is in it, counts with its stamp only, which is written last.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const own = fileURLToPath(new URL(".", import.meta.url));
const cache = fileURLToPath(
  new URL("../../../../../node_modules/.cache/freshet-registry-clients/", import.meta.url),
);

/** A folder whose `node_modules` has the clients for Node. */
export function fetchNpmClients(): string {
  const files = ["package.json", "package-lock.json", ".npmrc"];
  return complete("npm", files, (folder) => {
    for (const file of files) cpSync(join(own, file), join(folder, file));
    run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder);
  });
}

/** The Python that has Confluent's client. All that it needs is pinned, so nothing is resolved. */
export function fetchPython(): string {
  const folder = complete("python", ["requirements.txt"], (made) => {
    run("python3", ["-m", "venv", made], made);
    const requirements = join(own, "requirements.txt");
    run(join(made, "bin/pip"), ["install", "--no-deps", "--requirement", requirements], made);
  });
  return join(folder, "bin/python");
}

function complete(
  name: string,
  files: readonly string[],
  install: (folder: string) => void,
): string {
  const hash = createHash("sha256").update(process.versions.node.split(".")[0] ?? "");
  for (const file of files) hash.update(readFileSync(join(own, file)));
  const folder = join(cache, `${name}-${hash.digest("hex").slice(0, 12)}`);
  const stamp = join(folder, "complete");
  if (existsSync(stamp)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  install(folder);
  writeFileSync(stamp, "");
  return folder;
}

function run(program: string, args: readonly string[], folder: string): void {
  try {
    execFileSync(program, args, { cwd: folder, stdio: "pipe", timeout: 300_000 });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: Buffer; readonly stderr?: Buffer };
    const said = `${stdout ?? ""}${stderr ?? ""}`.slice(-2000);
    throw new Error(`"${program} ${args.join(" ")}" failed: ${said}`, { cause: error });
  }
}
