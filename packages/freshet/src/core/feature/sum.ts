import { addSaturating, isSaturated, toScaledInteger } from "../decimal.ts";
import { isNumber } from "./order.ts";
import type { FeatureType } from "./type.ts";

/** The sum of value * scale in integers, so that no order of arrival moves a last bit. Reads as that integer. */
export const sum: FeatureType<number> = {
  name: "sum",
  bound: "one integer, exact up to 2^53 - 2; past that it stays at 2^53 - 1, its error unknown",
  accepts: (item) => isNumber(item.value),
  empty: () => 0,
  add: (state, item, { scale }) =>
    addSaturating(state, toScaledInteger(item.value as number, scale)),
  merge: (a, b) => addSaturating(a, b),
  read: (state) => state,
  approximate: (state) => isSaturated(state),
};
