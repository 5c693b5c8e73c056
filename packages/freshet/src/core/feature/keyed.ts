import type { Json } from "@freshet/protocol";
import { earlier, type WindowedFeature } from "../window.ts";
import type { CompiledFeature } from "./compiled.ts";
import { boundedKey, insertAt, insertNumber, search } from "./order.ts";
import type { FeatureItem, FeatureState } from "./type.ts";

/** Keys that a feature kept by a property keeps. */
export const keysMax = 128;

/** Keys ascending, and aligned with them their states and the times of their newest items. */
type Keyed = [dropped: 0 | 1, keys: string[], states: FeatureState[], newest: number[]];

/**
 * A feature kept apart for each value of a property.
 *
 * - K1 at most 128 keys. Past that the key goes whose newest item is oldest (of equal ones the lower key),
 *   and `dropped` says for good that something did: a key that comes back has lost its past.
 * - K2 a key whose items have all left the window goes without that mark when a new key comes.
 * - K3 a key with nothing in the window is not in the object that is read, whether its state is there or not.
 */
export function keyed(feature: WindowedFeature): CompiledFeature {
  const stateOf = (state: FeatureState | null, key: string): FeatureState | null => {
    if (state === null) return null;
    const [, keys, states] = state as Keyed;
    const at = search(keys, boundedKey(key));
    return at < 0 ? null : states[at];
  };
  return {
    add(state, item, clock) {
      if (item.by === undefined) return state;
      return addTo(feature, state as Keyed | null, boundedKey(item.by), item, clock);
    },
    merge: (a, b) => mergeKeyed(feature, a as Keyed | null, b as Keyed | null),
    read: (state, now, key) =>
      key === undefined
        ? readAll(feature, state as Keyed | null, now)
        : feature.read(stateOf(state, key), now),
    approximate(state) {
      if (state === null) return false;
      const [dropped, , states] = state as Keyed;
      return dropped === 1 || states.some((entry) => feature.approximate(entry));
    },
    nextFlip(state, now, comparator, constant, key) {
      if (state === null) return null;
      const states = key === undefined ? (state as Keyed)[2] : [stateOf(state, key)];
      return states.reduce<number | null>(
        (least, entry) => earlier(least, feature.nextFlip(entry, now, comparator, constant)),
        null,
      );
    },
  };
}

function addTo(
  feature: WindowedFeature,
  given: Keyed | null,
  key: string,
  item: FeatureItem,
  clock: number,
): Keyed | null {
  const at = given === null ? -1 : search(given[1], key);
  const before = at < 0 || given === null ? null : given[2][at];
  const after = feature.add(before, item, clock);
  if (after === null && at < 0) return given;
  const state: Keyed = given ?? [0, [], [], []];
  if (after === null) remove(state, at);
  else if (at >= 0) {
    state[2][at] = after;
    if (item.time > (state[3][at] as number)) state[3][at] = item.time;
  } else {
    insertEntry(state, key, after, item.time);
    removePast(feature, state, clock);
    bound(state);
  }
  return state[1].length === 0 && state[0] === 0 ? null : state;
}

function mergeKeyed(feature: WindowedFeature, a: Keyed | null, b: Keyed | null): Keyed | null {
  if (a === null && b === null) return null;
  const merged: Keyed = [a?.[0] === 1 || b?.[0] === 1 ? 1 : 0, [], [], []];
  for (const side of [a, b]) {
    if (side === null) continue;
    for (const [i, key] of side[1].entries()) {
      const newest = side[3][i] as number;
      const at = search(merged[1], key);
      if (at < 0) insertEntry(merged, key, feature.merge(side[2][i], null), newest);
      else {
        merged[2][at] = feature.merge(merged[2][at], side[2][i]);
        merged[3][at] = Math.max(merged[3][at] as number, newest);
      }
    }
  }
  if (merged[1].length > keysMax) {
    // As the newest item is not after the clock, it stands in for it.
    removePast(feature, merged, Math.max(...merged[3]));
    bound(merged);
  }
  return merged;
}

function readAll(feature: WindowedFeature, state: Keyed | null, now: number): Json {
  if (state === null) return {};
  const [, keys, states] = state;
  const entries: [string, Json][] = [];
  for (const [i, key] of keys.entries()) {
    if (!feature.isEmpty(states[i], now)) entries.push([key, feature.read(states[i], now)]);
  }
  // Not by assignment: a key may be "__proto__".
  return Object.fromEntries(entries);
}

function insertEntry(state: Keyed, key: string, entry: FeatureState, time: number): void {
  const at = ~search(state[1], key);
  insertAt(state[1], at, key);
  insertAt(state[2], at, entry);
  insertNumber(state[3], at, time);
}

function remove(state: Keyed, at: number): void {
  state[1].splice(at, 1);
  state[2].splice(at, 1);
  state[3].splice(at, 1);
}

/** Keeps K2. */
function removePast(feature: WindowedFeature, state: Keyed, clock: number): void {
  for (let i = state[1].length - 1; i >= 0; i--) {
    if (feature.isPast(state[3][i] as number, clock)) remove(state, i);
  }
}

/** Keeps K1. */
function bound(state: Keyed): void {
  while (state[1].length > keysMax) {
    let oldest = 0;
    for (let i = 1; i < state[3].length; i++) {
      if ((state[3][i] as number) < (state[3][oldest] as number)) oldest = i;
    }
    remove(state, oldest);
    state[0] = 1;
  }
}
