import type { Json } from "@freshet/protocol";
import { withoutMinusZero } from "../decimal.ts";
import { boundedKey, comparePlain, insertAt, isNumber, search } from "./order.ts";
import type { FeatureItem, FeatureOptions, FeatureType } from "./type.ts";

/** Keys counted where the options do not say. */
export const topKeysMax = 256;

type Key = string | number;
/** Keys ascending and their counts; `lost` is the most that any count may be short of. */
type Counts = [lost: number, keys: Key[], counts: number[]];

/**
 * Counts per key. Past `keysMax` keys the quarter with the lowest counts goes at once (the later key first where
 * counts are equal): were it one at a time, a newcomer with its count of 1 would always be the one to go.
 */
export const topK: FeatureType<Counts> = {
  name: "topK",
  bound:
    "256 keys (or `keysMax`) of 256 characters; past that the rarest are dropped, and a count may be short by what they had",
  accepts: (item) => typeof item.value === "string" || isNumber(item.value),
  empty: () => [0, [], []],
  add: (state, item, options) => addKey(state, keyOf(item), options),
  unit: { of: keyOf, add: (state, key, options) => addKey(state, key as Key, options) },
  merge(a, b, options) {
    const merged = union(a, b);
    dropRarest(merged, options);
    return merged;
  },
  read: (state, _now, { n }) => top(state, n).map((at): Json => state[1][at] as Key),
  approximate: (state) => state[0] > 0,
};

function keyOf({ value }: FeatureItem): Key {
  return typeof value === "string" ? boundedKey(value) : withoutMinusZero(value as number);
}

function addKey(state: Counts, key: Key, options: FeatureOptions): Counts {
  const at = search(state[1], key);
  if (at >= 0) state[2][at] = (state[2][at] as number) + 1;
  else {
    insertAt(state[1], ~at, key);
    insertAt(state[2], ~at, 1);
    dropRarest(state, options);
  }
  return state;
}

function union(a: Counts, b: Counts): Counts {
  const keys: Key[] = [];
  const counts: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a[1].length || j < b[1].length) {
    const order = i === a[1].length ? 1 : j === b[1].length ? -1 : comparePlain(a[1][i], b[1][j]);
    keys.push((order <= 0 ? a[1][i] : b[1][j]) as Key);
    let count = 0;
    if (order <= 0) count += a[2][i++] as number;
    if (order >= 0) count += b[2][j++] as number;
    counts.push(count);
  }
  return [a[0] + b[0], keys, counts];
}

function dropRarest(state: Counts, { keysMax = topKeysMax }: FeatureOptions): void {
  if (state[1].length <= keysMax) return;
  const [, keys, counts] = state;
  const kept = top(state, Math.ceil(keysMax * 0.75)).sort((x, y) => x - y);
  const isKept = new Set(kept);
  let lost = 0;
  for (let at = 0; at < keys.length; at++) {
    if (!isKept.has(at)) lost = Math.max(lost, counts[at] as number);
  }
  state[0] += lost;
  state[1] = kept.map((at) => keys[at] as Key);
  state[2] = kept.map((at) => counts[at] as number);
}

/** Positions of the n highest counts, highest first; of equal counts the lower key. */
function top([, keys, counts]: Counts, n: number): number[] {
  const best: number[] = [];
  for (let at = 0; at < keys.length; at++) {
    const count = counts[at] as number;
    if (best.length === n && count <= (counts[best[n - 1] as number] as number)) continue;
    let to = best.length;
    while (to > 0 && (counts[best[to - 1] as number] as number) < count) to--;
    insertAt(best, to, at);
    if (best.length > n) best.pop();
  }
  return best;
}
