import type { SendEffect } from "../core/effect.ts";
import type { StateChange, StateStore } from "./port/state-store.ts";

/** An effect that waits for its destination, under the key that acknowledges it. */
export interface OutboxEntry {
  readonly key: string;
  readonly effect: SendEffect;
}

/**
 * Effects between the checkpoint that holds them and the destination that took them.
 *
 * - O1 an effect can be taken only after the checkpoint that holds it is on disk.
 * - O2 what was acknowledged is gone with the next checkpoint; a crash before it delivers again, with the same id.
 * - O3 the same effect id is kept out while it waits and for as long as it is remembered after delivery.
 */
export class Outbox {
  readonly #store: StateStore;
  readonly #write: (text: string) => Uint8Array;
  readonly #read: (bytes: Uint8Array) => string;
  #sequence: number;
  #fresh: OutboxEntry[] = [];
  #writing: OutboxEntry[] = [];
  #done: OutboxEntry[] = [];
  #queues = new Map<string, OutboxEntry[]>();
  #listeners: ((destination: string) => void)[] = [];

  constructor(store: StateStore, text: TextCodec, sequence: number) {
    this.#store = store;
    this.#write = text.encode;
    this.#read = text.decode;
    this.#sequence = sequence;
    for (const [key, value] of store.scan("outbox", {})) {
      if (key.startsWith(sentPrefix)) continue;
      this.#queueOf(destinationOf(key)).push({ key, effect: JSON.parse(this.#read(value)) as SendEffect });
    }
  }

  get sequence(): number {
    return this.#sequence;
  }

  add(effect: SendEffect): void {
    const key = `${effect.destination}/${(this.#sequence++).toString(16).padStart(14, "0")}`;
    this.#fresh.push({ key, effect });
  }

  /** What the next checkpoint has to write. */
  beginSnapshot(): StateChange[] {
    this.#writing = this.#fresh.filter(({ effect }) => this.#store.get("outbox", sentKey(effect.id)) === undefined);
    this.#fresh = [];
    const done = this.#done;
    this.#done = [];
    return [
      ...this.#writing.map(({ key, effect }) => change(key, this.#write(JSON.stringify(effect)))),
      ...done.flatMap(({ key, effect }) => [
        change(key, null),
        change(sentKey(effect.id), this.#write(String(effect.at))),
      ]),
    ];
  }

  /** After the commit (O1). After a failed one, everything is fresh again. */
  endSnapshot(outcome: "committed" | "failed"): void {
    const written = this.#writing;
    this.#writing = [];
    if (outcome === "failed") {
      this.#fresh = [...written, ...this.#fresh];
      return;
    }
    const touched = new Set<string>();
    for (const entry of written) {
      this.#queueOf(entry.effect.destination).push(entry);
      touched.add(entry.effect.destination);
    }
    for (const destination of touched) for (const listener of this.#listeners) listener(destination);
  }

  onReady(listener: (destination: string) => void): void {
    this.#listeners.push(listener);
  }

  /** Oldest entry of a destination; it stays until it is acknowledged. */
  peek(destination: string): OutboxEntry | null {
    return this.#queues.get(destination)?.[0] ?? null;
  }

  acknowledge(entry: OutboxEntry): void {
    const queue = this.#queues.get(entry.effect.destination);
    const index = queue?.indexOf(entry) ?? -1;
    if (queue === undefined || index === -1) return;
    queue.splice(index, 1);
    this.#done.push(entry);
  }

  destinations(): string[] {
    return [...this.#queues.keys()];
  }

  waiting(destination: string): number {
    return this.#queues.get(destination)?.length ?? 0;
  }

  /** Forgets what was delivered before `time` (effect time); returns what to delete. */
  forgetSentBefore(time: number, countMax: number): StateChange[] {
    const changes: StateChange[] = [];
    for (const [key, value] of this.#store.scan("outbox", { from: sentPrefix, to: `${sentPrefix}~`, limit: countMax }))
      if (Number(this.#read(value)) < time) changes.push(change(key, null));
    return changes;
  }

  #queueOf(destination: string): OutboxEntry[] {
    let queue = this.#queues.get(destination);
    if (queue === undefined) {
      queue = [];
      this.#queues.set(destination, queue);
    }
    return queue;
  }
}

/** Texts to bytes and back, as UTF-8; given in, since nothing here knows the platform. */
export interface TextCodec {
  encode(text: string): Uint8Array;
  decode(bytes: Uint8Array): string;
}

const sentPrefix = "~sent/";
const sentKey = (effectId: string) => `${sentPrefix}${effectId}`;
const change = (key: string, value: Uint8Array | null): StateChange => ({ table: "outbox", key, value });
const destinationOf = (key: string) => key.slice(0, key.lastIndexOf("/"));
