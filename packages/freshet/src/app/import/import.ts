import type { ImportDefinition } from "../../core/plan/definition.ts";
import type { HistoryRow } from "../../server/route/history.ts";
import { CsvReader } from "./csv.ts";
import { type InspectedFile, inspectFile, openChunks } from "./file.ts";
import { JsonlReader } from "./jsonl.ts";
import { checkColumns, compileMapping, type Mapping } from "./mapping.ts";
import { beginning, type Progress, readProgress, writeProgress } from "./progress.ts";
import type { FileRow, RowReader } from "./row.ts";
import { type ImportTarget, rowsInLog, type SentBatch } from "./target.ts";

export interface ImportOptions {
  readonly file: string;
  readonly mapping: ImportDefinition;
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
  const mapping = compileMapping(options.mapping);
  const file = await inspectFile(options.file, options.signal);
  const fresh = beginning(options.name ?? options.mapping.name, options.mapping, file);
  const held = readProgress(options.data, fresh);
  if (held.isFinished)
    return {
      outcome: "alreadyImported",
      progress: held,
      rowsBefore: held.rows,
      duplicates: 0,
      elapsedMs: 0,
      examples: [],
    };
  // A header that does not fit is found before anything is opened.
  await checkHeader(file, mapping);
  const present =
    held.offset === null
      ? new Map<number, string | null>()
      : await rowsInLog(options.data, held.name, held.offset);
  const target = await options.target();
  const run = new Run(options, { mapping, file, held, present, target });
  try {
    return await run.all();
  } finally {
    await target.close();
  }
}

async function checkHeader(file: InspectedFile, mapping: Mapping): Promise<void> {
  if (file.kind !== "csv") return;
  const reader = readerOf(file, mapping);
  for await (const chunk of openChunks(file.path, file.isGzip, () => {})) {
    reader.read(chunk);
    if (reader.columns !== null) break;
  }
  reader.end();
  if (reader.columns !== null) checkColumns(mapping, reader.columns);
}

function readerOf(file: InspectedFile, mapping: Mapping): RowReader {
  return file.kind === "jsonl" ? new JsonlReader() : new CsvReader(mapping.columns);
}

/** Rows of one append: large enough that a sync to disk is shared by many, small enough to stop soon. */
const batchRowsMax = 1000;
/** Batches that are being written while the next one is made. */
const batchesInFlightMax = 2;
const examplesMax = 5;
const saveEveryMs = 200;

interface RunParts {
  readonly mapping: Mapping;
  readonly file: InspectedFile;
  readonly held: Progress;
  readonly present: ReadonlyMap<number, string | null>;
  readonly target: ImportTarget;
}

interface Batch {
  rows: HistoryRow[];
  lastRow: number;
  count: number;
  skipped: number;
  /** Rows that the log had already, by what became of them. */
  present: (string | null)[];
}

const emptyBatch = (): Batch => ({ rows: [], lastRow: 0, count: 0, skipped: 0, present: [] });

/** One run over the file, from where the last one ended. */
class Run {
  readonly #options: ImportOptions;
  readonly #parts: RunParts;
  readonly #began = performance.now();
  #progress: Progress;
  #batch = emptyBatch();
  #sent: { readonly batch: Batch; readonly answer: Promise<SentBatch> }[] = [];
  #bytes = 0;
  #savedAt = 0;
  #examples: ImportReport["examples"][number][] = [];

  constructor(options: ImportOptions, parts: RunParts) {
    this.#options = options;
    this.#parts = parts;
    this.#progress = parts.held;
  }

  async all(): Promise<ImportReport> {
    try {
      const isComplete = await this.#read();
      await this.#settleAll();
      const duplicates = await this.#parts.target.settle();
      this.#save({ ...this.#progress, isFinished: isComplete });
      return this.#report(isComplete ? "imported" : "interrupted", duplicates);
    } catch (error) {
      await Promise.allSettled(this.#sent.map(({ answer }) => answer));
      this.#save(this.#progress);
      throw error;
    }
  }

  /** False where it was told to stop before the end. */
  async #read(): Promise<boolean> {
    const { file, mapping } = this.#parts;
    const reader = readerOf(file, mapping);
    const onRaw = (raw: Buffer) => {
      this.#bytes += raw.length;
    };
    for await (const chunk of openChunks(file.path, file.isGzip, onRaw))
      if (!(await this.#take(reader.read(chunk)))) return false;
    if (!(await this.#take(reader.end()))) return false;
    await this.#sendBatch();
    return true;
  }

  async #take(rows: readonly FileRow[]): Promise<boolean> {
    for (const row of rows) {
      if (row.row <= this.#parts.held.rows) continue;
      this.#add(row);
      if (this.#batch.count < batchRowsMax) continue;
      await this.#sendBatch();
      if (this.#options.signal?.aborted === true) return false;
    }
    return this.#options.signal?.aborted !== true;
  }

  #add(row: FileRow): void {
    const batch = this.#batch;
    batch.count++;
    batch.lastRow = row.row;
    const present = this.#parts.present.get(row.row);
    if (present !== undefined) {
      batch.present.push(present);
      return;
    }
    const history = this.#parts.mapping.toHistory(row);
    if (history === null) batch.skipped++;
    else batch.rows.push(history);
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#batch;
    if (batch.count === 0) return;
    this.#batch = emptyBatch();
    const { target, held } = this.#parts;
    await target.room();
    const answer =
      batch.rows.length === 0
        ? Promise.resolve<SentBatch>({ accepted: 0, rejected: [], offset: null })
        : target.send({ name: held.name, rows: batch.rows });
    // It is awaited in turn; until then a failure must not count as unhandled.
    answer.catch(() => {});
    this.#sent.push({ batch, answer });
    while (this.#sent.length >= batchesInFlightMax) await this.#settleOne();
  }

  async #settleAll(): Promise<void> {
    while (this.#sent.length > 0) await this.#settleOne();
  }

  async #settleOne(): Promise<void> {
    const oldest = this.#sent[0];
    if (oldest === undefined) return;
    const answer = await oldest.answer;
    this.#sent.shift();
    const { batch } = oldest;
    const codes = [
      ...answer.rejected.map(({ code }) => code),
      ...batch.present.filter((code) => code !== null),
    ];
    const rejected: Record<string, number> = { ...this.#progress.rejected };
    for (const code of codes) rejected[code] = (rejected[code] ?? 0) + 1;
    this.#examples.push(...answer.rejected.slice(0, examplesMax - this.#examples.length));
    this.#saveSometimes({
      ...this.#progress,
      rows: batch.lastRow,
      accepted:
        this.#progress.accepted +
        answer.accepted +
        batch.present.filter((code) => code === null).length,
      skipped: this.#progress.skipped + batch.skipped,
      rejected,
      offset: answer.offset ?? this.#progress.offset,
    });
    this.#options.onProgress?.(this.#moment());
  }

  /** Not after every batch: a rename can take milliseconds, and what it lags behind is found in the log (I2). */
  #saveSometimes(progress: Progress): void {
    this.#progress = progress;
    if (performance.now() - this.#savedAt < saveEveryMs) return;
    this.#save(progress);
  }

  #save(progress: Progress): void {
    this.#progress = progress;
    this.#savedAt = performance.now();
    writeProgress(this.#options.data, progress);
  }

  #moment(): ImportMoment {
    const { held, file } = this.#parts;
    const { rows } = this.#progress;
    const elapsedMs = performance.now() - this.#began;
    return {
      rows,
      rowsNow: rows - held.rows,
      bytes: this.#bytes,
      bytesTotal: file.bytes,
      elapsedMs,
    };
  }

  #report(outcome: ImportReport["outcome"], duplicates: number | null): ImportReport {
    return {
      outcome,
      progress: this.#progress,
      rowsBefore: this.#parts.held.rows,
      duplicates,
      elapsedMs: performance.now() - this.#began,
      examples: this.#examples,
    };
  }
}
