import { readJson } from "@freshet/protocol";
import type { SendEffect } from "../core/effect.ts";
import { Abandoned, type AbandonedEffect, type Abandonment } from "./dispatcher-abandoned.ts";
import { Waiting } from "./dispatcher-waiting.ts";
import type { StateChange, StateStore } from "./port/state-store.ts";
import { hexTime } from "./store-key.ts";

/** An effect that waits for its destination, under the key that acknowledges it. */
export interface OutboxEntry {
  readonly key: string;
  readonly effect: SendEffect;
  /** Since when it waits: when the log took its cause, or when it was put back by hand. Milliseconds. */
  readonly since: number;
}

export interface OutboxLimits {
  /** Entries of one destination held in memory; the ones behind stay in the store until these are gone. */
  readonly windowEntriesMax: number;
  /** Entries settled ahead of the checkpoint: bounds memory, and what a crash delivers a second time. */
  readonly settledEntriesMax: number;
  /** Abandoned effects kept; past it the oldest are dropped, and counted. */
  readonly abandonedMax: number;
}

/** About 1 KB an entry: 1 MB for each destination, 100 MB of store for what was given up. */
export const outboxLimits: OutboxLimits = {
  windowEntriesMax: 1000,
  settledEntriesMax: 10_000,
  abandonedMax: 100_000,
};

/**
 * Effects between the checkpoint that holds them and the destination that took them.
 *
 * - O1 an effect can be taken only after the checkpoint that holds it is on disk.
 * - O2 what was acknowledged is gone with the next checkpoint; a crash before it delivers again, with the same id.
 * - O3 the same effect id is kept out while it waits, while it is abandoned, and for as long as it is remembered
 *   after delivery.
 * - O4 an effect leaves by exactly one of `acknowledge` and `abandon`; what is abandoned stays in the store until it is
 *   put back or dropped for room.
 * - O5 memory holds a window of each destination, the changes since the last checkpoint, and nothing else. Past
 *   `settledEntriesMax` no window is filled up until a checkpoint succeeds.
 * - O6 a checkpoint that fails loses nothing: the next one holds it too.
 */
export class Outbox {
  readonly #store: StateStore;
  readonly #text: TextCodec;
  readonly #limits: OutboxLimits;
  readonly #waiting = new Map<string, Waiting>();
  readonly #abandoned: Abandoned;
  #sequence: number;
  #fresh: Added[] = [];
  #writing: readonly Added[] = [];
  #settled: Settled[] = [];
  #settling: readonly Settled[] = [];
  #horizon = 0;
  #listeners: ((destination: string) => void)[] = [];

  constructor(
    store: StateStore,
    text: TextCodec,
    sequence: number,
    limits: OutboxLimits = outboxLimits,
  ) {
    this.#store = store;
    this.#text = text;
    this.#limits = limits;
    this.#sequence = sequence;
    this.#abandoned = new Abandoned(store, text, limits.abandonedMax);
    for (const [key] of store.scan("outbox", { to: bookkeeping }))
      this.#waitingOf(destinationOf(key)).behind++;
    for (const waiting of this.#waiting.values()) this.#refill(waiting);
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Abandoned effects that the last checkpoint holds or the next one will. */
  get abandonedCount(): number {
    return this.#abandoned.count;
  }

  /** How many abandoned effects were dropped for room since the start. */
  get abandonedDropped(): number {
    return this.#abandoned.dropped;
  }

  add(effect: SendEffect): void {
    this.#fresh.push({ entry: this.#entryOf(effect, effect.at), retried: null });
  }

  /** What the next checkpoint has to write. */
  beginSnapshot(): StateChange[] {
    const batch = new Set<string>();
    this.#writing = this.#fresh.filter((added) => this.#isNew(added, batch));
    this.#fresh = [];
    this.#settling = this.#settled;
    this.#settled = [];
    const retried = this.#writing.flatMap(({ retried }) => (retried === null ? [] : [retried]));
    return [
      ...this.#abandoned.beginSnapshot(retried),
      ...this.#settling.flatMap((settled) => this.#settledChanges(settled)),
      ...this.#writing.flatMap((added) => this.#addedChanges(added)),
      // Forgetting keeps pace with delivering, so that the store does not grow under load.
      ...this.#forget(2 * this.#settling.length),
    ];
  }

  /** After the commit (O1). After a failed one, everything is fresh again (O6). */
  endSnapshot(outcome: "committed" | "failed"): void {
    const writing = this.#writing;
    const settling = this.#settling;
    this.#writing = [];
    this.#settling = [];
    this.#abandoned.endSnapshot(outcome);
    if (outcome === "failed") {
      this.#fresh = [...writing, ...this.#fresh];
      this.#settled = [...settling, ...this.#settled];
      return;
    }
    const touched = new Set<string>();
    for (const { entry } of writing) {
      this.#waitingOf(entry.effect.destination).commit(entry, this.#limits.windowEntriesMax);
      touched.add(entry.effect.destination);
    }
    for (const [destination, waiting] of this.#waiting)
      if (this.#refill(waiting)) touched.add(destination);
    for (const destination of touched)
      for (const listener of this.#listeners) listener(destination);
  }

  /** Hears of a destination that has something to take; called in the turn in which a checkpoint ends. */
  onReady(listener: (destination: string) => void): void {
    this.#listeners.push(listener);
  }

  /** Oldest entry of a destination; it stays until it is acknowledged or abandoned. */
  peek(destination: string): OutboxEntry | null {
    return this.window(destination)[0] ?? null;
  }

  /** The oldest entries of a destination, at most `windowEntriesMax`, in order. A live view: do not keep it. */
  window(destination: string): readonly OutboxEntry[] {
    return this.#waiting.get(destination)?.entries ?? [];
  }

  /** The destination took it. `at` is when: from then on the id is remembered. */
  acknowledge(entry: OutboxEntry, at: number = entry.effect.at): void {
    if (this.#take(entry)) this.#settled.push({ entry, outcome: { kind: "delivered", at } });
  }

  /** It will not be sent again by itself (O4). */
  abandon(entry: OutboxEntry, why: Abandonment): void {
    if (!this.#take(entry)) return;
    const letter = this.#abandoned.add(entry, why, this.#sequence++);
    this.#settled.push({ entry, outcome: { kind: "abandoned", letter } });
  }

  /** Newest first. */
  listAbandoned(limit: number): AbandonedEffect[] {
    return this.#abandoned.list(limit);
  }

  /** Puts an abandoned effect back at the end of its queue, with the same id. False where the id is not among them. */
  retryAbandoned(id: string, at: number): boolean {
    const letter = this.#abandoned.take(id);
    if (letter === null) return false;
    this.#fresh.push({ entry: this.#entryOf(letter.effect, at), retried: letter });
    return true;
  }

  /** Every destination that has had an effect since the start, or had one waiting then. */
  destinations(): string[] {
    return [...this.#waiting.keys()];
  }

  waiting(destination: string): number {
    const waiting = this.#waiting.get(destination);
    return waiting === undefined ? 0 : waiting.entries.length + waiting.behind;
  }

  /** Forgets what was delivered before `time`; returns what to delete. */
  forgetSentBefore(time: number, countMax: number): StateChange[] {
    this.#horizon = Math.max(this.#horizon, time);
    return this.#forget(countMax);
  }

  #entryOf(effect: SendEffect, since: number): OutboxEntry {
    return { key: `${prefixOf(effect.destination)}${hexTime(this.#sequence++)}`, effect, since };
  }

  /** O3. What is put back by hand is known, and goes in all the same. */
  #isNew({ entry, retried }: Added, batch: Set<string>): boolean {
    const { id } = entry.effect;
    if (batch.has(id)) return false;
    if (retried === null && this.#store.get("outbox", knownKey(id)) !== undefined) return false;
    batch.add(id);
    return true;
  }

  #addedChanges({ entry, retried }: Added): StateChange[] {
    const { key, effect, since } = entry;
    return [
      ...(retried === null ? [] : [change(retried.key, null)]),
      change(key, this.#text.encode(JSON.stringify({ effect, since }))),
      change(knownKey(effect.id), this.#text.encode("waiting")),
    ];
  }

  #settledChanges({ entry, outcome }: Settled): StateChange[] {
    const known = knownKey(entry.effect.id);
    switch (outcome.kind) {
      case "delivered":
        return [
          change(entry.key, null),
          change(known, this.#text.encode("sent")),
          change(`${sentPrefix}${hexTime(outcome.at)}/${entry.effect.id}`, new Uint8Array(0)),
        ];
      case "abandoned":
        return [
          change(entry.key, null),
          change(known, this.#text.encode(outcome.letter.key)),
          change(outcome.letter.key, this.#text.encode(JSON.stringify(outcome.letter))),
        ];
    }
  }

  #forget(countMax: number): StateChange[] {
    if (countMax === 0) return [];
    const range = {
      from: sentPrefix,
      to: `${sentPrefix}${hexTime(this.#horizon)}`,
      limit: countMax,
    };
    const changes: StateChange[] = [];
    for (const [key] of this.#store.scan("outbox", range)) {
      const id = key.slice(sentPrefix.length + hexTime(0).length + 1);
      changes.push(change(key, null), change(knownKey(id), null));
    }
    return changes;
  }

  #take(entry: OutboxEntry): boolean {
    const waiting = this.#waiting.get(entry.effect.destination);
    if (waiting === undefined || !waiting.take(entry)) return false;
    this.#refill(waiting);
    return true;
  }

  /** Loads the next entries from the store when a tenth of the window is free. True where it did. */
  #refill(waiting: Waiting): boolean {
    const { windowEntriesMax, settledEntriesMax } = this.#limits;
    const held = waiting.entries.length;
    if (waiting.behind === 0 || windowEntriesMax - held < windowEntriesMax / 10) return false;
    if (this.#settled.length + this.#settling.length >= settledEntriesMax) return false;
    const { prefix, behind } = waiting;
    // No more than are counted: the store may show those of a commit that has not resolved (O1), which sort last.
    const limit = Math.min(behind, windowEntriesMax - held);
    const range = {
      from: waiting.last === "" ? prefix : `${waiting.last}~`,
      to: `${prefix}~`,
      limit,
    };
    for (const [key, value] of this.#store.scan("outbox", range)) {
      const stored = readJson(this.#text.decode(value)) as Omit<OutboxEntry, "key">;
      waiting.load({ key, ...stored });
    }
    return waiting.entries.length > held;
  }

  #waitingOf(destination: string): Waiting {
    let waiting = this.#waiting.get(destination);
    if (waiting === undefined) {
      waiting = new Waiting(prefixOf(destination));
      this.#waiting.set(destination, waiting);
    }
    return waiting;
  }
}

/** Texts to bytes and back, as UTF-8; given in, since nothing here knows the platform. */
export interface TextCodec {
  encode(text: string): Uint8Array;
  decode(bytes: Uint8Array): string;
}

interface Added {
  readonly entry: OutboxEntry;
  /** The abandoned effect that this puts back. */
  readonly retried: AbandonedEffect | null;
}

interface Settled {
  readonly entry: OutboxEntry;
  readonly outcome:
    | { readonly kind: "delivered"; readonly at: number }
    | { readonly kind: "abandoned"; readonly letter: AbandonedEffect };
}

/**
 * Keys of the table: <destination>/<sequence> waits; ~known/<effect id> -> what became of it; ~sent/<time>/<effect id>,
 * so that the oldest is forgotten first; ~abandoned/<sequence> -> an abandoned effect. The destination is encoded, so
 * that none holds "/" and all sort before "~".
 */
const bookkeeping = "~";
const sentPrefix = "~sent/";
const knownKey = (effectId: string) => `~known/${effectId}`;
const prefixOf = (destination: string) =>
  `${encodeURIComponent(destination).replaceAll("~", "%7E")}/`;
const destinationOf = (key: string) => decodeURIComponent(key.slice(0, key.indexOf("/")));
const change = (key: string, value: Uint8Array | null): StateChange => ({
  table: "outbox",
  key,
  value,
});
