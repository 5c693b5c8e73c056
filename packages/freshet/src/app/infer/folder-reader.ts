import { existsSync } from "node:fs";
import { join } from "node:path";
import { openLmdbLogReader } from "../../adapters/log/lmdb.ts";
import type { LogRecord } from "../../core/record.ts";
import { LogTrimmedError } from "../../engine/port/errors.ts";
import type { LogReader } from "../../engine/port/log.ts";
import { isFolder, logFolder } from "../folder.ts";
import { offsetAt } from "../replay-open.ts";
import { UsageError } from "../usage-error.ts";
import type { EventReader, LoggedEvent } from "./traffic.ts";

/** Records that are held at once, and those of a batch more: with events of the largest size some 60 MiB. */
const recordsAtOnce = 2000;

/** The log of a data folder, also beside a running server. */
export function openFolderLog(data: string): LogReader {
  if (!isFolder(data))
    throw new UsageError(
      `"${data}" is no data folder`,
      "name one with --data, or a server with --url",
    );
  if (!existsSync(join(logFolder(data), "data.mdb")))
    throw new UsageError(`"${data}" has no log yet`, "start a server on it, or import into it", 1);
  return openLmdbLogReader({ folder: logFolder(data) });
}

/** `since`: nothing that the log took before this moment. */
export function folderReader(log: LogReader, since: number | undefined): EventReader {
  return { read: () => backwards(log, since) };
}

async function* backwards(
  log: LogReader,
  since: number | undefined,
): AsyncGenerator<readonly LoggedEvent[]> {
  const first = since === undefined ? 0 : offsetAt(log, new Date(since).toISOString(), "--since");
  let to = log.next;
  // A running server may trim the log meanwhile.
  while (to > Math.max(first, log.first)) {
    const part = readPart(log, Math.max(first, log.first, to - recordsAtOnce), to);
    if (part === null) return;
    yield part.events.filter(({ offset }) => offset >= first).reverse();
    to = part.from;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Whole batches, in the order of the log, from the one that holds `from`; null where it was trimmed meanwhile. */
function readPart(log: LogReader, from: number, to: number) {
  const part: { from: number; readonly events: LoggedEvent[] } = { from, events: [] };
  try {
    for (const { firstOffset, records } of log.read(from)) {
      if (firstOffset >= to) break;
      part.from = Math.min(part.from, firstOffset);
      for (const [at, record] of records.entries()) {
        const logged = firstOffset + at < to ? loggedEvent(record, firstOffset + at) : null;
        if (logged !== null) part.events.push(logged);
      }
    }
  } catch (error) {
    if (error instanceof LogTrimmedError) return null;
    throw error;
  }
  return part;
}

function loggedEvent(record: LogRecord, offset: number): LoggedEvent | null {
  if (record.kind === "event") return { offset, at: record.at, event: record.event };
  if (record.kind === "deadLetter") return { offset, at: record.at, deadLetter: record.letter };
  return null;
}
