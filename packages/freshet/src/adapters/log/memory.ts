import { LogLockedError } from "../../engine/port/errors.ts";
import { BatchLog } from "./batch-log.ts";
import type { BatchStore } from "./batch-store.ts";
import { readHead } from "./format.ts";
import type { FormattedLog, FormattedLogReader } from "./formatted-log.ts";
import type { MemoryDisk } from "./memory-disk.ts";
import { BatchLogReader } from "./reader.ts";

const lockName = "log";

/**
 * The log on a `MemoryDisk`. What was opened before a crash of the disk is dead and stays silent.
 */
export async function openMemoryLog(disk: MemoryDisk): Promise<FormattedLog> {
  if (!disk.lock(lockName)) throw lockedError();
  dropTornBatch(disk);
  return new BatchLog(batchStore(disk));
}

export function openMemoryLogReader(disk: MemoryDisk): FormattedLogReader {
  return new BatchLogReader({ ...batchStore(disk), close: async () => {} });
}

/**
 * A write that was cut by the crash was never acknowledged, so it is forgotten (G5). Only the last
 * can be.
 */
function dropTornBatch(disk: MemoryDisk): void {
  const last = [...disk.batches.keys()].at(-1);
  const bytes = last === undefined ? undefined : disk.batches.get(last);
  if (last === undefined || bytes === undefined) return;
  try {
    readHead(bytes, last);
  } catch {
    disk.batches.delete(last);
  }
}

function batchStore(disk: MemoryDisk): BatchStore {
  const { batches, schemas, epoch } = disk;
  const keys = new SortedKeys(batches);
  const never = new Promise<void>(() => {});
  const isDead = () => disk.epoch !== epoch;
  return {
    id: disk.logId,
    floor: (offset) => keys.floor(offset),
    first: () => keys.at(0),
    last: () => keys.at(-1),
    get: (firstOffset) => batches.get(firstOffset),
    schema: (id) => schemas.get(id),
    schemaIds: () => [...schemas.keys()].sort((a, b) => a - b),
    writeSchema: (id, row) =>
      isDead() ? never : disk.submit({ apply: () => schemas.set(id, row) }),
    write: (firstOffset, batch) => {
      if (isDead()) return never;
      const bytes = Uint8Array.from(batch);
      return disk.submit({
        apply: () => batches.set(firstOffset, bytes),
        tear: (share) => batches.set(firstOffset, bytes.slice(0, Math.floor(share * bytes.length))),
      });
    },
    remove: (firstOffsets) => {
      if (isDead()) return never;
      return disk.submit({
        apply: () => {
          for (const firstOffset of firstOffsets) batches.delete(firstOffset);
        },
      });
    },
    soon: (callback) => {
      if (!isDead()) disk.soon(callback);
    },
    close: async () => {
      if (!isDead()) disk.unlock(lockName);
    },
  };
}

/**
 * Keys of the batches in order; a map keeps them in the order of writing, which is that of the
 * offsets.
 */
class SortedKeys {
  readonly #batches: ReadonlyMap<number, Uint8Array>;

  constructor(batches: ReadonlyMap<number, Uint8Array>) {
    this.#batches = batches;
  }

  at(index: 0 | -1): number | undefined {
    if (index === 0) return this.#batches.keys().next().value;
    return [...this.#batches.keys()].at(-1);
  }

  floor(offset: number): number | undefined {
    let nearest: number | undefined;
    for (const key of this.#batches.keys()) {
      if (key > offset) break;
      nearest = key;
    }
    return nearest;
  }
}

function lockedError(): LogLockedError {
  return new LogLockedError({
    message: "the log on this memory disk is open already",
    hint: "close it, or crash the disk",
  });
}
