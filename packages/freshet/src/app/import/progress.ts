import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ImportDefinition } from "../../core/plan/definition.ts";
import { UsageError } from "../usage-error.ts";
import type { InspectedFile } from "./file.ts";

/** Counts of rows; `rows` is their sum. */
export interface RowCounts {
  readonly rows: number;
  readonly accepted: number;
  /** Left out by the mapping's `where`. */
  readonly skipped: number;
  /** Dead letters, by code. */
  readonly rejected: { readonly [code: string]: number };
}

/**
 * How far an import is, kept in the data folder as `imports/<fingerprint>.json` and written every few batches that
 * the log has on disk, and at every end but a killed one.
 *
 * - I1 rows up to `rows` are in the log, or were left out; none of them is sent again.
 * - I2 rows past it may be in the log as well, at `offset` or later: a killed import had sent them. They are looked
 *   up there before it goes on, and their message ids would be turned away besides.
 */
export interface Progress extends RowCounts {
  readonly format: 1;
  readonly fingerprint: string;
  /** Name under which the rows went in: the import's, or what `--as` said. */
  readonly name: string;
  readonly mapping: string;
  readonly file: string;
  readonly fileHash: string;
  /** Log offset behind the last batch; null where the log was not at hand. */
  readonly offset: number | null;
  readonly isFinished: boolean;
}

/** What an import is: this file through this mapping under this name. */
export function beginning(name: string, mapping: ImportDefinition, file: InspectedFile): Progress {
  const mappingHash = hashOf(JSON.stringify(mapping));
  return {
    format: 1,
    fingerprint: hashOf([name, mappingHash, file.hash].join("\n")).slice(0, 16),
    name,
    mapping: mappingHash,
    file: file.path,
    fileHash: file.hash,
    rows: 0,
    accepted: 0,
    skipped: 0,
    rejected: {},
    offset: null,
    isFinished: false,
  };
}

/** Where this import was left, or the beginning. Throws UsageError where its row numbers are taken already. */
export function readProgress(data: string, fresh: Progress): Progress {
  const known = readAll(data);
  const own = known.find(({ fingerprint }) => fingerprint === fresh.fingerprint);
  if (own !== undefined) return own;
  const other = known.find(({ name, rows }) => name === fresh.name && rows > 0);
  if (other === undefined) return fresh;
  const what =
    other.fileHash === fresh.fileHash ? "this file, through another mapping" : `"${other.file}"`;
  throw new UsageError(
    `${other.rows} rows of ${what}, are in this folder as import "${fresh.name}"`,
    "rows are told apart by their number, so these would be taken for the same: give this import a name of its own with --as <name>",
    1,
  );
}

export function writeProgress(data: string, progress: Progress): void {
  const folder = folderOf(data);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${progress.fingerprint}.json`);
  writeFileSync(`${path}.new`, `${JSON.stringify(progress, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

const folderOf = (data: string): string => join(data, "imports");
const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A file that a power cut left half written says nothing: message ids then keep rows from counting twice. */
function readAll(data: string): Progress[] {
  const folder = folderOf(data);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      try {
        const progress = JSON.parse(readFileSync(join(folder, name), "utf8")) as Progress;
        return progress.format === 1 ? [progress] : [];
      } catch {
        return [];
      }
    });
}
