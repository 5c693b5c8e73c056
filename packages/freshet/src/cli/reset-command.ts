import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, relative } from "node:path";
import { readJson } from "@freshet/protocol";
import type { PlaceOptions } from "../app/settings.ts";

/** What a process says of how it was called. */
interface Called {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  cwd(): string;
}

/** The command that deletes the data of a `start`: called in the same way, and for the same folder. */
export function resetCommandOf({ config, data }: PlaceOptions, called: Called): string {
  const folder = data ?? (called.env["FRESHET_DATA"] || undefined);
  return [
    programOf(called),
    "reset",
    ...(config === undefined ? [] : ["--config", quoted(config)]),
    // Only the environment of this process says it, and the next command may not have that.
    ...(folder === undefined ? [] : ["--data", quoted(folder)]),
  ].join(" ");
}

function programOf({ argv, env, cwd }: Called): string {
  const folder = cwd();
  if (env["npm_lifecycle_event"] !== undefined && hasScript(env["npm_package_json"], folder))
    return "npm run freshet --";
  const path = argv[1] ?? "freshet";
  if (path.includes("/node_modules/.bin/")) return "npx freshet";
  if (basename(path) === "freshet") return "freshet";
  const near = relative(folder, path);
  return `node ${quoted(near.startsWith("..") ? path : near)}`;
}

/** As in this repository, whose root has no configuration and a script that runs the program as it was built. */
function hasScript(manifest: string | undefined, folder: string): boolean {
  // What a script of npm starts in another folder still has the variables of the first.
  if (manifest === undefined || dirname(manifest) !== folder || !existsSync(manifest)) return false;
  const { scripts } = readJson(readFileSync(manifest, "utf8")) as {
    readonly scripts?: { readonly freshet?: string };
  };
  return scripts?.freshet !== undefined;
}

function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
