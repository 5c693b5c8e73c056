import type { Json } from "@freshet/protocol";
import type { FeatureState } from "./feature/type.ts";
import type { SessionList } from "./session.ts";

/**
 * State of one key, as the reducer keeps it. Plain data but for `never`; the engine persists the packed form.
 *
 * - P1 `parts` is sorted by part id, and a feature is read by folding parts in that order (DESIGN 6).
 * - P2 `members` and `flips` are aligned with the plan's segments, `features` with its feature slots.
 * - P3 `timer` is the least of `flips`: the next time at which something may change by time alone. Each may be `never`.
 * - P4 a key that an owner holds (`owner`) has no parts: they moved, and its events are forwarded.
 */
export interface ProfileState {
  /** Counts reduced inputs of this key: grows by one with each, never with bundles. */
  version: number;
  parts: PartEntry[];
  /** Only of anonymous keys: who owns it, and how many owners it had. */
  owner: { generation: number; userId: string } | null;
  /** Only of user keys: anonymous ids that were linked from here. Sorted. */
  links: string[];
  members: (Membership | null)[];
  flips: number[];
  timer: number;
}

/** No time: after all of them. Packed it is null. A number, so that V8 changes it in place. */
export const never = Number.POSITIVE_INFINITY;

export interface Membership {
  readonly since: number;
  /** Message id, or `timer:<segment>:<time>`, or `link:<message id>`. */
  readonly cause: string;
}

export interface PartEntry {
  readonly id: string;
  /** For parts that moved in: version of the key they came from. */
  version: number;
  part: PartState;
}

export interface PartState {
  /** Earliest and latest event time. */
  firstAt: number;
  lastAt: number;
  events: number;
  /** Sorted by name; the latest in event order wins. */
  traits: TraitEntry[];
  features: (FeatureState | null)[];
  sessions: SessionList;
  /** What fired here, for as long as the longest cooldown: an order-free set. */
  fired: FiredEntry[];
  /** Log offsets of the last events, oldest first. */
  recent: number[];
}

export interface TraitEntry {
  readonly name: string;
  readonly time: number;
  readonly id: string;
  readonly value: Json;
}

export interface FiredEntry {
  readonly rule: string;
  readonly time: number;
  readonly effectId: string;
}

/** State of a key that is no profile: an item, a category. */
export interface EntityState {
  version: number;
  features: (FeatureState | null)[];
}

/** Events whose offsets a part remembers, for the list of a profile's last events. */
export const recentOffsetsMax = 32;
/** Traits that a part keeps; more are a client that writes data into names. Later ones are not kept. */
export const traitsMax = 128;

export function emptyProfile(segments: number): ProfileState {
  return {
    version: 0,
    parts: [],
    owner: null,
    links: [],
    members: new Array<Membership | null>(segments).fill(null),
    flips: new Array<number>(segments).fill(never),
    timer: never,
  };
}

export function emptyPart(features: number, time: number): PartState {
  return {
    firstAt: time,
    lastAt: time,
    events: 0,
    traits: [],
    features: new Array<FeatureState | null>(features).fill(null),
    sessions: [],
    fired: [],
    recent: [],
  };
}

export function findPart(state: ProfileState, id: string): PartEntry | undefined {
  for (const entry of state.parts) if (entry.id === id) return entry;
  return undefined;
}

/** Keeps P1. */
export function insertPart(state: ProfileState, entry: PartEntry): void {
  const index = state.parts.findIndex((other) => other.id >= entry.id);
  if (index === -1) state.parts.push(entry);
  else if (state.parts[index]?.id === entry.id) state.parts[index] = entry;
  else state.parts.splice(index, 0, entry);
}

/** Sorts above every real value: the least (time, id) is never lost to a tie. */
export function setTrait(part: PartState, entry: TraitEntry): boolean {
  const { traits } = part;
  let low = 0;
  let high = traits.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((traits[middle] as TraitEntry).name < entry.name) low = middle + 1;
    else high = middle;
  }
  const found = traits[low];
  if (found?.name === entry.name) {
    if (!isAfter(entry, found)) return false;
    traits[low] = entry;
    return true;
  }
  if (traits.length >= traitsMax) return false;
  traits.splice(low, 0, entry);
  return true;
}

/** The event order: (time, id). */
export function isAfter(a: { time: number; id: string }, b: { time: number; id: string }): boolean {
  return a.time > b.time || (a.time === b.time && a.id > b.id);
}
