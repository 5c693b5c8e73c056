import { hash53 } from "../hash.ts";
import { insertNumber, isScalar, search } from "./order.ts";
import type { FeatureType } from "./type.ts";

/** Distinct values that are counted exactly. */
export const distinctExactMax = 256;

/**
 * Bottom-k sketch: the 257 smallest hashes, ascending (Bar-Yossef et al., 2002; estimator of Beyer et al.,
 * 2007). Up to 256 of them are the count itself; 257 tell how dense the hashes lie, and so how many there
 * are. Which hashes are smallest does not depend on order. Values count by their text: 1 and "1" are one.
 */
export const distinct: FeatureType<number[]> = {
  name: "distinct",
  bound: "257 hashes; exact up to 256 values, then estimated with a standard error of 6.3 %",
  accepts: (item) => isScalar(item.value),
  empty: () => [],
  add: (state, item) => addHash(state, hash53(String(item.value))),
  unit: {
    of: (item) => hash53(String(item.value)),
    add: (state, hash) => addHash(state, hash as number),
  },
  merge: (a, b) => smallest(a, b),
  read: (state) => (state.length > distinctExactMax ? estimate(state) : state.length),
  approximate: (state) => state.length > distinctExactMax,
};

function addHash(state: number[], hash: number): number[] {
  if (state.length > distinctExactMax && hash > (state[distinctExactMax] as number)) return state;
  const at = search(state, hash);
  if (at < 0) insertNumber(state, ~at, hash);
  if (state.length > distinctExactMax + 1) state.pop();
  return state;
}

function smallest(a: readonly number[], b: readonly number[]): number[] {
  const merged: number[] = [];
  let i = 0;
  let j = 0;
  while (merged.length <= distinctExactMax && (i < a.length || j < b.length)) {
    const x = a[i] ?? Number.POSITIVE_INFINITY;
    const y = b[j] ?? Number.POSITIVE_INFINITY;
    merged.push(Math.min(x, y));
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return merged;
}

/** (k - 1) / u, u the k-th smallest hash as a fraction of the range. At least 257 have been seen. */
function estimate(state: readonly number[]): number {
  const fraction = ((state[distinctExactMax] as number) + 1) / 0x20_0000_0000_0000;
  return Math.max(distinctExactMax + 1, Math.round(distinctExactMax / fraction));
}
