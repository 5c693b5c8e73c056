import type { SendEffect } from "../../core/effect.ts";
import type { LogRecord } from "../../core/record.ts";
import type { Ledger } from "../../engine/counters.ts";

/** Each record that is sent is told apart from its retries by a number of its own. */
export const attemptOf = (record: LogRecord): number | null => {
  if (record.kind === "event") return Number(record.event.context?.["attempt"]);
  if (record.kind === "deadLetter")
    return Number((record.letter.event as { readonly attempt: number }).attempt);
  return null;
};

export interface Acknowledged {
  readonly offset: number;
  readonly attempt: number;
  readonly record: LogRecord;
}

/** What the outside was told. It knows the log's content and the engine's answers, and nothing of how they came about. */
export class OutsideLedger {
  readonly faults: string[] = [];
  readonly acknowledged: Acknowledged[] = [];
  readonly refused = new Set<number>();
  /** Effect id -> what the sink got under it. */
  readonly delivered = new Map<string, string>();
  readonly counts: { [what: string]: number } = {};
  #checked = 0;
  #receivedBefore = 0;

  fault(text: string): void {
    // Of each promise some: one that is broken all the time must not hide another.
    const promise = text.slice(0, 3);
    if (this.faults.filter((fault) => fault.startsWith(promise)).length < 20)
      this.faults.push(text);
  }

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  acknowledge(records: readonly LogRecord[], lastOffset: number): void {
    this.count("acknowledged", records.length);
    records.forEach((record, index) => {
      const attempt = attemptOf(record);
      if (attempt === null) throw new Error("clients send no such record");
      this.acknowledged.push({ offset: lastOffset - records.length + 1 + index, attempt, record });
    });
  }

  refuse(records: readonly LogRecord[]): void {
    this.count("refused", records.length);
    for (const record of records) this.refused.add(attemptOf(record) ?? -1);
  }

  /** P1, for what was acknowledged since the last look. */
  checkDurable(get: (offset: number) => LogRecord | undefined, first: number): void {
    for (; this.#checked < this.acknowledged.length; this.#checked++) {
      const { offset, attempt } = this.acknowledged[this.#checked] as Acknowledged;
      if (offset < first) continue;
      const found = get(offset);
      if (found === undefined || attemptOf(found) !== attempt)
        this.fault(
          `P1 attempt ${attempt} was acknowledged at offset ${offset}, where the log has ${JSON.stringify(found)?.slice(0, 90)}`,
        );
    }
  }

  /** P6, at any moment. */
  checkConserved({ received, applied, duplicate, rejected, inFlight }: Ledger): void {
    if (received !== applied + duplicate + rejected + inFlight || inFlight < 0)
      this.fault(
        `P6 received ${received} is not applied ${applied} + duplicate ${duplicate} + rejected ${rejected} + in flight ${inFlight}`,
      );
    if (received < this.#receivedBefore)
      this.fault(`P6 received went back from ${this.#receivedBefore} to ${received}`);
    if (received < this.acknowledged.length)
      this.fault(
        `P6 received ${received} is less than the ${this.acknowledged.length} acknowledged`,
      );
    this.#receivedBefore = received;
  }

  deliver(effect: SendEffect, id: string): void {
    const text = JSON.stringify({ ...effect, id });
    const before = this.delivered.get(id);
    if (before === undefined) this.delivered.set(id, text);
    else {
      this.count("deliveredAgain");
      if (before !== text) this.fault(`P2 effect ${id} was ${before} and is now ${text}`);
    }
  }
}
