import { isCounted, type LogRecord, type SelfRecord } from "../../core/record.ts";
import type { AppendReceipt, CommittedBatch, Log } from "../../engine/port/log.ts";

/**
 * A log whose content is known beforehand and handed out by the test. What the engine wants to write to itself is
 * compared by the test with what the known content has; it does not get in.
 */
export class ReplayLog implements Log {
  readonly id: string;
  readonly first = 0;
  readonly selfRecords: SelfRecord[] = [];
  #records: LogRecord[] = [];
  #counted = 0;
  #listener: (batch: CommittedBatch) => void = () => {};

  constructor(id: string) {
    this.id = id;
  }

  get next(): number {
    return this.#records.length;
  }
  get counted(): number {
    return this.#counted;
  }
  get bytes(): number {
    return this.#records.length;
  }

  /** Puts records at the end, and tells the engine, if one listens. */
  feed(records: readonly LogRecord[]): void {
    const firstOffset = this.#records.length;
    for (const record of records) {
      this.#records.push(record);
      if (isCounted(record)) this.#counted++;
    }
    this.#listener({ firstOffset, records });
  }

  async append(records: readonly LogRecord[]): Promise<AppendReceipt> {
    for (const record of records) if (record.kind === "self") this.selfRecords.push(record);
    return { firstOffset: this.next, lastOffset: this.next };
  }

  appendEncoded(): Promise<AppendReceipt> {
    return Promise.reject(new Error("what this log holds is fed to it"));
  }

  onCommitted(listener: (batch: CommittedBatch) => void): void {
    this.#listener = listener;
  }

  *read(offset: number): Iterable<CommittedBatch> {
    for (let at = offset; at < this.#records.length; at++)
      yield { firstOffset: at, records: this.#records.slice(at, at + 1) };
  }

  get(offset: number): LogRecord | undefined {
    return this.#records[offset];
  }

  async trim(): Promise<void> {}
  async close(): Promise<void> {}
}
