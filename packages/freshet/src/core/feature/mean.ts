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
  add: (state, item, { scale }) => addScaled(state, toScaledInteger(item.value as number, scale)),
  unit: {
    of: (item, { scale }) => toScaledInteger(item.value as number, scale),
    add: (state, scaled) => addScaled(state, scaled as number),
  },
  merge: (a, b) => [addSaturating(a[0], b[0]), addSaturating(a[1], b[1])],
  read: (state, _now, { scale }) =>
    state[1] === 0 ? null : withoutMinusZero(state[0] / (state[1] * scale)),
  approximate: (state) => isSaturated(state[0]),
};

function addScaled(state: Mean, scaled: number): Mean {
  state[0] = addSaturating(state[0], scaled);
  state[1] = addSaturating(state[1], 1);
  return state;
}
