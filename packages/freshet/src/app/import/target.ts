import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { type Sources, sourcesOf } from "../../accept/index.ts";
import { openLmdbLogReader } from "../../adapters/log/lmdb.ts";
import { compilePlan } from "../../core/plan/compile.ts";
import { createAcceptState } from "../../server/accept-state.ts";
import { acceptHistory, type History } from "../../server/route/history.ts";
import { logFolder, type OpenFolder, openFolder } from "../folder.ts";
import type { LoadedPlan } from "../load.ts";
import { refreshTables } from "../tables.ts";

/** What became of a batch that is on disk. */
export interface SentBatch {
  readonly accepted: number;
  readonly rejected: readonly {
    readonly messageId: string;
    readonly code: string;
    readonly message: string;
  }[];
  /** Where the log went on behind it; null where that is not known here. */
  readonly offset: number | null;
}

/** Where rows go: a data folder of this process, or a server. */
export interface ImportTarget {
  /** For people: which folder, which address. */
  readonly place: string;
  /** Resolves when there is room for another batch. */
  room(): Promise<void>;
  /** Resolves when the rows are on disk. Calls may overlap; their rows come into the log in the order of the calls. */
  send(history: History): Promise<SentBatch>;
  /** Resolves when everything sent is reduced: duplicates among it, or null where only the server knows. */
  settle(): Promise<number | null>;
  close(): Promise<void>;
}

/** Records on disk that are not reduced yet; past it the next batch waits. */
const inFlightMax = 8000;

/**
 * A data folder that nobody uses: log and engine run in this process, and `prepare` sees it before the first row.
 * Rejects with LogLockedError otherwise.
 */
export async function openFolderTarget(
  data: string,
  loaded: LoadedPlan,
  sources: Sources = sourcesOf([]),
  prepare: (folder: OpenFolder) => Promise<void> = async () => {},
): Promise<ImportTarget> {
  const folder = await openFolder(data, {
    plan: compilePlan(loaded.plan),
    // A checkpoint writes a busy profile again each time, and nobody reads meanwhile.
    limits: { checkpointMs: 2000, liveKeysMax: 200_000 },
  });
  const { engine, clock } = folder;
  try {
    await prepare(folder);
    await refreshTables(engine, clock, loaded.folder);
  } catch (error) {
    await folder.close();
    throw error;
  }
  const acceptState = createAcceptState({
    plan: () => engine.plan,
    tables: () => engine.tables,
    partitions: () => engine.partitions,
    sources,
    clock,
    randomId: () => randomUUID(),
  });
  const duplicatesBefore = engine.counters.duplicate;
  return {
    place: data,
    async room() {
      while (engine.ledger().inFlight > inFlightMax) await clock.yield();
    },
    async send(history) {
      const { records, accepted, rejected } = acceptHistory(history, acceptState.context());
      const receipt = await engine.append(records);
      return { accepted, rejected, offset: (engine.offsetOf(receipt) ?? -1) + 1 };
    },
    async settle() {
      await engine.drain();
      return engine.counters.duplicate - duplicatesBefore;
    },
    close: () => folder.close(),
  };
}

/**
 * Rows of an import that the log has at `offset` or later, with the code of those that were rejected. A row with an
 * id of its own is not found: its id keeps it from counting twice.
 */
export async function rowsInLog(
  data: string,
  name: string,
  { source, offset }: { readonly source: string; readonly offset: number },
): Promise<Map<number, string | null>> {
  const rows = new Map<number, string | null>();
  if (!existsSync(logFolder(data))) return rows;
  const log = openLmdbLogReader({ folder: logFolder(data) });
  try {
    const prefix = `${name}:`;
    for (const { records } of log.read(Math.max(offset, log.first)))
      for (const record of records) {
        const found =
          record.kind === "event"
            ? { ...record.event, code: null }
            : record.kind === "deadLetter"
              ? record.letter
              : null;
        if (found?.source === source && found.id.startsWith(prefix))
          rows.set(Number(found.id.slice(prefix.length)), found.code);
      }
  } finally {
    await log.close();
  }
  return rows;
}
