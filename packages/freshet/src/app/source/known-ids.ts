import { existsSync } from "node:fs";
import { openLmdbLogReader } from "../../adapters/log/lmdb.ts";
import { deliveriesMax } from "../../adapters/source/deliveries.ts";
import { logFolder } from "../folder.ts";

/**
 * The last message ids of each of these sources that the log has, oldest first: what a broker sends again after a
 * crash is told by them. Read before the folder is opened, from the end of the log alone.
 */
export async function knownIds(
  data: string,
  sources: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const ids = new Map(sources.map((source) => [source, [] as string[]]));
  if (ids.size === 0 || !existsSync(logFolder(data))) return ids;
  const log = openLmdbLogReader({ folder: logFolder(data) });
  try {
    for (const { records } of log.read(Math.max(log.first, log.next - recordsMax)))
      for (const record of records) {
        const found =
          record.kind === "event"
            ? record.event
            : record.kind === "deadLetter"
              ? record.letter
              : null;
        if (found !== null) ids.get(found.source)?.push(found.id);
      }
  } finally {
    await log.close();
  }
  return new Map([...ids].map(([source, all]) => [source, all.slice(-deliveriesMax)]));
}

/** What was unacknowledged at a crash was appended in the last moments: this is more than a second of any load. */
const recordsMax = 250_000;
