import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { PlanDefinition } from "../../core/plan/definition.ts";
import { stateFolder } from "../folder.ts";
import { findServer } from "../letters/client.ts";
import { openForReading } from "../replay-open.ts";
import { type PlaceOptions, peekPlan, readSettings } from "../settings.ts";
import { UsageError } from "../usage-error.ts";
import { folderReader, openFolderLog } from "./folder-reader.ts";
import { serverPlan, serverReader } from "./server-reader.ts";
import type { EventReader } from "./traffic.ts";

/** Where events are read, and the plan that they are held against. */
export interface Place {
  /** As messages call it. */
  readonly name: string;
  readonly reader: EventReader;
  readonly plan: PlanDefinition | undefined;
  close(): Promise<void>;
}

export interface InferPlaceOptions extends PlaceOptions {
  readonly url?: string;
  readonly since?: string;
}

/**
 * With `url` the folder only lends its secret key, as for other verbs that talk to a server. The plan is the
 * configuration's where one is named, or says where the data is; else the one in force in the folder or the server.
 */
export async function openPlace(options: InferPlaceOptions): Promise<Place> {
  const { config, data, url } = options;
  const since = sinceOf(options.since, Date.now());
  if (url !== undefined) return serverPlace(options, since);
  const settings = data === undefined || config !== undefined ? await readSettings(options) : null;
  const folder = settings === null ? resolve(data ?? "") : settings.data;
  const log = openFolderLog(folder);
  try {
    const plan =
      settings === null ? await planInForce(folder) : (await peekPlan(settings)).plan.definition;
    const reader = folderReader(log, since);
    return { name: `"${folder}"`, reader, plan, close: () => log.close() };
  } catch (error) {
    await log.close();
    throw error;
  }
}

async function serverPlace(options: InferPlaceOptions, since: number | undefined): Promise<Place> {
  const server = await findServer(options);
  const plan =
    options.config === undefined
      ? await serverPlan(server)
      : (await peekPlan(await readSettings(options))).plan.definition;
  return { name: server.url, reader: serverReader(server, since), plan, close: async () => {} };
}

/** A folder that nothing was reduced in has no plan yet. */
async function planInForce(data: string): Promise<PlanDefinition | undefined> {
  if (!existsSync(join(stateFolder(data), "data.mdb"))) return undefined;
  const folder = openForReading(data);
  try {
    return folder.meta().manifest.at(-1)?.definition;
  } finally {
    await folder.close();
  }
}

const units: { readonly [unit: string]: number } = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** "2026-05-04", "2026-05-04T12:00:00Z", "90m", "24h", "7d", "2w". */
export function sinceOf(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const ago = /^(\d{1,6})([mhdw])$/.exec(text);
  const unit = units[ago?.[2] ?? ""];
  if (ago !== null && unit !== undefined) return now - Number(ago[1]) * unit;
  const at = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new UsageError(
    `--since is "${text}"`,
    "use a moment such as 2026-05-04T12:00:00Z, or a time ago such as 90m, 24h, 7d",
  );
}
