import type { Json } from "@freshet/protocol";
import { withoutMinusZero } from "../decimal.ts";
import { comparePlain, isScalar, type ScalarValue } from "./order.ts";
import type { FeatureType } from "./type.ts";

/** Flat triples value, time, id; the one that is read first comes first. Values are distinct. */
type Ranked = (ScalarValue | number | string)[];

/**
 * `first` and `last` but for the direction. Each distinct value keeps its foremost occurrence, and the n
 * foremost values are kept. A value that fell out can only return by an item that is foremost again, so
 * that nothing it lost matters: the state does not depend on the order of arrival.
 */
export function rankedByTime(name: string, direction: 1 | -1): FeatureType<Ranked> {
  return {
    name,
    bound: "n distinct values with time and id of one event each, always exact",
    accepts: (item) => isScalar(item.value),
    empty: () => [],
    add(state, { value, time, id }, { n }) {
      const kept = typeof value === "number" ? withoutMinusZero(value) : (value as ScalarValue);
      place(state, kept, time, id, n, direction);
      return state;
    },
    merge(a, b, { n }) {
      const merged = a.slice();
      for (let i = 0; i < b.length; i += 3) {
        place(merged, b[i] as ScalarValue, b[i + 1] as number, b[i + 2] as string, n, direction);
      }
      return merged;
    },
    read: (state, _now, { n }) => (n === 1 ? (state[0] ?? null) : valuesOf(state)),
    approximate: () => false,
  };
}

function valuesOf(state: Ranked): Json[] {
  const values: Json[] = [];
  for (let i = 0; i < state.length; i += 3) values.push(state[i] as ScalarValue);
  return values;
}

function place(
  state: Ranked,
  value: ScalarValue,
  time: number,
  id: string,
  n: number,
  direction: 1 | -1,
): void {
  let at = 0;
  while (at < state.length && compareTriple(state, at, value, time, id) * direction < 0) {
    if (state[at] === value) return;
    at += 3;
  }
  if (at >= n * 3) return;
  // The value's old place, or else one past the end, is what the triples in between move over.
  let end = at;
  while (end < state.length && state[end] !== value) end += 3;
  if (end === state.length) {
    if (end < n * 3) state.push(value, time, id);
    else end -= 3;
  }
  // A loop, as `copyWithin` takes twenty times as long on arrays of mixed values.
  for (let i = end - 1; i >= at; i--) state[i + 3] = state[i] as ScalarValue;
  state[at] = value;
  state[at + 1] = time;
  state[at + 2] = id;
}

/** Event order; the value decides where one event gave two. */
function compareTriple(
  state: Ranked,
  at: number,
  value: ScalarValue,
  time: number,
  id: string,
): number {
  const apart = (state[at + 1] as number) - time;
  if (apart !== 0) return apart;
  const order = comparePlain(state[at + 2], id);
  return order !== 0 ? order : comparePlain(state[at], value);
}
