/**
 * The log on LMDB: an environment of its own, one value per group commit under the offset of its
 * first record.
 *
 * - D1 The environment belongs to one writer (`ownership.ts`); readers may open it beside.
 * - D2 `write` resolves when the transaction is synced (`lmdb-environment.ts` says how that is
 *   known).
 */

import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "lmdb";
import { LogLockedError, LogUnreadableError, LogWriteError } from "../../engine/port/errors.ts";
import { BatchLog } from "./batch-log.ts";
import type { BatchStore } from "./batch-store.ts";
import { formatVersion } from "./format.ts";
import type { FormattedLog, FormattedLogReader } from "./formatted-log.ts";
import {
  closeEnvironment,
  commitDurably,
  diskBytesFreeMin,
  type Environment,
  type EnvironmentOptions,
  openOwned,
  openReadOnly,
  statOf,
  usedBytes,
} from "./lmdb-environment.ts";
import { BatchLogReader, endOf, headOf } from "./reader.ts";

export type LmdbLogOptions = EnvironmentOptions;

/** One UTF-16 unit takes at most three bytes in UTF-8. */
const utf8BytesPerUnit = 3;
/** What a batch may add to the file beside itself: pages of the trees on the way, and the free list. */
const treeBytesMax = 1024 * 1024;

/**
 * Rejects with LogLockedError (G6), LogWriteError (the folder cannot be made or written),
 * LogCorruptError (the last batch is damaged, so that the end is not known) or LogUnreadableError.
 */
export async function openLmdbLog(options: LmdbLogOptions): Promise<FormattedLog> {
  const environment = await openOwned(options).catch((cause: unknown) => {
    throw openError(options.folder, cause);
  });
  if (environment === undefined) throw lockedError(options.folder);
  try {
    makeMeta(environment);
    return new BatchLog(batchStore(environment));
  } catch (error) {
    await closeEnvironment(environment);
    throw error;
  }
}

/** For tools and other processes: takes no lock and writes nothing. */
export function openLmdbLogReader(options: Pick<LmdbLogOptions, "folder">): FormattedLogReader {
  if (!existsSync(join(options.folder, "data.mdb"))) throw missingError(options.folder);
  return new BatchLogReader(batchStore(openReadOnly(options.folder)));
}

const idKey = "logId";
const versionKey = "formatVersion";
/** Ids in ten digits, so that their order is that of numbers. */
const schemaKey = (id: number): string => `schema/${String(id).padStart(10, "0")}`;

function makeMeta({ root }: Environment): void {
  if (root.get(idKey) !== undefined) return;
  root.transactionSync(() => {
    root.putSync(idKey, randomBytes(9).toString("base64url"));
    root.putSync(versionKey, String(formatVersion));
  });
}

function batchStore(environment: Environment): BatchStore {
  const { root } = environment;
  const version = root.get(versionKey);
  if (version !== String(formatVersion)) throw versionError(version);
  const batches: Database<Uint8Array, number> = root.openDB({ name: "batch", encoding: "binary" });
  const isReader = environment.ownership === undefined;
  // A reader is to see what another process has committed since; the writer's own commits renew by
  // themselves.
  const renew = () => {
    if (isReader) batches.resetReadTxn();
  };
  const schemaKeys = function* (): Generator<string> {
    renew();
    yield* root.getKeys({ start: schemaKey(0), end: "schema0" });
  };
  const nearest = (range: { start?: number; reverse: true } | object): number | undefined => {
    renew();
    for (const key of batches.getKeys({ ...range, limit: 1 })) return key;
    return undefined;
  };
  const store: BatchStore = {
    id: root.get(idKey) ?? "",
    floor: (offset) => nearest({ start: offset, reverse: true }),
    first: () => nearest({}),
    last: () => nearest({ reverse: true }),
    get: (firstOffset) => batches.getBinary(firstOffset),
    schema: (id) => {
      renew();
      return root.get(schemaKey(id));
    },
    schemaIds: () => [...schemaKeys()].map((key) => Number(key.slice("schema/".length))),
    writeSchema: (id, row) =>
      commitDurably(environment, {
        bytesMax: row.length * utf8BytesPerUnit + treeBytesMax,
        start: () => root.put(schemaKey(id), row),
      }),
    write: (firstOffset, batch) =>
      commitDurably(environment, {
        bytesMax: batch.length + treeBytesMax,
        bytesInside: () => usedBytes(environment) - keptBytes(store, statOf(batches, "entryCount")),
        start: () => batches.put(firstOffset, batch),
      }),
    remove: (firstOffsets) =>
      commitDurably(environment, {
        // Not held up by a disk that appends have filled: trimming is what makes room.
        bytesMax: treeBytesMax - diskBytesFreeMin,
        start: () =>
          batches.batch(() => {
            for (const firstOffset of firstOffsets) batches.remove(firstOffset);
          }),
      }),
    soon: setImmediate,
    close: () => closeEnvironment(environment),
  };
  return store;
}

/** What the batches that are kept take at most: each ends in a page that it may not fill. */
function keptBytes(store: BatchStore, count: number): number {
  const bytes = endOf(store).bytes - (headOf(store, store.first())?.bytesBefore ?? 0);
  return bytes + count * pageBytesMax;
}

/** A page has 4 KiB, on some machines 16. */
const pageBytesMax = 16 * 1024;

function lockedError(folder: string): LogLockedError {
  return new LogLockedError({
    message: `the log in "${folder}" is open in another process`,
    hint: "stop the other process, or give this one another data folder",
  });
}

function openError(folder: string, cause: unknown): LogWriteError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LogWriteError({
    message: `the log in "${folder}" cannot be opened: ${why}`,
    hint: "check that the data folder may be written and that its disk has room",
    cause,
  });
}

function missingError(folder: string): LogWriteError {
  return new LogWriteError({
    message: `there is no log in "${folder}"`,
    hint: "check the data folder",
  });
}

function versionError(version: string | undefined): LogUnreadableError {
  return new LogUnreadableError(0, {
    message: `the log has format version ${version ?? "none"}, this program knows ${formatVersion}`,
    hint: "open the data folder with the version of freshet that wrote it, or a newer one",
  });
}
