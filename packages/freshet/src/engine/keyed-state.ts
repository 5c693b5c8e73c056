import type { Packed } from "../core/pack.ts";
import { never } from "../core/profile.ts";
import { type KeyState, migrateState, packState, timerOf, unpackState } from "./key-state.ts";
import type { Mapping } from "./migrate.ts";
import type { StateCodec } from "./port/codec.ts";
import type { StateChange, StateStore } from "./port/state-store.ts";
import { isEntityKey, timerKey } from "./store-key.ts";

/** A key that is held in memory. */
export interface Held {
  readonly key: string;
  /** Null while it is only packed: then a step unpacks it, and packs what it made of it. */
  state: KeyState | null;
  isLive: boolean;
  /** What the codec makes of the state, under this plan or an earlier one (K5); null where it has changed since. */
  packed: string | null;
  /** The timer of the state, or earlier (K5), and that of the index which `packed` tells; either may be `never`. */
  timer: number;
  packedTimer: number;
  /** Time of its entry in the store's timer index (K3), or `never`. */
  storedTimer: number;
  /** What `storedTimer` was before the snapshot that it was last encoded for, in case the commit fails. */
  timerBefore: number;
  /** Earliest entry of the timer heap for it, or `never`; keeps the heap at about one entry a key. */
  heapTimer: number;
  /** The snapshot that is to have it, by number; 0 where the last one that has it is as it is. */
  due: number;
  /** The snapshot that its changes were last counted for, and how many there were. */
  counted: number;
  changes: number;
  /** Since the hand that makes room last came by. */
  used: boolean;
}

/** Held as objects, which a step can change. */
export type Live = Held & { state: KeyState };

export interface KeyedStateOptions {
  readonly store: StateStore;
  readonly codec: StateCodec;
  /** Plan epoch of states written from now on. */
  readonly epoch: number;
  /** How states of earlier epochs come into the layout of today. */
  mappingFrom(epoch: number): Mapping;
  /** Clean keys held beyond those of the last checkpoints, live or packed; bounds memory. */
  readonly liveMax: number;
  /** Entries of the timer index before this time have been fetched. */
  horizon(): number;
  /** For tests: a state that is put is encoded, decoded, and goes on as what came back (DESIGN 3, rule 7). */
  readonly roundTrip?: boolean;
}

/**
 * Keyed state, held in memory and written back by checkpoints.
 *
 * - K1 a snapshot is the state at one log position: a key that is about to change while the snapshot is encoded
 *   is encoded first (`edit`).
 * - K2 a key that is due for a snapshot is never dropped from memory; others are, those first that were not used for
 *   long.
 * - K3 the timer index of the store has exactly one entry a key that has a timer, changed with its state. The entry
 *   may be earlier than the timer, never later: most events move a timer further away, and whoever comes for it at
 *   the earlier time looks at the state and comes again. A timer past the horizon has its entry past it too, since
 *   entries before the horizon have been fetched already.
 * - K4 a key that changes often is live; of any other the packed form is held, which a step unpacks and packs again.
 *   Its objects are some hundred pieces of memory all over the place, each of which a processor waits for when it was
 *   not there lately: unpacking takes less time than that (decision 0028).
 * - K5 another plan finds packed states as they are: each comes into its layout when it is next unpacked, as those of
 *   the store do, and until then its timer may be too early. Only live ones are changed at once.
 */
export class KeyedState {
  readonly #options: KeyedStateOptions;
  readonly #held = new Map<string, Held>();
  /** Where the search for a key to drop goes on. */
  #hand = this.#held.values();
  /** Due for the next snapshot, each once. */
  #dirty: Held[] = [];
  /** Number of the next snapshot. */
  #next = 1;
  #snapshot: Snapshot | null = null;
  /** Live and encoded; those that have not changed by the next snapshot are only packed from then on. */
  #kept: Held[] = [];
  #epoch: number;

  constructor(options: KeyedStateOptions) {
    this.#options = options;
    this.#epoch = options.epoch;
  }

  /** For reading: the state as it is now, or null. Must not be changed. */
  read(key: string): KeyState | null {
    const held = this.find(key);
    return held === null ? null : (held.state ?? this.#unpack(held));
  }

  /** What is held of the key, from the store if need be. Not for its state, which may be packed. */
  find(key: string): Held | null {
    const held = this.#held.get(key);
    if (held === undefined) return this.#load(key);
    held.used = true;
    return held;
  }

  /** For changing: keeps K1. What was changed is handed to `put`. */
  edit(key: string): Live | null {
    const held = this.find(key);
    if (held === null) return null;
    this.#encodeAwaited(held);
    return this.#open(held);
  }

  /** For what an edit opened and nobody changed: it is only packed again (K4). */
  leave(held: Held): void {
    if (!held.isLive && held.packed !== null) this.#letGo(held);
  }

  #open(held: Held): Live {
    if (held.state === null) {
      held.state = this.#unpack(held);
      held.timer = timerOf(held.state);
    }
    return held as Live;
  }

  /** Takes the state that came of an edit; `edited` is what `edit` gave, null for a key that is new. */
  put(key: string, edited: Live | null, state: KeyState): Held {
    const held = edited ?? this.#insert(key);
    const taken = this.#options.roundTrip === true ? this.#roundTrip(key, state) : state;
    held.state = taken;
    held.timer = timerOf(taken);
    held.packed = null;
    this.#makeDue(held);
    if (!held.isLive && !this.#becomesLive(held)) this.#pack(held, taken);
    return held;
  }

  /** Has the key written with the next checkpoint, as if it had changed. Keeps K1. */
  touch(held: Held): void {
    this.#encodeAwaited(held);
    this.#makeDue(held);
  }

  /** For the snapshot under way, if that is to have it still. */
  #encodeAwaited(held: Held): void {
    if (held.due !== 0 && held.due !== this.#next) this.#encode(held);
  }

  #makeDue(held: Held): void {
    if (held.due === this.#next) return;
    held.due = this.#next;
    this.#dirty.push(held);
  }

  #becomesLive(held: Held): boolean {
    if (held.counted !== this.#next) {
      held.counted = this.#next;
      held.changes = 0;
    }
    held.isLive = ++held.changes >= liveChangesMin;
    return held.isLive;
  }

  #insert(key: string): Held {
    const held: Held = {
      key,
      state: null,
      isLive: false,
      packed: null,
      timer: never,
      packedTimer: never,
      storedTimer: never,
      timerBefore: never,
      heapTimer: never,
      due: 0,
      counted: 0,
      changes: 0,
      used: true,
    };
    // First, since what is taken in now is not due yet nor to go again.
    this.#makeRoom(looksPerKey);
    this.#held.set(key, held);
    return held;
  }

  #roundTrip(key: string, state: KeyState): KeyState {
    const { codec } = this.#options;
    const [, packed] = codec.decode(codec.encode([this.#epoch, packState(state), null])) as Stored;
    return unpackState(key, packed);
  }

  /** Keys held, live or packed. */
  get heldCount(): number {
    return this.#held.size;
  }

  get dirtyCount(): number {
    return this.#dirty.length;
  }

  /** Keys changed since the last checkpoint that is on disk, with their timers: the store may not know them yet. */
  *dirtyTimers(): Iterable<readonly [key: string, timer: number]> {
    for (const { key, timer } of new Set([...this.#dirty, ...(this.#snapshot?.keys ?? [])]))
      if (timer !== never) yield [key, timer];
  }

  /** Freezes what has changed up to now. One snapshot at a time. */
  beginSnapshot(): Snapshot {
    if (this.#snapshot !== null) throw new Error("a snapshot is being taken already");
    for (const held of this.#kept) if (held.packed !== null) this.#letGo(held);
    this.#kept = [];
    const keys = this.#dirty;
    this.#dirty = [];
    this.#snapshot = { number: this.#next++, keys, next: 0, awaited: keys.length, changes: [] };
    return this.#snapshot;
  }

  /** Encodes up to `keysMax` keys of the snapshot, or fewer where that would take long; false when nothing is left. */
  encodeSlice(keysMax: number): boolean {
    const snapshot = this.#snapshot;
    if (snapshot === null) return false;
    let work = 0;
    for (let count = 0; snapshot.next < snapshot.keys.length; snapshot.next++) {
      const held = snapshot.keys[snapshot.next] as Held;
      if (held.due !== snapshot.number) continue;
      if (count++ >= keysMax || work >= sliceWorkMax) return true;
      work += held.packed === null || isWoken(held) ? liveWork : 1;
      this.#encode(held);
      if (held.isLive) this.#kept.push(held);
    }
    return false;
  }

  /** After the commit, or after it failed: then everything in it is due again. */
  endSnapshot(outcome: "committed" | "failed"): void {
    const snapshot = this.#snapshot;
    this.#snapshot = null;
    if (outcome === "committed") this.#makeRoom(looksPerKey * this.#excess());
    if (snapshot === null || outcome === "committed") return;
    for (const held of snapshot.keys) {
      if (held.due !== snapshot.number) held.storedTimer = held.timerBefore;
      this.#makeDue(held);
    }
  }

  /** Under a new plan: see K5. */
  switchTo(epoch: number, mapping: Mapping): void {
    const dueAt = earliestOf(mapping.due);
    for (const held of this.#held.values()) {
      this.#encodeAwaited(held);
      if (held.state === null) this.#wake(held, dueAt);
      else {
        held.state = migrateState(held.key, held.state, mapping);
        held.timer = timerOf(held.state);
        held.packed = null;
        this.#makeDue(held);
      }
    }
    this.#epoch = epoch;
  }

  /** Has a packed profile looked at soon where something is to be decided anew. */
  #wake(held: Held, dueAt: number): void {
    if (dueAt >= held.timer || isEntityKey(held.key)) return;
    held.timer = dueAt;
    this.#makeDue(held);
  }

  /** Holds it packed instead of live, where that can be. */
  #pack(held: Held, state: KeyState): void {
    const indexed = this.#indexTime(held);
    const text = this.#tryEncoding(storedOf(this.#epoch, state, indexed));
    if (text === null || text.length > packedCharsMax) return;
    held.packed = text;
    held.packedTimer = indexed;
    this.#letGo(held);
  }

  #letGo(held: Held): void {
    held.isLive = false;
    held.state = null;
  }

  /** Null for a state that the codec refuses: the checkpoint tells, and the step that made it has happened. */
  #tryEncoding(stored: Stored): string | null {
    try {
      return this.#options.codec.encodeText(stored);
    } catch {
      return null;
    }
  }

  #unpack({ key, packed: text }: Held): KeyState {
    if (text === null) throw new Error(`${key} is held neither live nor packed`);
    const [epoch, packed] = this.#options.codec.decodeText(text) as Stored;
    return this.#unpackOf(key, epoch, packed);
  }

  #unpackOf(key: string, epoch: number, packed: Packed): KeyState {
    const state = unpackState(key, packed);
    if (epoch === this.#epoch) return state;
    return migrateState(key, state, this.#options.mappingFrom(epoch));
  }

  #encode(held: Held): void {
    const snapshot = this.#snapshot;
    if (snapshot === null) throw new Error("no snapshot is being taken");
    const { key, storedTimer: before } = held;
    const wasWoken = isWoken(held);
    if (wasWoken) this.#open(held);
    const indexed = this.#indexTime(held);
    // First, as it may refuse: the key must not be lost to the next checkpoint.
    const value = this.#valueOf(held, indexed);
    if (wasWoken) this.leave(held);
    held.due = 0;
    snapshot.awaited--;
    held.timerBefore = before;
    snapshot.changes.push({ table: "state", key, value });
    if (indexed === before) return;
    if (before !== never)
      snapshot.changes.push({ table: "timer", key: timerKey(before, key), value: null });
    if (indexed !== never)
      snapshot.changes.push({ table: "timer", key: timerKey(indexed, key), value: emptyBytes });
    held.storedTimer = indexed;
  }

  #valueOf(held: Held, indexed: number): Uint8Array {
    const { codec } = this.#options;
    if (held.packed !== null && held.packedTimer === indexed) return codec.bytesOf(held.packed);
    const state = held.state ?? this.#unpack(held);
    const value = codec.encode(storedOf(this.#epoch, state, indexed));
    if (value.length > packedCharsMax) return value;
    held.packed = codec.textOf(value);
    held.packedTimer = indexed;
    return value;
  }

  /** Keeps K3 with as few changes of the index as it takes. */
  #indexTime({ timer, storedTimer }: Held): number {
    if (timer === never || timer < storedTimer) return timer;
    const horizon = this.#options.horizon();
    return storedTimer < horizon && timer >= horizon ? timer : storedTimer;
  }

  #load(key: string): Held | null {
    const bytes = this.#options.store.get("state", key);
    if (bytes === undefined) return null;
    const [epoch, packed, indexed] = this.#options.codec.decode(bytes) as Stored;
    const held = this.#insert(key);
    held.state = this.#unpackOf(key, epoch, packed);
    held.timer = timerOf(held.state);
    held.storedTimer = indexed ?? never;
    this.#pack(held, held.state);
    return held;
  }

  /** Second chance (Corbató, 1968): a clean key goes that nobody has used since the hand last came by. */
  #makeRoom(looksMax: number): void {
    if (this.#inFlight()) return;
    for (let looks = 0; looks < looksMax && this.#excess() > 0; looks++) {
      const { value: held, done } = this.#hand.next();
      if (done === true) this.#hand = this.#held.values();
      else if (held.due !== 0) continue;
      else if (held.used) held.used = false;
      else this.#held.delete(held.key);
    }
  }

  /** Keys to drop, were they clean. The one that is about to be taken in counts. */
  #excess(): number {
    return this.#held.size + 1 - this.#options.liveMax;
  }

  /** Until the commit of a snapshot has resolved, the store may still give the older state (S4). */
  #inFlight(): boolean {
    return this.#snapshot !== null;
  }
}

export interface Snapshot {
  readonly number: number;
  /** All that it holds; those that were not encoded yet are awaited. */
  readonly keys: readonly Held[];
  /** The first that may be awaited still. */
  next: number;
  /** How many are. */
  awaited: number;
  readonly changes: StateChange[];
}

const emptyBytes = new Uint8Array(0);
/** So many changes from one snapshot to the next make a key live, until there is none. */
const liveChangesMin = 3;
/** What encoding a live key takes beside handing over a packed one, and how much of it is done in one go: some 2 ms. */
const liveWork = 8;
const sliceWorkMax = 1000;
/** Larger states stay live until they are dropped: each unpacking would take long. */
const packedCharsMax = 16 * 1024;
/** Keys that are looked at for each that is taken in, or is one too many: the hand comes by some of them twice. */
const looksPerKey = 4;

/** What the store has of a key. */
type Stored = readonly [epoch: number, packed: Packed, indexed: number | null];

function storedOf(epoch: number, state: KeyState, indexed: number): Stored {
  return [epoch, packState(state), indexed === never ? null : indexed];
}

/** A packed state whose timer another plan has brought forward. */
function isWoken({ state, timer, packedTimer }: Held): boolean {
  return state === null && timer < packedTimer;
}

function earliestOf(times: readonly (number | null)[]): number {
  return times.reduce((earliest: number, time) => Math.min(earliest, time ?? never), never);
}
