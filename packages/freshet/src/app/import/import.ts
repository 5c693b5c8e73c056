import type { ImportDefinition } from "../../core/plan/definition.ts";
import { importSource } from "../../server/route/history.ts";
import { type InspectedFile, inspectFile, openChunks, openLineBytesOf } from "./file.ts";
import { type FormatName, formats } from "./format/index.ts";
import { checkColumns, compileMapping, type Mapping } from "./mapping.ts";
import { beginning, marksOf, type Progress, readProgress } from "./progress.ts";
import { Run } from "./run.ts";
import { type ImportTarget, rowsInLog } from "./target.ts";

export interface ImportOptions {
  readonly file: string;
  /** What rows mean: an import of the plan, or a mapping that comes with the format. */
  readonly mapping: ImportDefinition | Mapping;
  /** How the file is written; found out from its name and first lines unless said. */
  readonly format?: FormatName;
  /** Name of this import; the mapping's unless said. Rows are told apart by it and their number. */
  readonly name?: string;
  /** Data folder that keeps the progress. */
  readonly data: string;
  /** Opened once the file is known to be whole and not to be imported yet. It is closed here. */
  readonly target: () => Promise<ImportTarget>;
  readonly onProgress?: (moment: ImportMoment) => void;
  /** Ends the import behind the batches that are under way. */
  readonly signal?: AbortSignal;
}

export interface ImportMoment {
  readonly rows: number;
  /** Of them, handled by this run. */
  readonly rowsNow: number;
  readonly bytes: number;
  readonly bytesTotal: number;
  readonly elapsedMs: number;
}

export interface ImportReport {
  readonly outcome: "imported" | "interrupted" | "alreadyImported";
  readonly progress: Progress;
  /** Rows that this run began behind: an earlier one had brought them in. */
  readonly rowsBefore: number;
  /** Rows that this run sent and the log had already; null where only the server knows. */
  readonly duplicates: number | null;
  readonly elapsedMs: number;
  /** Behind the last line end of a log, where somebody may still be writing: not read, and not counted. */
  readonly openLineBytes: number;
  /** The first rows that were rejected by this run. */
  readonly examples: readonly {
    readonly code: string;
    readonly message: string;
    readonly messageId: string;
  }[];
}

/**
 * Brings the rows of a file in as history (DESIGN 3, rule 11): each counts once, however often the import is
 * interrupted and called again.
 */
export async function importFile(options: ImportOptions): Promise<ImportReport> {
  const mapping =
    "toHistory" in options.mapping ? options.mapping : compileMapping(options.mapping);
  const file = await inspectFile(options.file, {
    marks: marksOf(options.data),
    ...(options.format === undefined ? {} : { format: options.format }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const fresh = beginning(nameOf(options, mapping, file), mapping.identity, file);
  const held = readProgress(options.data, fresh, file);
  if (held.isFinished)
    return {
      outcome: "alreadyImported",
      progress: held,
      rowsBefore: held.rows,
      duplicates: 0,
      elapsedMs: 0,
      openLineBytes: openLineBytesOf(file),
      examples: [],
    };
  // A column that is not there is found before anything is opened.
  await checkHeader(file, mapping);
  const present =
    held.offset === null
      ? new Map<number, string | null>()
      : await rowsInLog(options.data, held.name, {
          source: mapping.source ?? importSource(held.name),
          offset: held.offset,
        });
  const target = await options.target();
  const run = new Run(options, { mapping, file, held, present, target });
  try {
    return await run.all();
  } finally {
    await target.close();
  }
}

/**
 * Files of one format come again and again, and rows are told apart by the name: without one of its own an import
 * through a mapping of the format is named after the first line of its file, which stays when a log grows or turns.
 */
function nameOf({ name }: ImportOptions, mapping: Mapping, file: InspectedFile): string {
  if (name !== undefined) return name;
  return mapping.isOfFormat || formats[file.format].isLog
    ? `${mapping.name}-${file.firstLineHash}`
    : mapping.name;
}

async function checkHeader(file: InspectedFile, mapping: Mapping): Promise<void> {
  const { columns } = formats[file.format];
  if (columns !== null) checkColumns(mapping, columns);
  if (file.format !== "csv") return;
  const reader = formats.csv.reader(mapping.columns);
  for await (const chunk of openChunks(file.path, file.isGzip, () => {})) {
    reader.read(chunk);
    if (reader.columns !== null) break;
  }
  reader.end();
  if (reader.columns !== null) checkColumns(mapping, reader.columns);
}
