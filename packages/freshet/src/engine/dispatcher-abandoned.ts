import { readJson } from "@freshet/protocol";
import type { SendEffect } from "../core/effect.ts";
import type { OutboxEntry, TextCodec } from "./outbox.ts";
import type { StateChange, StateStore } from "./port/state-store.ts";
import { hexTime } from "./store-key.ts";

/** Why an effect is not sent any more. */
export interface Abandonment {
  readonly code: AbandonCode;
  /** For people: what the destination said last. */
  readonly reason: string;
  readonly at: number;
  /** How often it was sent since the process started. */
  readonly attempts: number;
}

export type AbandonCode =
  /** The destination will not have this one. */
  | "refused"
  /** The destination said that it is gone for good. */
  | "gone"
  /** It was tried for as long as the limit says. */
  | "expired"
  /** It was tried as often as the limit says. */
  | "attemptsSpent"
  /** The profile's consent no longer covers it. */
  | "withheld";

/** The dead letter of activation: an effect that no destination took. */
export interface AbandonedEffect extends Abandonment {
  readonly key: string;
  readonly effect: SendEffect;
}

/** Abandoned effects: kept whole in the store, listed newest first, put back by effect id. Part of `Outbox`. */
export class Abandoned {
  readonly #store: StateStore;
  readonly #text: TextCodec;
  readonly #countMax: number;
  /** Not in the store yet, by effect id, oldest first. */
  readonly #pending = new Map<string, AbandonedEffect>();
  /** Keys of those that were put back and may still be in the store. */
  readonly #taken = new Set<string>();
  #takenWriting: readonly string[] = [];
  #pendingWriting: readonly AbandonedEffect[] = [];
  /** Keys that the checkpoint under way drops for room. */
  #dropping = new Set<string>();
  count = 0;
  dropped = 0;

  constructor(store: StateStore, text: TextCodec, countMax: number) {
    this.#store = store;
    this.#text = text;
    this.#countMax = countMax;
    for (const _ of store.scan("outbox", range)) this.count++;
  }

  add({ effect }: OutboxEntry, why: Abandonment, sequence: number): AbandonedEffect {
    const letter = { key: `${prefix}${hexTime(sequence)}`, effect, ...why };
    this.#pending.set(effect.id, letter);
    this.count++;
    return letter;
  }

  /** Out of the list; the store follows with the checkpoint that holds it as waiting again. */
  take(id: string): AbandonedEffect | null {
    const letter = this.#pending.get(id) ?? this.#stored(id);
    if (letter === null || this.#taken.has(letter.key) || this.#dropping.has(letter.key))
      return null;
    this.#pending.delete(id);
    this.#taken.add(letter.key);
    this.count--;
    return letter;
  }

  list(limit: number): AbandonedEffect[] {
    const listed = [...this.#pending.values()].reverse();
    const known = new Set(listed.map(({ key }) => key));
    const scanMax = limit + this.#taken.size;
    for (const [key, value] of this.#store.scan("outbox", {
      ...range,
      reverse: true,
      limit: scanMax,
    })) {
      if (listed.length >= limit) break;
      if (!known.has(key) && !this.#taken.has(key)) listed.push(this.#parse(value));
    }
    return listed.slice(0, limit);
  }

  /** Drops the oldest for room. What was added and taken is written by the outbox, behind these changes. */
  beginSnapshot(retried: readonly AbandonedEffect[]): StateChange[] {
    this.#pendingWriting = [...this.#pending.values()];
    this.#takenWriting = retried.map(({ key }) => key);
    this.#dropping = new Set();
    const excess = this.count - this.#countMax;
    if (excess <= 0) return [];
    const changes: StateChange[] = [];
    for (const [key, value] of this.#store.scan("outbox", range)) {
      if (this.#dropping.size === excess) break;
      if (this.#taken.has(key)) continue;
      changes.push(remove(key), remove(`~known/${this.#parse(value).effect.id}`));
      this.#dropping.add(key);
    }
    this.count -= this.#dropping.size;
    return changes;
  }

  endSnapshot(outcome: "committed" | "failed"): void {
    if (outcome === "failed") this.count += this.#dropping.size;
    else {
      this.dropped += this.#dropping.size;
      for (const key of this.#takenWriting) this.#taken.delete(key);
      for (const letter of this.#pendingWriting)
        if (this.#pending.get(letter.effect.id) === letter) this.#pending.delete(letter.effect.id);
    }
    this.#pendingWriting = [];
    this.#takenWriting = [];
    this.#dropping = new Set();
  }

  #stored(id: string): AbandonedEffect | null {
    const known = this.#store.get("outbox", `~known/${id}`);
    if (known === undefined) return null;
    const key = this.#text.decode(known);
    const value = key.startsWith(prefix) ? this.#store.get("outbox", key) : undefined;
    return value === undefined ? null : this.#parse(value);
  }

  #parse(value: Uint8Array): AbandonedEffect {
    return readJson(this.#text.decode(value)) as AbandonedEffect;
  }
}

const prefix = "~abandoned/";
const range = { from: prefix, to: `${prefix}~` } as const;
const remove = (key: string): StateChange => ({ table: "outbox", key, value: null });
