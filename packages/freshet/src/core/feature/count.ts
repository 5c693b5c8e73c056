import { addSaturating, isSaturated } from "../decimal.ts";
import type { FeatureType } from "./type.ts";

export const count: FeatureType<number> = {
  name: "count",
  bound: "one integer, exact up to 2^53 - 2",
  empty: () => 0,
  add: (state) => addSaturating(state, 1),
  merge: (a, b) => addSaturating(a, b),
  read: (state) => state,
  approximate: (state) => isSaturated(state),
};
