import type { Json } from "@freshet/protocol";
import type { AcceptedEvent } from "../../core/event.ts";
import type { LetterAction } from "../../core/letter.ts";
import type { LogRecord, SelfOrigin } from "../../core/record.ts";
import { prepare } from "./meaning.ts";

/** An event that a profile must have, and the offset of the record by which it got it. */
export interface Kept {
  readonly event: AcceptedEvent;
  readonly offset: number;
  readonly reducedAt: number;
}

export interface Fate {
  readonly id: string;
  readonly status: "applied" | "rejected";
  readonly offset: number;
  readonly duplicates: number[];
}

/**
 * What ought to come out of a log, by the plainest means: one pass, sets and lists, no checkpoints. Of what the
 * system wrote to itself it believes only where in the order a link, a release or a forwarded event stands.
 */
export class Model {
  /** Part -> its events, in the order in which it gets them. */
  readonly parts = new Map<string, Kept[]>();
  /** Part -> profile that holds it. */
  readonly holders = new Map<string, string>();
  readonly owners = new Map<string, { generation: number; userId: string }>();
  readonly fates = new Map<string, Fate>();
  readonly counts = { applied: 0, duplicate: 0, rejected: 0, filtered: 0 };
  readonly faults: string[] = [];
  /** Letter -> what its first correction became. */
  readonly corrected = new Map<number, Fate>();
  readonly discarded = new Set<number>();
  #seen = new Map<string, Fate>();
  #selfSeen = new Set<string>();
  #forwards = new Map<number, { readonly part: string; readonly event: AcceptedEvent }>();
  #linksWanted = new Map<string, number>();
  /** "<user> <anonymous id>" that the user knows of, until it hears of the release. */
  #links = new Set<string>();
  readonly #isOfPlan: (from: SelfOrigin) => boolean;

  /** `isOfPlan` is false for records of a plan whose switch was lost in a crash. */
  constructor(isOfPlan: (from: SelfOrigin) => boolean) {
    this.#isOfPlan = isOfPlan;
  }

  add(record: LogRecord, offset: number): void {
    switch (record.kind) {
      case "event":
        this.#event(record.key, record.event, offset);
        return;
      case "deadLetter":
        this.counts.rejected++;
        this.#reject(record.letter.id, offset);
        return;
      case "letter":
        this.#act(record.action);
        return;
      case "self": {
        if (!this.#isOfPlan(record.from)) return;
        const { partition, epoch, offset: from, ordinal } = record.from;
        const origin = [partition, epoch, from, ordinal].join("/");
        if (this.#selfSeen.has(origin)) {
          this.faults.push(
            `P2 the log has the record that ${origin} wrote twice, again at ${offset}`,
          );
          return;
        }
        this.#selfSeen.add(origin);
        if (record.body.kind === "link") this.#link(record.key, record.body.owner);
        if (record.body.kind === "released")
          this.#links.delete(`${record.key} anon:${record.body.anonymousId}`);
        if (record.body.kind === "event") this.#arrive(record.key, record.body.offset, offset);
        return;
      }
      case "tick":
      case "table":
      case "plan":
        return;
    }
  }

  /** Nothing is under way any more: what is still wanted was lost. */
  finish(): void {
    for (const offset of this.#forwards.keys())
      this.faults.push(
        `P2 the event at ${offset} was never forwarded to the owner of its identifier`,
      );
    for (const [link, offset] of this.#linksWanted)
      this.faults.push(`P2 the event at ${offset} never linked ${link}`);
  }

  /** Parts of a profile, as it should have them. */
  partsOf(profileId: string): [string, Kept[]][] {
    return [...this.parts]
      .filter(([part, kept]) => this.holders.get(part) === profileId && kept.length > 0)
      .sort((a, b) => (a[0] < b[0] ? -1 : 1));
  }

  profiles(): string[] {
    return [...new Set(this.holders.values())].sort();
  }

  #event(key: string, event: AcceptedEvent, offset: number): void {
    const scope = JSON.stringify([event.source, key, event.id]);
    const letter = event.corrects?.letter;
    const first =
      (letter === undefined ? undefined : this.corrected.get(letter)) ?? this.#seen.get(scope);
    if (first !== undefined) {
      this.counts.duplicate++;
      first.duplicates.push(offset);
      // What comes for this letter from now on is a duplicate of this record.
      if (letter !== undefined && !this.corrected.has(letter))
        this.corrected.set(letter, { id: event.id, status: "applied", offset, duplicates: [] });
      return;
    }
    const prepared = prepare(event);
    if (prepared.kind === "failed") {
      this.counts.rejected++;
      this.#reject(event.id, offset);
      return;
    }
    const fate: Fate = { id: event.id, status: "applied", offset, duplicates: [] };
    this.#seen.set(scope, fate);
    if (letter !== undefined) this.corrected.set(letter, fate);
    this.fates.set(event.id, fate);
    this.counts.applied++;
    if (event.userId !== undefined && event.anonymousId !== undefined) {
      const { anonymousId, userId } = event;
      const link = `user:${userId} anon:${anonymousId}`;
      if (!this.#links.has(link)) this.#linksWanted.set(link, offset);
      this.#links.add(link);
    }
    if (prepared.kind === "filtered") {
      this.counts.filtered++;
      return;
    }
    const owner = event.userId === undefined ? this.owners.get(key) : undefined;
    if (owner === undefined)
      this.#keep(key, key, { event: prepared.event, offset, reducedAt: offset });
    else
      this.#forwards.set(offset, { part: partUnder(key, owner.generation), event: prepared.event });
  }

  #act(action: LetterAction): void {
    if (action.kind === "discard") for (const letter of action.letters) this.discarded.add(letter);
    if (action.kind === "restore")
      for (const letter of action.letters) this.discarded.delete(letter);
  }

  #reject(id: string, offset: number): void {
    if (this.fates.get(id)?.status !== "applied")
      this.fates.set(id, { id, status: "rejected", offset, duplicates: [] });
  }

  #keep(part: string, profileId: string, kept: Kept): void {
    this.holders.set(part, profileId);
    const list = this.parts.get(part);
    if (list === undefined) this.parts.set(part, [kept]);
    else list.push(kept);
  }

  #link(key: string, userId: string): void {
    this.#linksWanted.delete(`user:${userId} ${key}`);
    const owner = this.owners.get(key);
    if (owner?.userId === userId) return;
    if (owner === undefined && this.parts.has(key)) this.holders.set(key, `user:${userId}`);
    this.owners.set(key, { generation: (owner?.generation ?? 0) + 1, userId });
  }

  #arrive(profileId: string, from: number, offset: number): void {
    const forward = this.#forwards.get(from);
    if (forward === undefined) {
      this.faults.push(
        `P2 the record at ${offset} forwards the event at ${from}, which is not to be forwarded`,
      );
      return;
    }
    this.#forwards.delete(from);
    this.#keep(forward.part, profileId, { event: forward.event, offset: from, reducedAt: offset });
  }
}

function partUnder(key: string, generation: number): string {
  return generation === 1 ? key : `${key}#${generation}`;
}

/** The latest value of a trait among events. */
export function naiveTrait(events: readonly AcceptedEvent[], name: string): Json {
  const told = events.filter(({ traits }) => traits?.[name] !== undefined);
  told.sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
  return told.at(-1)?.traits?.[name] ?? null;
}
