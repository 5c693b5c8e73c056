import { withoutMinusZero } from "../decimal.ts";
import { isNumber } from "./order.ts";
import type { FeatureType } from "./type.ts";

export const min: FeatureType<number | null> = {
  name: "min",
  bound: "one number, always exact",
  accepts: (item) => isNumber(item.value),
  empty: () => null,
  add: (state, item) => lesser(state, withoutMinusZero(item.value as number)),
  merge: (a, b) => lesser(a, b),
  read: (state) => state,
  approximate: () => false,
};

function lesser(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null || a < b ? a : b;
}
