/**
 * Installs the clients of others that are proven against Freshet, from the registries of their languages, in exactly
 * the versions of `package-lock.json`, `requirements.txt` and `pom.xml`. What is missing is a failure, never a skip.
 *
 * - C1 nothing is installed into the source tree: each language has a folder in `node_modules/.cache`, named by a hash
 *   of what is in it.
 * - C2 a folder counts as complete only with its stamp, which is written last; without one it is made anew.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const own = fileURLToPath(new URL(".", import.meta.url));
const cache = fileURLToPath(
  new URL("../../../../../node_modules/.cache/freshet-clients/", import.meta.url),
);

/** A folder whose `node_modules` has the clients for Node and for browsers. */
export function fetchNpmClients(): string {
  const files = ["package.json", "package-lock.json", ".npmrc"];
  return complete("npm", files, (folder) => {
    for (const file of files) cpSync(join(own, file), join(folder, file));
    run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder);
  });
}

/** The Python that has Segment's client. */
export function fetchPythonClient(): string {
  const folder = complete("python", ["requirements.txt"], (made) => {
    run("python3", ["-m", "venv", made], made);
    const requirements = join(own, "requirements.txt");
    run(join(made, "bin/pip"), ["install", "--no-deps", "--requirement", requirements], made);
  });
  return join(folder, "bin/python");
}

/** A class path with Segment's client for Java. */
export function fetchJavaClient(): string {
  const copy = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
  const folder = complete("java", ["pom.xml"], (made) => {
    const args = ["--batch-mode", "--quiet", "--file", join(own, "pom.xml"), copy];
    run("mvn", [...args, `-DoutputDirectory=${join(made, "jars")}`], made);
  });
  return join(folder, "jars", "*");
}

function complete(
  language: string,
  files: readonly string[],
  install: (folder: string) => void,
): string {
  const hash = createHash("sha256").update(process.versions.node.split(".")[0] ?? "");
  for (const file of files) hash.update(readFileSync(join(own, file)));
  const folder = join(cache, `${language}-${hash.digest("hex").slice(0, 12)}`);
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const fetch of [fetchNpmClients, fetchPythonClient, fetchJavaClient]) {
    process.stdout.write(`${fetch()}\n`);
  }
}
