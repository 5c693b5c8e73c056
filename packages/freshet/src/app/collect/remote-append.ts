import { BatchEncoder } from "../../adapters/log/encoder.ts";
import type { EventSchema } from "../../adapters/log/payload/event-payload.ts";
import { type KeptSchema, schemaFinder } from "../../adapters/log/payload/schema-row.ts";
import type { LogRecord } from "../../core/record.ts";
import { LogWriteError } from "../../engine/port/errors.ts";
import { receiptOf } from "../../engine/receipt.ts";
import type { FromCollector, Problem } from "./message.ts";

interface Waiter {
  /** Records of the message up to and with its own. */
  readonly end: number;
  readonly resolve: (receipt: string) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The collector's half of the log: what is appended in one turn travels together, and is on disk together when its
 * receipts come back.
 *
 * - A1 an append resolves only after the thread that owns the log said that it is on disk (P1).
 * - A2 appends reach the log in the order of their calls.
 */
export class RemoteAppend {
  readonly #logId: string;
  readonly #send: (message: FromCollector, transfer: ArrayBuffer[]) => void;
  readonly #encoder = new BatchEncoder();
  #schema: EventSchema | undefined;
  #waiting: Waiter[] = [];
  readonly #sent = new Map<number, readonly Waiter[]>();
  #id = 0;

  constructor(logId: string, send: (message: FromCollector, transfer: ArrayBuffer[]) => void) {
    this.#logId = logId;
    this.#send = send;
  }

  append(records: readonly LogRecord[]): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#encoder.add(records, this.#schema);
      this.#waiting.push({ end: this.#encoder.count, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  /** How events are written from now on: with a schema that the log has, or as JSON. */
  writeEventsAs(schema: KeptSchema | null): void {
    this.#schema = schema === null ? undefined : schemaFinder(() => schema)(schema.id);
  }

  appended(id: number, firstOffset: number): void {
    for (const { end, resolve } of this.#take(id))
      resolve(receiptOf(this.#logId, firstOffset + end - 1));
  }

  refused(id: number, { message, hint = "" }: Problem): void {
    for (const { reject } of this.#take(id)) reject(new LogWriteError({ message, hint }));
  }

  #flush(): void {
    const id = ++this.#id;
    const records = this.#encoder.take();
    this.#sent.set(id, this.#waiting);
    this.#waiting = [];
    this.#send({ kind: "append", id, records }, [records.buffer]);
  }

  #take(id: number): readonly Waiter[] {
    const waiters = this.#sent.get(id) ?? [];
    this.#sent.delete(id);
    return waiters;
  }
}
