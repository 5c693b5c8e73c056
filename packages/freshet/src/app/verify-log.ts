import { hash } from "node:crypto";
import { partOf } from "../core/event.ts";
import { isCounted, type LogRecord } from "../core/record.ts";
import { partitionOf } from "../engine/partition.ts";
import type { LogReader } from "../engine/port/log.ts";
import type { Finding } from "./doctor.ts";

/** What a record is to the deduplication window. */
const [other, firstOfItsId, repeated] = [0, 1, 2];

/** Ids told apart in memory, about 100 bytes each; a log with more is counted without them. */
const idsMax = 10_000_000;

/**
 * Walks the log once, in order, and counts for itself: events by what tells them apart, dead letters, spans. Every
 * batch that is read has had its checksum, its length and its place in the log checked.
 */
export class LogAudit {
  readonly #log: LogReader;
  readonly #partitions: number;
  readonly #ids = new Set<string>();
  readonly #corrections = new Map<number, number>();
  #kinds = new Uint8Array(1 << 16);
  readonly #faults = new Map<string, { count: number; first: number }>();
  next: number;
  records = 0;
  events = 0;
  letters = 0;
  distinct = 0;
  /** Corrected events that are the first of their letter and of their id. */
  corrected = 0;
  /** False where the log had more ids than are held. */
  isDistinctExact = true;
  atMin = Number.POSITIVE_INFINITY;
  atMax = Number.NEGATIVE_INFINITY;
  /** Why the walk ended before its time. */
  damage: Finding | null = null;

  constructor(log: LogReader, partitions: number) {
    this.#log = log;
    this.#partitions = partitions;
    this.next = log.first;
  }

  /** Walks up to `to` (excluded), in one turn. */
  advance(to: number): void {
    if (this.damage !== null || to <= this.next) return;
    try {
      for (const { firstOffset, records } of this.#log.read(this.next))
        for (let index = this.next - firstOffset; index < records.length; index++) {
          if (firstOffset + index >= to) return;
          this.#look(records[index] as LogRecord, firstOffset + index);
          this.next = firstOffset + index + 1;
        }
    } catch (error) {
      const { message, hint } = error as Error & { readonly hint?: string };
      this.damage = {
        level: "wrong",
        what: `log: ${message}`,
        advice: hint ?? "restore the folder from a backup",
      };
    }
  }

  /** True for an event that is the first of its id in the log; the walk must have passed it. */
  isFirst(offset: number): boolean {
    return this.#kindAt(offset) === firstOfItsId;
  }

  isEvent(offset: number): boolean {
    return this.#kindAt(offset) !== other;
  }

  /** The letter that the event at an offset corrects. */
  correctionAt(offset: number): number | undefined {
    return this.#corrections.get(offset);
  }

  findings(): Finding[] {
    const faults: Finding[] = [...this.#faults].map(([what, { count, first }]) => ({
      level: "wrong",
      what: `log: ${count} records ${what}, the first at offset ${first}`,
      advice: "this is a bug: keep the folder and report it",
    }));
    return this.damage === null ? faults : [this.damage, ...faults];
  }

  #kindAt(offset: number): number {
    return this.#kinds[offset - this.#log.first] ?? other;
  }

  #look(record: LogRecord, offset: number): void {
    this.records++;
    if (record.partition >= this.#partitions)
      this.#fault("are of a partition that does not exist", offset);
    if (!isCounted(record)) return;
    this.atMin = Math.min(this.atMin, record.at);
    this.atMax = Math.max(this.atMax, record.at);
    if (record.kind === "deadLetter") {
      this.letters++;
      return;
    }
    this.events++;
    const { event, key } = record;
    if (partOf(event) !== key) this.#fault("have another key than their event", offset);
    if (partitionOf(key, this.#partitions) !== record.partition)
      this.#fault("lie in another partition than their key", offset);
    if (event.time > record.at) this.#fault("happened after they were taken", offset);
    const { corrects } = event;
    if (corrects !== undefined) this.#corrections.set(offset, corrects.letter);
    // A letter that was corrected is taken, whatever id comes with another correction of it.
    const isFirst =
      (corrects === undefined || this.#isNew(`letter\n${corrects.letter}`)) &&
      this.#isNew(`${event.source}\n${key}\n${event.id}`);
    if (corrects !== undefined && isFirst) this.corrected++;
    this.#mark(offset, isFirst);
  }

  #isNew(id: string): boolean {
    if (this.#ids.size >= idsMax) {
      this.isDistinctExact = false;
      return true;
    }
    const before = this.#ids.size;
    this.#ids.add(hash("sha1", id, "base64url"));
    return this.#ids.size > before;
  }

  #mark(offset: number, isNew: boolean): void {
    const index = offset - this.#log.first;
    if (index >= this.#kinds.length) {
      const grown = new Uint8Array(Math.max(index + 1, this.#kinds.length * 2));
      grown.set(this.#kinds);
      this.#kinds = grown;
    }
    this.#kinds[index] = isNew ? firstOfItsId : repeated;
    if (isNew) this.distinct++;
  }

  #fault(what: string, offset: number): void {
    const known = this.#faults.get(what);
    if (known === undefined) this.#faults.set(what, { count: 1, first: offset });
    else known.count++;
  }
}
