import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { findConfig, type Settings, settingsOf } from "./config.ts";
import { checkSchemas, type LoadedPlan, loadConfig, loadPlan } from "./load.ts";
import { UsageError } from "./usage-error.ts";

/** What every verb may be told about where things are. */
export interface PlaceOptions {
  /** Path of the configuration; the nearest `freshet.config.ts` unless said. */
  readonly config?: string;
  /** Data folder; wins over configuration and environment. */
  readonly data?: string;
}

/** Finds and reads the configuration that a verb works with. */
export async function readSettings(options: PlaceOptions): Promise<Settings> {
  const file = options.config ?? findConfig(process.cwd());
  if (file === null)
    throw new UsageError(
      "there is no freshet.config.ts here or in a folder above",
      "name one with --config <file>, or run in your project's folder",
    );
  const settings = settingsOf(await loadConfig(file), dirname(resolve(file)), process.env);
  return options.data === undefined ? settings : { ...settings, data: resolve(options.data) };
}

/** The plan of the configuration, bundled into the data folder where it comes from a file. */
export async function planOfSettings(settings: Settings): Promise<LoadedPlan> {
  if (typeof settings.plan === "string") return loadPlan(settings.plan, settings.data);
  checkSchemas(settings.plan, "the plan of the configuration");
  return { plan: settings.plan, files: [], folder: process.cwd() };
}

/** The same for verbs that only look: nothing is written into the data folder. */
export async function peekPlan(settings: Settings): Promise<LoadedPlan> {
  const scratch = mkdtempSync(join(tmpdir(), "freshet-plan-"));
  try {
    return await planOfSettings({ ...settings, data: scratch });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
