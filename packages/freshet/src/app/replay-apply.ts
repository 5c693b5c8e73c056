import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { utf8 } from "../adapters/codec/msgpack.ts";
import type { FormattedLog } from "../adapters/log/formatted-log.ts";
import { openLmdbLog } from "../adapters/log/lmdb.ts";
import { openLmdbState } from "../adapters/state/lmdb.ts";
import type { CompiledPlan } from "../core/plan/compile.ts";
import { isCounted } from "../core/record.ts";
import { type ManifestEntry, nextEntry } from "../engine/manifest.ts";
import { metaChanges, readMeta } from "../engine/meta.ts";
import { engineLimits } from "../engine/options.ts";
import { LogLockedError, StateLockedError } from "../engine/port/errors.ts";
import type { Log } from "../engine/port/log.ts";
import type { StateStore } from "../engine/port/state-store.ts";
import { copyTables, type Replayer } from "../engine/replay.ts";
import { logFolder, openFolder, stateFolder } from "./folder.ts";
import { UsageError } from "./usage-error.ts";

/** A data folder that is held, so that nobody reduces while its state is exchanged. */
export interface HeldFolder {
  readonly log: FormattedLog;
  readonly store: StateStore;
  close(): Promise<void>;
}

/**
 * Brings the folder to rest (everything that the log has is reduced under the plan in force) and holds it. Throws
 * UsageError while a server has it.
 */
export async function holdFolder(data: string, plan: CompiledPlan): Promise<HeldFolder> {
  try {
    await bringToRest(data, plan);
    const log = await openLmdbLog({ folder: logFolder(data) });
    const store = await openLmdbState({ folder: stateFolder(data) }).catch(
      async (error: unknown) => {
        await log.close();
        throw error;
      },
    );
    return {
      log,
      store,
      async close() {
        await store.close();
        await log.close();
      },
    };
  } catch (error) {
    if (error instanceof LogLockedError || error instanceof StateLockedError)
      throw new UsageError(
        `"${data}" is in use by a running server`,
        "stop it first: --apply exchanges the state under it",
        1,
      );
    throw error;
  }
}

/** Until what records sent to other keys is reduced too: under another plan it would be ignored, and its effects lost. */
async function bringToRest(data: string, plan: CompiledPlan): Promise<void> {
  const { engine, close } = await openFolder(data, { plan });
  let reduced = -1;
  while (reduced < engine.status().nextOffset) {
    reduced = engine.status().nextOffset;
    await engine.drain();
    // A checkpoint waits until everything that was sent is in the log.
    await engine.checkpoint();
  }
  await close();
}

export interface ApplyOptions {
  readonly data: string;
  readonly held: HeldFolder;
  readonly replayer: Replayer;
  /** Where the replay has its state; closed here. */
  readonly own: StateStore;
  readonly folder: string;
  /** The plan that takes over; absent where the state is built again under the plans as they were. */
  readonly plan?: CompiledPlan;
}

/**
 * Makes the replayed state the state of the folder.
 *
 * - A1 states, timers and what partitions hold are the replay's; the deduplication window, the outbox, dead letters
 *   and counters stay those of the old state: nothing that was sent is sent again, nothing is counted twice.
 * - A2 the exchange is one rename of one file: a crash before it leaves the old state, after it the new one.
 * - A3 the old state stays as `state-before.mdb` in the replay's folder.
 */
export async function applyReplay(options: ApplyOptions): Promise<void> {
  const { data, held, replayer, own, folder } = options;
  const old = readMeta({ log: held.log, store: held.store, text: utf8, limits: engineLimits });
  checkTail(held.log, old.position);
  await copyTables(held.store, own, ["dedup", "outbox", "deadLetter"]);
  const manifest = [
    ...old.manifest,
    ...(options.plan === undefined ? [] : [takeOver(old.manifest, options)]),
  ];
  await own.commit(
    metaChanges(
      {
        position: {
          position: replayer.position,
          logId: old.logId,
          counters: old.counters,
          partitions: replayer.partitions.map((partition) => partition.snapshot()),
          outboxSequence: old.outboxSequence,
          deadLetters: old.deadLetters,
          ...(old.deadLetterBytes === undefined ? {} : { deadLetterBytes: old.deadLetterBytes }),
          deadLettersDropped: old.deadLettersDropped ?? 0,
          dedupSlices: old.dedupSlices,
          dedupStart: old.dedupStart,
          dedupShrunk: old.dedupShrunk,
        },
        manifest,
        tables: [...old.tables],
      },
      utf8,
    ),
  );
  await own.close();
  await held.store.close();
  exchange(data, folder);
}

/** Behind the checkpoint of a folder at rest are only records of the system itself, which the replay has handled. */
function checkTail(log: Log, position: number): void {
  for (const { firstOffset, records } of log.read(Math.max(position, log.first)))
    for (const [index, record] of records.entries())
      if (firstOffset + index >= position && isCounted(record))
        throw new Error(
          `record ${firstOffset + index} came into the log while the folder was held`,
        );
}

/** Features count from the beginning: the replay has seen everything. */
function takeOver(
  manifest: readonly ManifestEntry[],
  { replayer, plan }: ApplyOptions,
): ManifestEntry {
  const at = Math.max(...replayer.partitions.map(({ clock }) => clock));
  const entry = nextEntry(manifest, plan ?? replayer.plan, { fromOffset: replayer.position, at });
  const since = Object.fromEntries(Object.keys(entry.since).map((hash) => [hash, 0]));
  return { ...entry, since, backfilled: true };
}

const file = "data.mdb";

function exchange(data: string, folder: string): void {
  const target = stateFolder(data);
  linkSync(join(target, file), join(folder, "state-before.mdb"));
  // LMDB keeps the number of the last transaction in it: left behind, it would be that of the old file.
  for (const lock of ["lock.mdb", "data.mdb-lock"])
    if (existsSync(join(target, lock))) rmSync(join(target, lock));
  renameSync(join(folder, "state", file), join(target, file));
  for (const path of [target, folder]) syncFolder(path);
  rmSync(join(folder, "state"), { recursive: true });
}

/** Not everywhere may a folder be opened for this; where not, the file system sees to it by itself. */
function syncFolder(path: string): void {
  try {
    const handle = openSync(path, "r");
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // Windows refuses to open a folder.
  }
}
