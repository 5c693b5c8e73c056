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
import { readJson } from "@freshet/protocol";
import { UsageError } from "../usage-error.ts";
import type { InspectedFile } from "./file.ts";
import { formats } from "./format/index.ts";

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
 * - I3 a log is known by its beginning, as long as it was when it was looked at last: what has grown since is behind
 *   the rows that are in.
 */
export interface Progress extends RowCounts {
  readonly format: 1;
  readonly fingerprint: string;
  /** Name under which the rows went in: the import's, or what `--as` said. */
  readonly name: string;
  readonly mapping: string;
  readonly file: string;
  readonly fileHash: string;
  /** Inflated bytes of a log up to its last line end, and their hash. */
  readonly content?: { readonly bytes: number; readonly hash: string };
  /** Log offset behind the last batch; null where the log was not at hand. */
  readonly offset: number | null;
  readonly isFinished: boolean;
}

/** What an import is: this file through this mapping under this name. A log is the same one after it has grown. */
export function beginning(name: string, mapping: string, file: InspectedFile): Progress {
  const mappingHash = hashOf(mapping);
  const { isLog } = formats[file.format];
  const what = isLog ? `log ${file.firstLineHash}` : file.hash;
  return {
    format: 1,
    fingerprint: hashOf([name, mappingHash, what].join("\n")).slice(0, 16),
    name,
    mapping: mappingHash,
    file: file.path,
    fileHash: file.hash,
    ...(isLog ? { content: { bytes: file.content.bytes, hash: file.content.hash } } : {}),
    rows: 0,
    accepted: 0,
    skipped: 0,
    rejected: {},
    offset: null,
    isFinished: false,
  };
}

/** Lengths at which logs were known: where a hash of a file's beginning is wanted. */
export function marksOf(data: string): number[] {
  return readAll(data).flatMap(({ content }) => (content === undefined ? [] : [content.bytes]));
}

/** Where this import was left, or the beginning. Throws UsageError where its row numbers are taken already. */
export function readProgress(data: string, fresh: Progress, file: InspectedFile): Progress {
  const known = readAll(data);
  const own = known.find(({ fingerprint }) => fingerprint === fresh.fingerprint);
  if (own !== undefined) return own.content === undefined ? own : continued(own, fresh, file);
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

/** A log that was looked at before (I3). */
function continued(own: Progress, fresh: Progress, { content }: InspectedFile): Progress {
  const before = own.content ?? { bytes: 0, hash: "" };
  if (content.hashAt.get(before.bytes) !== before.hash)
    throw new UsageError(
      `"${fresh.file}" begins like "${own.file}", of which ${own.rows} rows are in, but goes on in another way`,
      "import the file as it was; if the rows are other history, give them another name with --as <name>",
      1,
    );
  const { bytes, hash } = content;
  // Only rows of a killed run are looked for in the log (I2): a finished one has left none behind its last.
  const isGrown = own.isFinished && bytes > before.bytes;
  return {
    ...own,
    ...{ file: fresh.file, fileHash: fresh.fileHash, content: { bytes, hash } },
    ...(isGrown ? { isFinished: false, offset: null } : {}),
  };
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
        const progress = readJson(readFileSync(join(folder, name), "utf8")) as Progress;
        return progress.format === 1 ? [progress] : [];
      } catch {
        return [];
      }
    });
}
