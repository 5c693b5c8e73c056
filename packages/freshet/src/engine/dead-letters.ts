import type { DeadLetter } from "../core/event.ts";
import { hashHex } from "../core/hash.ts";
import { hexTime } from "./keyed-state.ts";
import type { TextCodec } from "./outbox.ts";
import type { StateChange, StateStore } from "./port/state-store.ts";

export interface StoredDeadLetter extends DeadLetter {
  readonly offset: number;
}

/** Rejected events, kept whole and found by time and by message id. */
export class DeadLetters {
  readonly #store: StateStore;
  readonly #text: TextCodec;
  #fresh: StoredDeadLetter[] = [];
  /** In the checkpoint that is being written. */
  #writing: readonly StoredDeadLetter[] = [];
  #dropped = 0;
  #count: number;
  readonly #countMax: number;

  constructor(
    store: StateStore,
    text: TextCodec,
    options: { readonly count: number; readonly countMax: number },
  ) {
    this.#store = store;
    this.#text = text;
    this.#count = options.count;
    this.#countMax = options.countMax;
  }

  add(letter: DeadLetter, offset: number): void {
    this.#fresh.push({ ...letter, offset });
    this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  /** What the next checkpoint has to write, and how many of the oldest it drops for room. */
  beginSnapshot(): { readonly changes: StateChange[]; readonly dropped: number } {
    this.#writing = this.#fresh;
    this.#fresh = [];
    const changes = this.#writing.flatMap((letter) => [
      put(hexTime(letter.offset), this.#text.encode(JSON.stringify(letter))),
      put(indexKey(letter.id, letter.offset), this.#text.encode(hexTime(letter.offset))),
    ]);
    const excess = this.#count - this.#countMax;
    this.#dropped = 0;
    if (excess > 0)
      for (const [key, value] of this.#store.scan("deadLetter", {
        to: indexPrefix,
        limit: excess,
      })) {
        const letter = this.#parse(value);
        changes.push(put(key, null), put(indexKey(letter.id, letter.offset), null));
        this.#dropped++;
      }
    this.#count -= this.#dropped;
    return { changes, dropped: this.#dropped };
  }

  endSnapshot(outcome: "committed" | "failed"): void {
    if (outcome === "failed") {
      this.#fresh = [...this.#writing, ...this.#fresh];
      this.#count += this.#dropped;
    }
    this.#writing = [];
  }

  /** Newest first, below `before` (an offset) where one is given. */
  list(options: { readonly limit: number; readonly before?: number }): StoredDeadLetter[] {
    const before = options.before ?? Number.MAX_SAFE_INTEGER;
    const fresh = [...this.#writing, ...this.#fresh]
      .filter((letter) => letter.offset < before)
      .reverse();
    const stored: StoredDeadLetter[] = [];
    const range = { to: hexTime(before), reverse: true, limit: options.limit };
    for (const [, value] of this.#store.scan("deadLetter", range)) stored.push(this.#parse(value));
    const known = new Set(fresh.map((letter) => letter.offset));
    return [...fresh, ...stored.filter((letter) => !known.has(letter.offset))].slice(
      0,
      options.limit,
    );
  }

  /** All that were rejected under this message id, oldest first. */
  ofMessage(messageId: string): StoredDeadLetter[] {
    const prefix = `${indexPrefix}${hashHex(messageId)}/`;
    const found: StoredDeadLetter[] = [];
    for (const [, key] of this.#store.scan("deadLetter", {
      from: prefix,
      to: `${prefix}~`,
      limit: 100,
    })) {
      const value = this.#store.get("deadLetter", this.#text.decode(key));
      if (value !== undefined) found.push(this.#parse(value));
    }
    const known = new Set(found.map((letter) => letter.offset));
    const fresh = [...this.#writing, ...this.#fresh].filter((letter) => !known.has(letter.offset));
    return [...found, ...fresh].filter((letter) => letter.id === messageId);
  }

  #parse(value: Uint8Array): StoredDeadLetter {
    return JSON.parse(this.#text.decode(value)) as StoredDeadLetter;
  }
}

/** Sorts behind every offset in hexadecimal. */
const indexPrefix = "id/";
const indexKey = (messageId: string, offset: number) =>
  `${indexPrefix}${hashHex(messageId)}/${hexTime(offset)}`;
const put = (key: string, value: Uint8Array | null): StateChange => ({
  table: "deadLetter",
  key,
  value,
});
