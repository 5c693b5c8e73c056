/**
 * The settings that log and state share, with what was found out about lmdb-js 3.5.
 *
 * Durable: with `overlappingSync: false` the promise of `put` and `batch` resolves after
 * `mdb_txn_commit` has returned, which writes the pages, calls `fdatasync`, then writes the meta
 * page through a descriptor opened with O_DSYNC (seen with strace, in that order, before the
 * promise resolves). With `overlappingSync: true`, the default, the same promise means visible
 * only, and `flushed` means durable.
 *
 * `eventTurnBatching: false`: with it on, a failed commit rejects a second promise that nobody gets
 * to see, and the unhandled rejection ends the process. Off, several changes go into one
 * transaction by `batch`.
 *
 * A full disk is found before LMDB is asked, by the room that the file system reports: nothing is
 * kept, and the next commit may succeed. It must not come to LMDB: where a page cannot be written,
 * lmdb-js 3.5.6 prints a message of more than 100 characters into 100 bytes (`mdb.c`, line 4742) and
 * so damages the heap; seen as an abort soon after. And after a failed sync nobody can say what is
 * on disk. So an environment in which a commit has failed all the same takes no more commits: what
 * is on disk is sound, and the process is to start again.
 *
 * `process.exit()` with a write in flight hung in 5 of 75 runs: await `close()` first.
 */
import { mkdirSync, statfsSync } from "node:fs";
import { open, type RootDatabase } from "lmdb";
import { type OwnerCell, type Ownership, takeOwnership } from "./ownership.ts";

export interface Environment {
  readonly root: RootDatabase<string, string>;
  /** Undefined where it was opened for reading. */
  readonly ownership: Ownership | undefined;
  readonly bytesFree: () => number;
  /** Why LMDB failed to commit; it is not asked again. */
  failure: unknown;
}

export interface EnvironmentOptions {
  /** Made where it is not there. */
  readonly folder: string;
  /** Bytes that the file system has left for us; given by tests. */
  readonly bytesFree?: () => number;
}

export function openReadOnly(folder: string): Environment {
  const bytesFree = () => 0;
  return { root: openRoot(folder, true), ownership: undefined, bytesFree, failure: undefined };
}

/** Undefined while another process, or another part of this one, owns the folder. */
export async function openOwned(options: EnvironmentOptions): Promise<Environment | undefined> {
  const { folder, bytesFree = () => bytesFreeIn(folder) } = options;
  mkdirSync(folder, { recursive: true });
  const root = openRoot(folder, false);
  try {
    const ownership = await takeOwnership(cellOf(root), folder);
    if (ownership !== undefined) return { root, ownership, bytesFree, failure: undefined };
    await root.close();
    return undefined;
  } catch (error) {
    await root.close();
    throw error;
  }
}

export async function closeEnvironment(environment: Environment): Promise<void> {
  try {
    await environment.ownership?.release();
  } finally {
    await environment.root.close();
  }
}

/** Room that is left alone, so that a full disk stops appends while checkpoints and trims still work. */
export const diskBytesFreeMin = 64 * 1024 * 1024;

/** The file may still grow by this much where the room inside is in pieces that are too small. */
const fragmentBytesMax = 8 * 1024 * 1024;

/** Changes that go into one transaction, with the most bytes that they may add to the file. */
export interface Commit {
  readonly bytesMax: number;
  /** Bytes inside the file that a trim has freed and LMDB uses again; asked when the disk is short. */
  readonly bytesInside?: () => number;
  readonly start: () => Promise<boolean>;
}

/** Resolves when the changes are durable. Where it rejects, nothing of them is kept. */
export async function commitDurably(environment: Environment, commit: Commit): Promise<void> {
  const { failure } = environment;
  if (failure !== undefined) {
    throw new Error("an earlier write failed; start the process again", { cause: failure });
  }
  const bytesFree = environment.bytesFree();
  if (!hasRoom(commit, bytesFree)) throw new Error(`only ${bytesFree} bytes are free on the disk`);
  try {
    await commit.start();
  } catch (error) {
    environment.failure = await reasonOf(error);
    throw environment.failure;
  }
}

/** LMDB's file never shrinks: after a trim the room is inside, though the disk looks full. */
function hasRoom({ bytesMax, bytesInside }: Commit, bytesFree: number): boolean {
  if (bytesFree >= bytesMax + diskBytesFreeMin) return true;
  if (bytesInside === undefined || bytesFree < bytesMax + fragmentBytesMax) return false;
  return bytesInside() >= bytesMax + diskBytesFreeMin;
}

function bytesFreeIn(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Bytes of the file that LMDB has ever used. */
export function usedBytes({ root }: Environment): number {
  return statOf(root, "pageSize") * (statOf(root, "lastPageNumber") + 1);
}

/** A number of LMDB's statistics of a database, 0 where it has none. */
export function statOf(database: { getStats(): object }, name: string): number {
  const value: unknown = Reflect.get(database.getStats(), name);
  return typeof value === "number" ? value : 0;
}

function openRoot(folder: string, readOnly: boolean): RootDatabase<string, string> {
  return open<string, string>({
    path: folder,
    // Without it lmdb-js takes a folder whose name has a dot for a file.
    noSubdir: false,
    readOnly,
    encoding: "string",
    maxDbs: 16,
    overlappingSync: false,
    eventTurnBatching: false,
  });
}

const ownerKey = "owner";

function cellOf(root: RootDatabase<string, string>): OwnerCell {
  const read = () => root.get(ownerKey);
  return {
    read: () => {
      root.resetReadTxn();
      return read();
    },
    swap: (expected, next) =>
      root.transactionSync(() => {
        if (read() !== expected) return false;
        if (next === undefined) root.removeSync(ownerKey);
        else root.putSync(ownerKey, next);
        return true;
      }),
  };
}

/**
 * lmdb-js rejects with "see commitError", a promise that rejects with the reason and must be
 * handled.
 */
async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !("commitError" in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (reason) {
    return reason;
  }
}
