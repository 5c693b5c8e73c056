import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { checkContracts } from "../accept/index.ts";
import { type CompiledPlan, compilePlan } from "../core/plan/compile.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { ManifestEntry } from "../engine/manifest.ts";
import type { FreshetConfig } from "./config.ts";
import { UsageError } from "./usage-error.ts";

export interface LoadedPlan {
  readonly plan: Plan;
  /** Files that were bundled: what a watcher looks at. */
  readonly files: readonly string[];
  /** Folder that table files are relative to. */
  readonly folder: string;
}

/**
 * Bundles a plan's file with everything it imports into one module of the data folder, and loads that. The module
 * is kept under the plan's hash: a tail of the log that this plan accepted can be reduced by the same code after
 * the file has changed (DESIGN 3, rule 10).
 */
export async function loadPlan(file: string, data: string): Promise<LoadedPlan> {
  if (!existsSync(file))
    throw new UsageError(
      `there is no plan at "${file}"`,
      'name its file in the configuration: plan: "./plan.ts"',
      1,
    );
  const folder = join(data, "plans");
  // The builders are bundled in: the kept module stands alone.
  const { path, files } = await bundle(file, folder, []);
  try {
    const plan = await importDefault(path, file);
    if (!isPlan(plan))
      throw new UsageError(
        `"${file}" does not export a plan`,
        "end it with: export default definePlan({ ... })",
        1,
      );
    checkSchemas(plan, file);
    const kept = join(folder, `${plan.hash}.mjs`);
    if (!existsSync(kept)) renameSync(path, kept);
    return { plan, files, folder: dirname(resolve(file)) };
  } finally {
    // What is kept already, or cannot be used: otherwise each save would leave a file.
    rmSync(path, { force: true });
  }
}

/** Throws a UsageError that names the line of a schema that cannot be used. */
export function checkSchemas(plan: Plan, source: string): void {
  try {
    checkContracts(plan);
  } catch (error) {
    throw describeFailure(error, source);
  }
}

/** Code of an earlier plan of this data folder, or null where it was not kept. */
export async function loadKeptPlan(
  data: string,
  entry: Pick<ManifestEntry, "hash">,
): Promise<CompiledPlan | null> {
  const path = join(data, "plans", `${entry.hash}.mjs`);
  if (!existsSync(path)) return null;
  const plan = await importDefault(path, path);
  return isPlan(plan) ? compilePlan(plan) : null;
}

export async function loadConfig(file: string): Promise<FreshetConfig> {
  const path = resolve(file);
  if (!existsSync(path))
    throw new UsageError(
      `there is no configuration at "${path}"`,
      "name one with --config, or run in its folder",
    );
  const { path: bundled } = await bundle(
    path,
    join(dirname(path), "node_modules", ".cache", "freshet"),
    ["freshet", "fastify"],
  );
  const config = await importDefault(bundled, path).finally(() => rmSync(bundled, { force: true }));
  if (config === null || typeof config !== "object" || !("plan" in config))
    throw new UsageError(
      `"${path}" does not export a configuration`,
      'end it with: export default defineConfig({ plan: "./plan.ts" })',
    );
  return config as FreshetConfig;
}

/** esbuild is loaded here only: a server that runs from a kept plan never pays for it. */
async function bundle(
  file: string,
  folder: string,
  external: string[],
): Promise<{ path: string; files: string[] }> {
  const { build } = await import("esbuild");
  try {
    const result = await build({
      entryPoints: [resolve(file)],
      bundle: true,
      write: false,
      platform: "node",
      format: "esm",
      target: "node22",
      sourcemap: "inline",
      // Not written: it says from where the paths of the source map lead to the sources.
      outfile: join(resolve(folder), "load.mjs"),
      logLevel: "silent",
      metafile: true,
      external,
      banner: { js: requireBanner },
    });
    const code = result.outputFiles[0]?.text ?? "";
    const hash = createHash("sha256").update(code).digest("hex").slice(0, 16);
    mkdirSync(folder, { recursive: true });
    // Two processes may load the same file at the same time, and each removes its own.
    const path = join(folder, `load-${process.pid}-${hash}.mjs`);
    writeFileSync(path, code);
    return { path, files: Object.keys(result.metafile.inputs).map((input) => resolve(input)) };
  } catch (error) {
    throw new UsageError(
      `"${file}" could not be read: ${buildMessage(error)}`,
      "mend the line that is named",
      1,
    );
  }
}

/** CommonJS packages inside a bundle look for `require`. */
const requireBanner =
  'import { createRequire as freshetRequire } from "node:module"; const require = freshetRequire(import.meta.url);';

interface BuildFailure {
  readonly errors: readonly {
    readonly text: string;
    readonly location: {
      readonly file: string;
      readonly line: number;
      readonly column: number;
    } | null;
  }[];
}

function buildMessage(error: unknown): string {
  const first = (error as Partial<BuildFailure>).errors?.[0];
  if (first === undefined) return error instanceof Error ? error.message : String(error);
  const { location } = first;
  return location === null
    ? first.text
    : `${first.text} (${location.file}:${location.line}:${location.column + 1})`;
}

/** With source maps on, stacks name the lines of the plan, not those of the bundle. */
async function importDefault(path: string, source: string): Promise<unknown> {
  process.setSourceMapsEnabled(true);
  try {
    const loaded = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
    return loaded.default;
  } catch (error) {
    throw describeFailure(error, source);
  }
}

/** A plan's own error says what and where; anything else that the file threw is shown with its line too. */
function describeFailure(error: unknown, source: string): UsageError {
  const { name, message, hint, origin, stack } = error as Error & {
    hint?: string;
    origin?: string;
  };
  const place = firstOwnLine(origin ?? stack ?? "");
  const where = place === null ? `"${source}"` : place;
  if (name === "PlanError")
    return new UsageError(`${message} (${where})`, hint ?? "mend the plan", 1);
  return new UsageError(
    `${where} threw ${name ?? "an error"}: ${message ?? String(error)}`,
    "mend the file",
    1,
  );
}

/** First frame that is not of the builders. */
function firstOwnLine(stack: string): string | null {
  for (const line of stack.split("\n")) {
    const found = /\(?((?:file:\/\/)?\/[^()]+:\d+:\d+)\)?$/.exec(line.trim())?.[1];
    if (found === undefined || found.includes("/core/plan/") || found.includes("node:")) continue;
    return found.replace("file://", "");
  }
  return null;
}

function isPlan(value: unknown): value is Plan {
  return (
    typeof value === "object" &&
    value !== null &&
    "definition" in value &&
    "functions" in value &&
    "hash" in value
  );
}
