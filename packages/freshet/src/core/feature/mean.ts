import { addSaturating, isSaturated, toScaledInteger, withoutMinusZero } from "../decimal.ts";
import { isNumber } from "./order.ts";
import type { FeatureType } from "./type.ts";

type Mean = [sum: number, count: number];

/** Mean of the values, each rounded to 1 / scale as in `sum`. Null before the first. */
export const mean: FeatureType<Mean> = {
  name: "mean",
  bound: "two integers, exact while the scaled sum is below 2^53 - 1",
  accepts: (item) => isNumber(item.value),
  empty: () => [0, 0],
  add(state, item, { scale }) {
    state[0] = addSaturating(state[0], toScaledInteger(item.value as number, scale));
    state[1] = addSaturating(state[1], 1);
    return state;
  },
  merge: (a, b) => [addSaturating(a[0], b[0]), addSaturating(a[1], b[1])],
  read: (state, _now, { scale }) =>
    state[1] === 0 ? null : withoutMinusZero(state[0] / (state[1] * scale)),
  approximate: (state) => isSaturated(state[0]),
};
