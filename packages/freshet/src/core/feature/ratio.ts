import { addSaturating, isSaturated, toScaledInteger, withoutMinusZero } from "../decimal.ts";
import { isNumber } from "./order.ts";
import type { FeatureType } from "./type.ts";

type Ratio = [numerator: number, denominator: number];

/** Sum of input 0 over sum of input 1. Null while the latter is 0. */
export const ratio: FeatureType<Ratio> = {
  name: "ratio",
  bound: "two integers, exact while both scaled sums are below 2^53 - 1",
  accepts: (item) => isNumber(item.value),
  empty: () => [0, 0],
  add(state, item, { scale }) {
    const side = item.input === 0 ? 0 : 1;
    state[side] = addSaturating(state[side], toScaledInteger(item.value as number, scale));
    return state;
  },
  merge: (a, b) => [addSaturating(a[0], b[0]), addSaturating(a[1], b[1])],
  read: (state) => (state[1] === 0 ? null : withoutMinusZero(state[0] / state[1])),
  approximate: (state) => isSaturated(state[0]) || isSaturated(state[1]),
};
