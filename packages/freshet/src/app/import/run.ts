import type { HistoryRow } from "../../server/route/history.ts";
import { type InspectedFile, openChunks, openLineBytesOf } from "./file.ts";
import { formats } from "./format/index.ts";
import type { ImportMoment, ImportOptions, ImportReport } from "./import.ts";
import type { Mapping } from "./mapping.ts";
import { type Progress, writeProgress } from "./progress.ts";
import type { FileRow } from "./row.ts";
import type { ImportTarget, SentBatch } from "./target.ts";

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
export class Run {
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
    const reader = formats[file.format].reader(mapping.columns);
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
    const { target, held, mapping } = this.#parts;
    await target.room();
    const answer =
      batch.rows.length === 0
        ? Promise.resolve<SentBatch>({ accepted: 0, rejected: [], offset: null })
        : target.send({
            name: held.name,
            ...(mapping.source === null ? {} : { source: mapping.source }),
            rows: batch.rows,
          });
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
      openLineBytes: openLineBytesOf(this.#parts.file),
      examples: this.#examples,
    };
  }
}
