import { join } from "node:path";
import type { Json } from "@freshet/protocol";
import { openLmdbLogReader } from "../../src/adapters/log/lmdb.ts";
import { openFolder } from "../../src/app/folder.ts";
import { builtInMapping } from "../../src/app/import/built-in.ts";
import { formatOf } from "../../src/app/import/file.ts";
import { type ImportOptions, type ImportReport, importFile } from "../../src/app/import/import.ts";
import { findMapping } from "../../src/app/import/open.ts";
import { openFolderTarget } from "../../src/app/import/target.ts";
import { visitorKeyOf } from "../../src/app/import/visitor-key.ts";
import { type LoadedPlan, loadPlan } from "../../src/app/load.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import { ProfileView } from "../../src/core/view.ts";

export const historyFolder = join(import.meta.dirname, "../../../../examples/history");
export const sample = (name: string): string => join(historyFolder, "sample", name);

const plans = new Map<string, LoadedPlan>();

/** The plan of `examples/history` for files of the web. */
export async function webPlan(data: string): Promise<LoadedPlan> {
  const plan = plans.get(data) ?? (await loadPlan(join(historyFolder, "web-plan.ts"), data));
  plans.set(data, plan);
  return plan;
}

export interface Changes extends Partial<ImportOptions> {
  /** Import of the plan; what comes with the format unless said. */
  readonly mappingName?: string;
  readonly usesSegmentNames?: boolean;
}

/** As the command does it. */
export async function bringInWeb(
  data: string,
  file: string,
  { mappingName, usesSegmentNames = true, ...changes }: Changes = {},
): Promise<ImportReport> {
  const plan = await webPlan(data);
  const format = changes.format ?? (await formatOf(file));
  const visitorKey = visitorKeyOf(data);
  const mapping =
    mappingName === undefined
      ? builtInMapping(format, { visitorKey, usesSegmentNames })
      : findMapping(plan.plan.definition, mappingName);
  if (mapping === null) throw new Error(`"${format}" has no mapping of its own`);
  const target = () => openFolderTarget(data, plan);
  return importFile({ file, format, mapping, data, target, ...changes });
}

export interface WebHistory {
  readonly ledger: { readonly [name: string]: number };
  /** Features of each profile, by its id. */
  readonly profiles: ReadonlyMap<string, { readonly [feature: string]: Json }>;
  readonly codes: readonly string[];
}

/** What the folder has; profiles are those that events were written for. */
export async function lookWeb(data: string): Promise<WebHistory> {
  const plan = compilePlan((await webPlan(data)).plan);
  const keys = await keysInLog(data);
  const folder = await openFolder(data, { plan });
  try {
    const now = folder.clock.now();
    const profiles = new Map<string, { [feature: string]: Json }>();
    for (const key of keys) {
      const found = folder.engine.profile(key);
      if (found === null) continue;
      const view = new ProfileView(plan, found.state, now);
      const names = [...plan.slotOf.keys()];
      profiles.set(
        found.profileId,
        Object.fromEntries(names.map((name) => [name, view.feature(name)])),
      );
    }
    const letters = folder.engine.deadLetters.list({ limit: 1000 });
    return {
      ledger: { ...folder.engine.ledger() },
      profiles,
      codes: letters.map(({ code }) => code),
    };
  } finally {
    await folder.close();
  }
}

async function keysInLog(data: string): Promise<Set<string>> {
  const log = openLmdbLogReader({ folder: join(data, "log") });
  const keys = new Set<string>();
  for (const { records } of log.read(0))
    for (const record of records) if (record.kind === "event") keys.add(record.key);
  await log.close();
  return keys;
}
