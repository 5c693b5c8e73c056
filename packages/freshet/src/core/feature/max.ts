import { withoutMinusZero } from "../decimal.ts";
import { isNumber } from "./order.ts";
import type { FeatureType } from "./type.ts";

export const max: FeatureType<number | null> = {
  name: "max",
  bound: "one number, always exact",
  accepts: (item) => isNumber(item.value),
  empty: () => null,
  add: (state, item) => greater(state, withoutMinusZero(item.value as number)),
  merge: (a, b) => greater(a, b),
  read: (state) => state,
  approximate: () => false,
};

function greater(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null || a > b ? a : b;
}
