/**
 * Run as a process of its own: `append` appends without end and prints the last offset that
 * resolved, until it is killed, in the format given; `open` prints the code of the error that opening gives; `read`
 * reads beside the writer; `full` appends until a write fails, says so and waits.
 */
import { writeSync } from "node:fs";
import { openLmdbLog, openLmdbLogReader } from "../../src/adapters/log/lmdb.ts";
import { eventRecords } from "../../src/testing/contract/records.ts";
import { formats, writingAs } from "./log-format.ts";

const [verb, folder = "", format] = process.argv.slice(2);

if (verb === "append") {
  const log = await openLmdbLog({ folder });
  await writingAs(formats.find((one) => one === format) ?? "json", log);
  let next = log.next;
  const append = async (): Promise<never> => {
    for (;;) {
      const size = 1 + (next % 9);
      const done = log.append(eventRecords(next, size));
      next += size;
      const { lastOffset } = await done;
      // Synchronous, so that a line that was read was printed after the append had resolved.
      writeSync(1, `${lastOffset}\n`);
    }
  };
  await Promise.all([append(), append(), append(), append()]);
}

if (verb === "open") {
  try {
    await openLmdbLog({ folder });
    writeSync(1, "opened\n");
  } catch (error) {
    writeSync(1, `${error instanceof Error && "code" in error ? error.code : error}\n`);
  }
}

if (verb === "read") {
  const log = openLmdbLogReader({ folder });
  const count = [...log.read(log.first)].reduce((sum, batch) => sum + batch.records.length, 0);
  writeSync(1, `${log.id} ${log.next} ${log.counted} ${count}\n`);
  await log.close();
}

if (verb === "full") {
  const log = await openLmdbLog({ folder });
  for (;;) {
    try {
      await log.append(eventRecords(log.next, 100));
    } catch (error) {
      writeSync(
        1,
        `${error instanceof Error && "code" in error ? error.code : error} ${log.next}\n`,
      );
      await new Promise(() => setInterval(() => {}, 1000));
    }
  }
}
