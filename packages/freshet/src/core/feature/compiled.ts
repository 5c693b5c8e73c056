import type { Json } from "@freshet/protocol";
import type { Comparator } from "../expression/type.ts";
import type { FeatureItem, FeatureState } from "./type.ts";

/** An item with the key it is kept under, for features kept by a property. */
export interface KeyedItem extends FeatureItem {
  /** Text of the `by` expression; absent where the feature is not kept by a property. */
  readonly by?: string;
}

/**
 * A feature type, its window and its `by` put together: what the reducer calls. State null = nothing yet.
 * F1 to F4 of `type.ts` hold here too; `add` may change the state in place.
 */
export interface CompiledFeature {
  /** `clock`: the partition clock; what can no longer be in the window at or after it may be pruned. */
  add(state: FeatureState | null, item: KeyedItem, clock: number): FeatureState;
  merge(a: FeatureState | null, b: FeatureState | null): FeatureState | null;
  /** Without `key`: the value, or for a feature kept by a property an object of key -> value. */
  read(state: FeatureState | null, now: number, key?: string): Json;
  approximate(state: FeatureState | null): boolean;
  nextFlip(
    state: FeatureState | null,
    now: number,
    comparator: Comparator,
    constant: Json,
    key?: string,
  ): number | null;
}
