import { type Packed, packEntity, packProfile, unpackEntity, unpackProfile } from "../core/pack.ts";
import { type EntityState, never, type ProfileState } from "../core/profile.ts";
import { type Mapping, migrateEntity, migrateProfile } from "./migrate.ts";
import type { StateCodec } from "./port/codec.ts";
import type { StateChange, StateStore } from "./port/state-store.ts";

export type KeyState =
  | { readonly kind: "profile"; readonly profile: ProfileState }
  | { readonly kind: "entity"; readonly entity: EntityState };

/** A key that is held live. */
export interface Live {
  readonly key: string;
  state: KeyState;
  /** Changed since the last snapshot began. */
  dirty: boolean;
  /** Belongs to the snapshot that is being encoded and was not encoded yet. */
  awaited: boolean;
  /** Time of its entry in the store's timer index (K3). */
  storedTimer: number | null;
  /** What `storedTimer` was before the snapshot that it was last encoded for, in case the commit fails. */
  timerBefore: number | null;
  /** Earliest entry of the timer heap for it; keeps the heap at about one entry a key. */
  heapTime: number | null;
  /** Since the hand that makes room last came by. */
  used: boolean;
}

export interface KeyedStateOptions {
  readonly store: StateStore;
  readonly codec: StateCodec;
  /** Plan epoch of states written from now on. */
  readonly epoch: number;
  /** How states of earlier epochs come into the layout of today. */
  mappingFrom(epoch: number): Mapping;
  /** Clean keys held beyond those of the last checkpoints; bounds memory. */
  readonly liveMax: number;
  /** Entries of the timer index before this time have been fetched. */
  horizon(): number;
  /** For tests: a state that is put is encoded, decoded, and goes on as what came back (DESIGN 3, rule 7). */
  readonly roundTrip?: boolean;
}

/**
 * Keyed state, held live and written back by checkpoints.
 *
 * - K1 a snapshot is the state at one log position: a key that is about to change while the snapshot is encoded
 *   is encoded first (`edit`).
 * - K2 a key that is dirty or awaited is never dropped from memory; clean keys are, those first that were not used
 *   for long.
 * - K3 the timer index of the store has exactly one entry a key that has a timer, changed with its state. The entry
 *   may be earlier than the timer, never later: most events move a timer further away, and whoever comes for it at
 *   the earlier time looks at the state and comes again. A timer past the horizon has its entry past it too, since
 *   entries before the horizon have been fetched already.
 */
export class KeyedState {
  readonly #options: KeyedStateOptions;
  readonly #live = new Map<string, Live>();
  /** Where the search for a key to drop goes on. */
  #hand = this.#live.values();
  /** Each once: `Live.dirty` tells. */
  #dirty: Live[] = [];
  #snapshot: Snapshot | null = null;
  #epoch: number;

  constructor(options: KeyedStateOptions) {
    this.#options = options;
    this.#epoch = options.epoch;
  }

  /** For reading: the state as it is now, or null. Must not be changed. */
  read(key: string): KeyState | null {
    return this.#find(key)?.state ?? null;
  }

  /** For changing: keeps K1. What was changed is handed to `put`. */
  edit(key: string): Live | null {
    const live = this.#find(key);
    if (live?.awaited === true) this.#encode(live);
    return live;
  }

  /** Takes the state that came of an edit; `edited` is what `edit` gave, null for a key that is new. */
  put(key: string, edited: Live | null, state: KeyState): Live {
    const live = edited ?? this.#insert(key, state, null);
    live.state = this.#options.roundTrip === true ? this.#roundTrip(key, state) : state;
    this.touch(live);
    return live;
  }

  /** Has the key written with the next checkpoint, as if it had changed. */
  touch(live: Live): void {
    if (live.dirty) return;
    live.dirty = true;
    this.#dirty.push(live);
  }

  #insert(key: string, state: KeyState, storedTimer: number | null): Live {
    const live: Live = {
      key,
      state,
      dirty: false,
      awaited: false,
      storedTimer,
      timerBefore: null,
      heapTime: null,
      used: true,
    };
    // First, since what is taken in now is neither dirty yet nor to go again.
    this.#makeRoom(looksPerKey);
    this.#live.set(key, live);
    return live;
  }

  #roundTrip(key: string, state: KeyState): KeyState {
    const { codec } = this.#options;
    const [, packed] = codec.decode(codec.encode([this.#epoch, pack(state), null])) as Stored;
    return unpack(key, packed);
  }

  get liveCount(): number {
    return this.#live.size;
  }

  get dirtyCount(): number {
    return this.#dirty.length;
  }

  /** Keys changed since the last checkpoint that is on disk, with their timers: the store may not know them yet. */
  *dirtyTimers(): Iterable<readonly [key: string, timer: number]> {
    for (const { key, state } of new Set([...this.#dirty, ...(this.#snapshot?.keys ?? [])]))
      if (state.kind === "profile" && state.profile.timer !== never)
        yield [key, state.profile.timer];
  }

  /** Freezes what has changed up to now. One snapshot at a time. */
  beginSnapshot(): Snapshot {
    if (this.#snapshot !== null) throw new Error("a snapshot is being taken already");
    const keys = this.#dirty;
    this.#dirty = [];
    for (const live of keys) {
      live.dirty = false;
      live.awaited = true;
    }
    this.#snapshot = { keys, next: 0, awaited: keys.length, changes: [] };
    return this.#snapshot;
  }

  /** Encodes up to `keysMax` keys of the snapshot; false when nothing is left. */
  encodeSlice(keysMax: number): boolean {
    const snapshot = this.#snapshot;
    if (snapshot === null) return false;
    for (let count = 0; snapshot.next < snapshot.keys.length; snapshot.next++) {
      const live = snapshot.keys[snapshot.next] as Live;
      if (!live.awaited) continue;
      if (count++ >= keysMax) return true;
      this.#encode(live);
    }
    return false;
  }

  /** After the commit, or after it failed: then everything in it is dirty again. */
  endSnapshot(outcome: "committed" | "failed"): void {
    const snapshot = this.#snapshot;
    this.#snapshot = null;
    if (outcome === "committed") this.#makeRoom(looksPerKey * this.#excess());
    if (snapshot === null || outcome === "committed") return;
    for (const live of snapshot.keys) {
      if (!live.awaited) live.storedTimer = live.timerBefore;
      live.awaited = false;
      this.touch(live);
    }
  }

  /** Under a new plan: live states are brought into its layout, and written so with the next checkpoint. */
  switchTo(epoch: number, mapping: Mapping): void {
    for (const live of this.#live.values()) {
      if (live.awaited) this.#encode(live);
      live.state = migrate(live.key, live.state, mapping);
      this.touch(live);
    }
    this.#epoch = epoch;
  }

  #encode(live: Live): void {
    const snapshot = this.#snapshot;
    if (snapshot === null) throw new Error("no snapshot is being taken");
    const { key, storedTimer: before } = live;
    const indexed = this.#indexTime(live);
    // First, as it may refuse: the key must not be lost to the next checkpoint.
    const value = this.#options.codec.encode([this.#epoch, pack(live.state), indexed]);
    live.awaited = false;
    snapshot.awaited--;
    live.timerBefore = before;
    snapshot.changes.push({ table: "state", key, value });
    if (indexed === before) return;
    if (before !== null)
      snapshot.changes.push({ table: "timer", key: timerKey(before, key), value: null });
    if (indexed !== null)
      snapshot.changes.push({ table: "timer", key: timerKey(indexed, key), value: emptyBytes });
    live.storedTimer = indexed;
  }

  /** Keeps K3 with as few changes of the index as it takes. */
  #indexTime({ state, storedTimer }: Live): number | null {
    const timer = state.kind === "profile" ? state.profile.timer : never;
    if (timer === never) return null;
    if (storedTimer === null || timer < storedTimer) return timer;
    const horizon = this.#options.horizon();
    return storedTimer < horizon && timer >= horizon ? timer : storedTimer;
  }

  #find(key: string): Live | null {
    const live = this.#live.get(key);
    if (live === undefined) return this.#load(key);
    live.used = true;
    return live;
  }

  #load(key: string): Live | null {
    const bytes = this.#options.store.get("state", key);
    if (bytes === undefined) return null;
    const [epoch, packed, indexed] = this.#options.codec.decode(bytes) as Stored;
    let state = unpack(key, packed);
    if (epoch !== this.#epoch) state = migrate(key, state, this.#options.mappingFrom(epoch));
    return this.#insert(key, state, indexed);
  }

  /** Second chance (Corbató, 1968): a clean key goes that nobody has used since the hand last came by. */
  #makeRoom(looksMax: number): void {
    if (this.#inFlight()) return;
    for (let looks = 0; looks < looksMax && this.#excess() > 0; looks++) {
      const { value: live, done } = this.#hand.next();
      if (done === true) this.#hand = this.#live.values();
      else if (live.dirty || live.awaited) continue;
      else if (live.used) live.used = false;
      else this.#live.delete(live.key);
    }
  }

  /** Keys to drop, were they clean. The one that is about to be taken in counts. */
  #excess(): number {
    return this.#live.size + 1 - this.#options.liveMax;
  }

  /** Until the commit of a snapshot has resolved, the store may still give the older state (S4). */
  #inFlight(): boolean {
    return this.#snapshot !== null;
  }
}

export interface Snapshot {
  /** All that it holds; those that were not encoded yet are awaited. */
  readonly keys: readonly Live[];
  /** The first that may be awaited still. */
  next: number;
  /** How many are. */
  awaited: number;
  readonly changes: StateChange[];
}

const emptyBytes = new Uint8Array(0);
/** Keys that are looked at for each that is taken in, or is one too many: the hand comes by some of them twice. */
const looksPerKey = 4;

/** Sorts by time. */
export function timerKey(time: number, key: string): string {
  return `${hexTime(time)}/${key}`;
}

export function hexTime(time: number): string {
  return Math.max(0, Math.floor(time)).toString(16).padStart(14, "0");
}

/** What the store has of a key. */
type Stored = readonly [epoch: number, packed: Packed, indexed: number | null];

function pack(state: KeyState): Packed {
  return state.kind === "profile" ? packProfile(state.profile) : packEntity(state.entity);
}

function unpack(key: string, packed: Packed): KeyState {
  return isEntityKey(key)
    ? { kind: "entity", entity: unpackEntity(packed) }
    : { kind: "profile", profile: unpackProfile(packed) };
}

function migrate(key: string, state: KeyState, mapping: Mapping): KeyState {
  return state.kind === "profile"
    ? { kind: "profile", profile: migrateProfile(state.profile, mapping) }
    : { kind: "entity", entity: migrateEntity(entityOf(key), state.entity, mapping) };
}

/** `entity:<entity>:<key>`; every other key is a profile's. */
export function entityKey(entity: string, key: string): string {
  return `entity:${entity}:${key}`;
}

export function isEntityKey(key: string): boolean {
  return key.startsWith("entity:");
}

export function entityOf(key: string): string {
  const start = "entity:".length;
  return key.slice(start, key.indexOf(":", start));
}
