import { count } from "./count.ts";
import { decayingScore } from "./decaying-score.ts";
import { distinct } from "./distinct.ts";
import { first } from "./first.ts";
import { last } from "./last.ts";
import { max } from "./max.ts";
import { mean } from "./mean.ts";
import { min } from "./min.ts";
import { ratio } from "./ratio.ts";
import { sum } from "./sum.ts";
import { topK } from "./top-k.ts";
import type { FeatureType } from "./type.ts";

/** What features there are. The laws of DESIGN 4 are tested over this table. */
export const featureTypes: { readonly [name: string]: FeatureType } = {
  count,
  sum,
  min,
  max,
  mean,
  first,
  last,
  distinct,
  topK,
  decayingScore,
  ratio,
};
