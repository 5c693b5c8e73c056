/** Makes the small files of the web under `sample/`: `node make-web-samples.ts` must change nothing. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { accessLog, ga4Rows, mixpanelRows } from "./generate.ts";

const write = (name: string, lines: Iterable<string>) =>
  writeFileSync(join(import.meta.dirname, "sample", name), `${[...lines].join("\n")}\n`);
const texts = (rows: Iterable<unknown>) => Array.from(rows, (row) => JSON.stringify(row));

write("access.log", accessLog(400, 1));
write("ga4.jsonl", texts(ga4Rows(120, 2)));
write("mixpanel.jsonl", texts(mixpanelRows(150, 3)));
