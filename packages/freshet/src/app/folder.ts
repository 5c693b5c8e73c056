import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "@freshet/protocol";
import { systemClock } from "../adapters/clock/system.ts";
import { msgpackCodec, utf8 } from "../adapters/codec/msgpack.ts";
import type { FormattedLog } from "../adapters/log/formatted-log.ts";
import { openLmdbLog } from "../adapters/log/lmdb.ts";
import { openLmdbState } from "../adapters/state/lmdb.ts";
import type { CompiledPlan } from "../core/plan/compile.ts";
import { Engine } from "../engine/engine.ts";
import { type EngineLimits, engineLimits } from "../engine/options.ts";
import type { Clock } from "../engine/port/clock.ts";
import { type EngineListener, silentListener } from "../engine/port/listener.ts";
import { loadKeptPlan } from "./load.ts";
import { UsageError } from "./usage-error.ts";
import { partSuffix, writeWhole } from "./write-whole.ts";

export interface FolderOptions {
  readonly plan: CompiledPlan;
  readonly listener?: EngineListener;
  readonly limits?: Partial<EngineLimits>;
}

/** A data folder that is open: the engine over its log and state. */
export interface OpenFolder {
  readonly engine: Engine;
  /** The engine's own: to say how it writes events. */
  readonly log: FormattedLog;
  readonly clock: Clock;
  close(): Promise<void>;
}

const markerName = "freshet.json";
const folderFormat = 1;

export const logFolder = (data: string): string => join(data, "log");
export const stateFolder = (data: string): string => join(data, "state");
export const registryFolder = (data: string): string => join(data, "registry");

/** Opens log, state and engine of a data folder, and makes the folder where there is none. */
export async function openFolder(data: string, options: FolderOptions): Promise<OpenFolder> {
  markFolder(data);
  const clock = systemClock();
  const log = await openLmdbLog({ folder: logFolder(data) });
  const store = await openLmdbState({ folder: stateFolder(data) }).catch(async (error: unknown) => {
    await log.close();
    throw error;
  });
  try {
    const engine = await Engine.open({
      log,
      store,
      clock,
      codec: msgpackCodec(),
      text: utf8,
      listener: options.listener ?? silentListener,
      plan: options.plan,
      loadPlan: (entry) => loadKeptPlan(data, entry),
      limits: { ...engineLimits, ...options.limits },
    });
    return {
      engine,
      log,
      clock,
      async close() {
        await engine.close();
        await store.close();
        await log.close();
      },
    };
  } catch (error) {
    await store.close();
    await log.close();
    throw error;
  }
}

/** Writes down what the folder is, and refuses one of a later format. */
export function markFolder(data: string): void {
  const path = join(data, markerName);
  if (existsSync(path)) {
    const { format } = readJson(readFileSync(path, "utf8")) as { readonly format: number };
    if (format > folderFormat)
      throw new UsageError(
        `"${data}" has format ${format}, and this version knows ${folderFormat}`,
        "run the version that wrote it, or a later one",
        1,
      );
    return;
  }
  refuseForeign(data);
  mkdirSync(data, { recursive: true });
  writeWhole(path, `${JSON.stringify({ format: folderFormat }, null, 2)}\n`);
}

/** What a first start may have written before it was cut off. */
const ownNames = [markerName, "keys.json", "plans", "log", "state", "registry"];
const isOwn = (name: string): boolean => ownNames.includes(name.replace(partSuffix, ""));

/** `reset` deletes a marked folder with all that is in it: somebody's own files must never get the mark. */
function refuseForeign(data: string): void {
  const foreign = existsSync(data) ? readdirSync(data).filter((name) => !isOwn(name)) : [];
  if (foreign.length === 0) return;
  throw new UsageError(
    `"${data}" is not a data folder of Freshet, and has files of its own: "${foreign[0]}"`,
    "name an empty folder, or one that does not exist, with --data",
    1,
  );
}

/** True for folders that this program made: what `reset` may delete. */
export function isFolder(data: string): boolean {
  return existsSync(join(data, markerName));
}
