import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { utf8 } from "../adapters/codec/msgpack.ts";
import type { FormattedLogReader } from "../adapters/log/formatted-log.ts";
import { openLmdbLogReader } from "../adapters/log/lmdb.ts";
import { openLmdbStateReader } from "../adapters/state/lmdb.ts";
import type { LogRecord } from "../core/record.ts";
import { type ManifestEntry, planWithoutCode } from "../engine/manifest.ts";
import { type Meta, readMeta } from "../engine/meta.ts";
import { engineLimits } from "../engine/options.ts";
import type { LogReader } from "../engine/port/log.ts";
import type { StateStore } from "../engine/port/state-store.ts";
import type { PlanInForce } from "../engine/replay.ts";
import { logFolder, stateFolder } from "./folder.ts";
import { loadKeptPlan } from "./load.ts";
import { UsageError } from "./usage-error.ts";

/** A data folder for reading, beside whoever owns it. */
export interface ReadFolder {
  readonly log: FormattedLogReader;
  readonly store: StateStore;
  /** What the last checkpoint says, as of this call. */
  meta(): Meta;
  close(): Promise<void>;
}

export function openForReading(data: string): ReadFolder {
  if (
    !existsSync(join(logFolder(data), "data.mdb")) ||
    !existsSync(join(stateFolder(data), "data.mdb"))
  )
    throw new UsageError(`"${data}" holds no log and state`, "name a data folder with --data");
  return readingOf({
    log: openLmdbLogReader({ folder: logFolder(data) }),
    store: openLmdbStateReader({ folder: stateFolder(data) }),
  });
}

export function readingOf({ log, store }: Pick<ReadFolder, "log" | "store">): ReadFolder {
  return {
    log,
    store,
    meta: () => readMeta({ log, store, text: utf8, limits: engineLimits }),
    async close() {
      await log.close();
      await store.close();
    },
  };
}

/** Every plan of the manifest, with the code that was kept for it. */
export async function plansOf(
  data: string,
  manifest: readonly ManifestEntry[],
): Promise<{ readonly plans: readonly PlanInForce[]; readonly warnings: string[] }> {
  const warnings: string[] = [];
  const plans: PlanInForce[] = [];
  for (const entry of manifest) {
    const kept = await loadKeptPlan(data, entry);
    if (kept === null && Object.keys(entry.definition.functions).length > 0)
      warnings.push(
        `the code of plan ${entry.hash} (epoch ${entry.epoch}) is not in the data folder: events that need its functions count as rejected`,
      );
    plans.push({ entry, plan: kept ?? planWithoutCode(entry) });
  }
  return { plans, warnings };
}

/** Offset of a text: a number, or the first record that the log took at or after a moment. */
export function offsetAt(log: LogReader, text: string, name: string): number {
  if (/^\d{1,15}$/.test(text)) return Math.min(Math.max(Number(text), log.first), log.next);
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw new UsageError(
      `${name} is "${text}"`,
      "use a log offset, or a moment such as 2026-05-04T12:00:00Z",
    );
  let [low, high] = [log.first, log.next];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const record: LogRecord | undefined = log.get(middle);
    if (record === undefined || record.at < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A folder of its own for a replay: the first free `replay-<n>`. */
export function newReplayFolder(data: string): string {
  for (let number = 1; ; number++) {
    const folder = join(data, `replay-${number}`);
    if (existsSync(folder)) continue;
    mkdirSync(folder, { recursive: true });
    return folder;
  }
}
