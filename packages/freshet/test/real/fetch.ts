/**
 * Installs programs and clients of others that something is proven against, from the registries of their languages, in
 * exactly the versions that files beside the asking module say. What is missing is a failure, never a skip.
 *
 * - C1 nothing is installed into the source tree: each has a folder in `node_modules/.cache`, named by a hash of what is
 *   in it.
 * - C2 a folder counts as complete only with its stamp, which is written last; without one it is made anew.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const caches = fileURLToPath(new URL("../../../../node_modules/.cache/", import.meta.url));

/** What the folder of one module asks for. */
export class Fetcher {
  readonly #own: string;
  readonly #cache: string;

  /** `moduleUrl`: the module beside which the files are. `cache`: the name of its folder. */
  constructor(moduleUrl: string, cache: string) {
    this.#own = fileURLToPath(new URL(".", moduleUrl));
    this.#cache = join(caches, cache);
  }

  /** A folder whose `node_modules` has what `package-lock.json` says. */
  npm(): string {
    const files = ["package.json", "package-lock.json", ".npmrc"];
    return this.#complete("npm", files, (folder) => {
      for (const file of files) cpSync(join(this.#own, file), join(folder, file));
      run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder);
    });
  }

  /** A program of a package that stands alone in a file of its own. */
  npmProgram(name: string, file: string): string {
    const folder = this.#complete(name, [file], (made) => {
      cpSync(join(this.#own, file), join(made, "package.json"));
      run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], made);
    });
    return join(folder, "node_modules", ".bin", name);
  }

  /** A Python that has what `requirements.txt` says. All that it needs is pinned, so nothing is resolved. */
  python(): string {
    const folder = this.#complete("python", ["requirements.txt"], (made) => {
      run("python3", ["-m", "venv", made], made);
      const requirements = join(this.#own, "requirements.txt");
      run(join(made, "bin/pip"), ["install", "--no-deps", "--requirement", requirements], made);
    });
    return join(folder, "bin/python");
  }

  /** A class path with what `pom.xml` depends on. */
  jars(): string {
    const copy = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
    const folder = this.#complete("java", ["pom.xml"], (made) => {
      const args = ["--batch-mode", "--quiet", "--file", join(this.#own, "pom.xml"), copy];
      run("mvn", [...args, `-DoutputDirectory=${join(made, "jars")}`], made);
    });
    return join(folder, "jars", "*");
  }

  #complete(name: string, files: readonly string[], install: (folder: string) => void): string {
    const hash = createHash("sha256").update(process.versions.node.split(".")[0] ?? "");
    for (const file of files) hash.update(readFileSync(join(this.#own, file)));
    const folder = join(this.#cache, `${name}-${hash.digest("hex").slice(0, 12)}`);
    const stamp = join(folder, "complete");
    if (existsSync(stamp)) return folder;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    install(folder);
    writeFileSync(stamp, "");
    return folder;
  }
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
