import { readJson } from "@freshet/protocol";
import type { AcceptedEvent, Corrects, DeadLetter } from "../core/event.ts";
import { hashHex } from "../core/hash.ts";
import type { LetterRecord } from "../core/record.ts";
import {
  firstLetter,
  type LetterState,
  rejectedAgain,
  type StoredDeadLetter,
  samenessOf,
  upgraded,
  waiting,
} from "./dead-letter.ts";
import { type LetterJob, LetterJobs } from "./dead-letter-jobs.ts";
import { type LetterKind, LetterKinds } from "./dead-letter-kinds.ts";
import type { TextCodec } from "./outbox.ts";
import type { StateChange, StateStore } from "./port/state-store.ts";
import { hexTime } from "./store-key.ts";

export type { StoredDeadLetter } from "./dead-letter.ts";

/** What a checkpoint keeps of the letters as a whole. */
export interface LetterTotals {
  readonly deadLetters: number;
  /** Absent in folders that are older than it. */
  readonly deadLetterBytes?: number;
  readonly deadLettersDropped?: number;
}

export interface LetterRoom {
  readonly deadLettersMax: number;
  readonly deadLetterBytesMax: number;
}

/**
 * Rejected events, kept whole until they are corrected, discarded, or room is needed.
 *
 * - Q1 everything here follows from the log: `rejected`, `corrected` and `act` are called by the reducer, in order.
 * - Q2 equal events (`samenessOf`) are one letter with a count, as long as the letter is kept.
 * - Q3 a letter that was sent stays sent. That its event is applied once does not rest on this, but on the reducer,
 *   which takes each letter's id once (`Reducer`).
 * - Q4 past the limits the oldest letters that were sent or discarded go first, then the oldest that wait; each is
 *   counted, and an alert says so. This happens as a checkpoint begins, and nothing that reducing decides looks at it.
 * - Q5 a checkpoint that fails loses nothing: the next one holds it too.
 */
export class DeadLetters {
  readonly #store: StateStore;
  readonly #text: TextCodec;
  readonly #room: LetterRoom;
  readonly #kinds = new LetterKinds();
  readonly jobs = new LetterJobs();
  #changed = new Overlay();
  /** In the checkpoint that is being written. */
  #writing = new Overlay();
  #dropping: ReadonlyMap<number, StoredDeadLetter> = new Map();
  #writingKinds: readonly string[] = [];
  #writingJobs: readonly string[] = [];
  #count: number;
  #bytes: number;
  #dropped: number;

  constructor(store: StateStore, text: TextCodec, totals: LetterTotals, room: LetterRoom) {
    this.#store = store;
    this.#text = text;
    this.#room = room;
    this.#count = totals.deadLetters;
    this.#bytes = totals.deadLetterBytes ?? 0;
    this.#dropped = totals.deadLettersDropped ?? 0;
    for (const [key, value] of this.#all(kindPrefix))
      this.#kinds.restore(key.slice(kindPrefix.length), this.#parse<LetterKind>(value));
    for (const [, value] of this.#all(jobPrefix)) this.jobs.restore(this.#parse<LetterJob>(value));
    if (totals.deadLetterBytes === undefined && this.#count > 0) this.#upgrade();
  }

  /** Kept, in whatever state. */
  get count(): number {
    return this.#count;
  }

  /** Letters that the next checkpoint writes, in one go. */
  get unsaved(): number {
    return this.#changed.letters.size;
  }

  totals(): Required<LetterTotals> {
    return {
      deadLetters: this.#count,
      deadLetterBytes: this.#bytes,
      deadLettersDropped: this.#dropped,
    };
  }

  summary() {
    return {
      waiting: this.#kinds.count("waiting"),
      sent: this.#kinds.count("sent"),
      discarded: this.#kinds.count("discarded"),
      total: this.#count,
      bytes: this.#bytes,
      /** For room, ever. */
      dropped: this.#dropped,
      countMax: this.#room.deadLettersMax,
      bytesMax: this.#room.deadLetterBytesMax,
      kinds: this.#kinds.list(),
    };
  }

  /** `corrects` where it was the corrected event of a letter: that letter waits on, for its new reason. */
  rejected(letter: DeadLetter, offset: number, corrects?: Corrects): void {
    this.jobs.tally(corrects?.job, "failed");
    const sameness = samenessOf(letter);
    const at = corrects?.letter ?? this.#offsetOf(sameness);
    const known = at === null ? null : this.get(at);
    if (known !== null) {
      this.#put(known, rejectedAgain(known, letter, offset));
      return;
    }
    this.#changed.sameness.set(sameness, offset);
    this.#put(null, firstLetter(letter, offset));
  }

  /** `applied.offset` is where the event's id was applied: its own record, or an earlier one. */
  corrected(
    { corrects }: Pick<AcceptedEvent, "corrects">,
    applied: Omit<Extract<LetterState, { kind: "sent" }>, "kind">,
  ): void {
    if (corrects === undefined) return;
    this.jobs.tally(corrects.job, applied.outcome);
    const known = this.get(corrects.letter);
    if (known !== null && known.state.kind !== "sent")
      this.#put(known, { ...known, state: { kind: "sent", ...applied } });
  }

  act({ action, at }: LetterRecord): void {
    switch (action.kind) {
      case "jobStarted":
        this.jobs.start(action.job, at);
        return;
      case "jobEnded":
        this.jobs.end(action.end, at);
        return;
      case "discard": {
        const { by, reason } = action;
        const why = reason === undefined ? {} : { reason };
        const moved = this.#move(action.letters, "waiting", {
          ...{ kind: "discarded", at, by },
          ...why,
        });
        this.jobs.tally(action.job, "discarded", moved);
        return;
      }
      case "restore":
        this.jobs.tally(action.job, "restored", this.#move(action.letters, "discarded", waiting));
        return;
    }
  }

  get(offset: number): StoredDeadLetter | null {
    return this.#current(offset, this.#store.get("deadLetter", hexTime(offset)));
  }

  #current(offset: number, stored: Uint8Array | undefined): StoredDeadLetter | null {
    const changed = this.#changed.letters.get(offset) ?? this.#writing.letters.get(offset);
    if (changed !== undefined) return changed;
    // Of a letter that is being dropped nothing is shown any more.
    if (stored === undefined || this.#dropping.has(offset)) return null;
    const letter = this.#parse<StoredDeadLetter>(stored);
    // One that a disk has damaged is for `freshet verify` to tell of; it must not stop a checkpoint.
    return letter.offset === offset ? letter : null;
  }

  /**
   * Letters one by one, from `from` (included) up to `to` (excluded). What changes meanwhile is seen or not; no letter
   * is seen twice.
   */
  *scan(range: {
    readonly order: "newestFirst" | "oldestFirst";
    readonly from?: number;
    readonly to?: number;
  }): Generator<StoredDeadLetter, void> {
    const reverse = range.order === "newestFirst";
    let [from, to] = [range.from ?? 0, range.to ?? Number.MAX_SAFE_INTEGER];
    while (from < to) {
      const found = new Map<number, StoredDeadLetter | null>();
      const within = { from: hexTime(from), to: hexTime(to), reverse, limit: scannedAtOnce };
      let last = -1;
      for (const [key, value] of this.#store.scan("deadLetter", within)) {
        last = Number.parseInt(key, 16);
        found.set(last, this.#current(last, value));
      }
      const isEnd = found.size < scannedAtOnce;
      const [low, high] = isEnd ? [from, to] : reverse ? [last, to] : [from, last + 1];
      for (const offset of this.#offsetsBetween(low, high)) found.set(offset, this.get(offset));
      const sorted = [...found].sort(([a], [b]) => (reverse ? b - a : a - b));
      for (const [, letter] of sorted) if (letter !== null) yield letter;
      if (isEnd) return;
      if (reverse) to = low;
      else from = high;
    }
  }

  /** Newest first, below `before` (an offset) where one is given. */
  list(options: { readonly limit: number; readonly before?: number }): StoredDeadLetter[] {
    const { limit, before } = options;
    const found: StoredDeadLetter[] = [];
    if (limit === 0) return found;
    const to = before === undefined ? {} : { to: before };
    for (const letter of this.scan({ order: "newestFirst", ...to }))
      if (found.push(letter) >= limit) break;
    return found;
  }

  /** All that were rejected under this message id, oldest first. */
  ofMessage(messageId: string): StoredDeadLetter[] {
    const prefix = `${idPrefix}${hashHex(messageId)}/`;
    const range = { from: prefix, to: `${prefix}~`, limit: 100 };
    const offsets = new Set<number>();
    for (const [key] of this.#store.scan("deadLetter", range))
      offsets.add(Number.parseInt(key.slice(prefix.length), 16));
    for (const { letters } of [this.#writing, this.#changed])
      for (const letter of letters.values())
        if (letter.id === messageId) offsets.add(letter.offset);
    return [...offsets]
      .sort((a, b) => a - b)
      .flatMap((offset) => this.get(offset) ?? [])
      .filter((letter) => letter.id === messageId);
  }

  /** What the next checkpoint has to write, and how many it drops for room. */
  beginSnapshot(): { readonly changes: StateChange[]; readonly dropped: number } {
    this.#writing = this.#changed;
    this.#changed = new Overlay();
    this.#dropping = this.#choose();
    const changes: StateChange[] = [];
    for (const letter of this.#dropping.values()) this.#drop(letter, changes);
    for (const letter of this.#writing.letters.values()) this.#write(letter, changes);
    for (const [sameness, offset] of this.#writing.sameness)
      if (this.#writing.letters.has(offset))
        changes.push(put(samePrefix + sameness, this.#text.encode(hexTime(offset))));
    const kinds = this.#kinds.takeChanges();
    for (const [key, kind] of kinds) changes.push(put(kindPrefix + key, this.#json(kind)));
    this.#writingKinds = kinds.map(([key]) => key);
    const jobs = this.jobs.takeChanges();
    for (const [id, job] of jobs) changes.push(put(jobPrefix + id, this.#json(job)));
    this.#writingJobs = jobs.map(([id]) => id);
    return { changes, dropped: this.#dropping.size };
  }

  /** Keeps Q5. */
  endSnapshot(outcome: "committed" | "failed"): void {
    const [writing, dropping] = [this.#writing, this.#dropping];
    this.#writing = new Overlay();
    this.#dropping = new Map();
    if (outcome === "committed") return;
    for (const letter of dropping.values()) {
      // Its kind may have been forgotten with it.
      const kind = this.#kinds.keyOf(letter);
      this.#kinds.add(kind, letter.state.kind, 1);
      this.#count++;
      this.#bytes += letter.bytes;
      this.#dropped--;
      writing.letters.set(letter.offset, { ...letter, kind });
    }
    this.#changed = writing.under(this.#changed);
    this.#kinds.putBack(this.#writingKinds);
    this.jobs.putBack(this.#writingJobs);
  }

  /** Keeps Q3 and the counts: every change of a letter comes through here. */
  #put(before: StoredDeadLetter | null, letter: Omit<StoredDeadLetter, "kind">): void {
    const isOfKind = before !== null && before.code === letter.code;
    const kind = isOfKind ? before.kind : this.#kinds.keyOf(letter);
    if (before === null) {
      this.#count++;
      this.#bytes += letter.bytes;
    } else this.#kinds.add(before.kind, before.state.kind, -1);
    this.#kinds.add(kind, letter.state.kind, 1);
    this.#changed.letters.set(letter.offset, { ...letter, kind });
  }

  #move(letters: readonly number[], from: LetterState["kind"], state: LetterState): number {
    let moved = 0;
    for (const offset of letters) {
      const known = this.get(offset);
      if (known?.state.kind !== from) continue;
      this.#put(known, { ...known, state });
      moved++;
    }
    return moved;
  }

  /** Keeps Q2. */
  #offsetOf(sameness: string): number | null {
    const fresh = this.#changed.sameness.get(sameness) ?? this.#writing.sameness.get(sameness);
    if (fresh !== undefined) return fresh;
    const value = this.#store.get("deadLetter", samePrefix + sameness);
    return value === undefined ? null : Number.parseInt(this.#text.decode(value), 16);
  }

  /** Keeps Q4: what has to go so that the rest fits. */
  #choose(): Map<number, StoredDeadLetter> {
    const { deadLettersMax, deadLetterBytesMax } = this.#room;
    let [count, bytes] = [this.#count - deadLettersMax, this.#bytes - deadLetterBytesMax];
    const chosen = new Map<number, StoredDeadLetter>();
    const take = (letter: StoredDeadLetter | null): void => {
      if (letter === null || (count <= 0 && bytes <= 0) || chosen.has(letter.offset)) return;
      chosen.set(letter.offset, letter);
      count--;
      bytes -= letter.bytes;
    };
    if (count <= 0 && bytes <= 0) return chosen;
    for (const offset of this.#settled(Math.max(count, droppedAtOnce))) take(this.get(offset));
    if (count > 0 || bytes > 0)
      for (const letter of this.scan({ order: "oldestFirst" })) {
        take(letter);
        if (count <= 0 && bytes <= 0) break;
      }
    return chosen;
  }

  /** The oldest that were sent or discarded, as the store has them and as they are by now. */
  #settled(limit: number): number[] {
    const range = { from: settledPrefix, to: `${settledPrefix}~`, limit };
    const offsets = [...this.#store.scan("deadLetter", range)].map(([key]) =>
      Number.parseInt(key.slice(settledPrefix.length), 16),
    );
    return [...new Set([...offsets, ...this.#writing.letters.keys()])]
      .filter((offset) => this.get(offset)?.state.kind !== "waiting")
      .sort((a, b) => a - b);
  }

  #drop(letter: StoredDeadLetter, changes: StateChange[]): void {
    this.#writing.letters.delete(letter.offset);
    this.#kinds.add(letter.kind, letter.state.kind, -1);
    this.#count--;
    this.#bytes -= letter.bytes;
    this.#dropped++;
    const { id, offset } = letter;
    for (const key of [hexTime(offset), idKey(id, offset), settledKey(offset)])
      changes.push(put(key, null));
    const sameness = samenessOf(letter);
    // A later letter may be the one that is found by now.
    if (this.#offsetOf(sameness) === offset) changes.push(put(samePrefix + sameness, null));
  }

  #write(letter: StoredDeadLetter, changes: StateChange[]): void {
    const { id, offset, state } = letter;
    changes.push(put(hexTime(offset), this.#json(letter)));
    changes.push(put(idKey(id, offset), none));
    changes.push(put(settledKey(offset), state.kind === "waiting" ? null : none));
  }

  #offsetsBetween(from: number, to: number): number[] {
    return [...this.#writing.letters.keys(), ...this.#changed.letters.keys()].filter(
      (offset) => offset >= from && offset < to,
    );
  }

  /** Letters of an older folder get states, counts and indexes with the first checkpoint. */
  #upgrade(): void {
    this.#count = 0;
    for (const [, value] of this.#store.scan("deadLetter", { to: idPrefix })) {
      const letter = upgraded(this.#parse(value));
      this.#changed.sameness.set(samenessOf(letter), letter.offset);
      this.#put(null, letter);
    }
  }

  #all(prefix: string) {
    return this.#store.scan("deadLetter", { from: prefix, to: `${prefix}~` });
  }

  #json(value: unknown): Uint8Array | null {
    return value === null ? null : this.#text.encode(JSON.stringify(value));
  }

  /** What this class wrote. */
  #parse<T>(value: Uint8Array): T {
    return readJson(this.#text.decode(value)) as T;
  }
}

/** What others than the engine may do: look. Changes come through the log (Q1). */
export type LetterReader = Pick<
  DeadLetters,
  "count" | "unsaved" | "summary" | "get" | "scan" | "list" | "ofMessage"
> & { readonly jobs: Pick<LetterJobs, "get" | "list" | "running"> };

/** Letters that the store does not have as they are now. */
class Overlay {
  readonly letters = new Map<number, StoredDeadLetter>();
  readonly sameness = new Map<string, number>();

  /** This and, over it, what came later. */
  under(later: Overlay): Overlay {
    for (const [offset, letter] of later.letters) this.letters.set(offset, letter);
    for (const [sameness, offset] of later.sameness) this.sameness.set(sameness, offset);
    return this;
  }
}

/**
 * Keys of the table: <offset> -> letter; id/<hash of the message id>/<offset>; job/<id> -> job; kind/<key> -> counts;
 * same/<sameness> -> offset; settled/<offset> of those that were sent or discarded. All prefixes sort behind offsets,
 * and none before "id/".
 */
const idPrefix = "id/";
const jobPrefix = "job/";
const kindPrefix = "kind/";
const samePrefix = "same/";
const settledPrefix = "settled/";
const idKey = (messageId: string, offset: number) =>
  `${idPrefix}${hashHex(messageId)}/${hexTime(offset)}`;
const settledKey = (offset: number) => settledPrefix + hexTime(offset);
const none = new Uint8Array(0);

const scannedAtOnce = 64;
/** Looked at for room at one checkpoint, where more would do. */
const droppedAtOnce = 1000;

const put = (key: string, value: Uint8Array | null): StateChange => ({
  table: "deadLetter",
  key,
  value,
});
