/**
 * Installs what our own schema code is compared with: Avro for Java and `buf`. Nothing goes into the source tree; a folder
 * in `node_modules/.cache`, named by a hash of what is in it, counts with its stamp only, which is written last.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const own = fileURLToPath(new URL(".", import.meta.url));
const cache = fileURLToPath(
  new URL("../../../../../node_modules/.cache/freshet-schema/", import.meta.url),
);

/** A class path with Avro for Java. */
export function fetchAvro(): string {
  const copy = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
  const folder = complete("avro", "pom.xml", (made) => {
    const args = ["--batch-mode", "--quiet", "--file", join(own, "pom.xml"), copy];
    run("mvn", [...args, `-DoutputDirectory=${join(made, "jars")}`], made);
  });
  return join(folder, "jars", "*");
}

/** The program `buf`. */
export function fetchBuf(): string {
  const folder = complete("buf", "buf-package.json", (made) => {
    cpSync(join(own, "buf-package.json"), join(made, "package.json"));
    run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], made);
  });
  return join(folder, "node_modules", ".bin", "buf");
}

function complete(name: string, file: string, install: (folder: string) => void): string {
  const hash = createHash("sha256")
    .update(readFileSync(join(own, file)))
    .digest("hex");
  const folder = join(cache, `${name}-${hash.slice(0, 12)}`);
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
