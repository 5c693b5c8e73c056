import type { ScalarValue } from "./order.ts";
import type { FeatureItem, FeatureOptions, FeatureState, FeatureType } from "./type.ts";

/** One item in a tile: a scalar, or the state that it alone gives. */
export type Unit = FeatureState;

/** How the tiles of a window keep items one by one. */
export interface Units {
  /** Of an item that the type accepts. */
  of(item: FeatureItem): Unit;
  /** The state of one unit. It may be the unit itself, so it must not be changed. */
  stateOf(unit: Unit): FeatureState;
  /** A state that `add` may change. */
  own(state: FeatureState): FeatureState;
  /** `state` came from `own` or `add` and is given up. */
  add(state: FeatureState, unit: Unit): FeatureState;
  copy(unit: Unit): Unit;
}

export function unitsOf(type: FeatureType, options: FeatureOptions): Units {
  const { unit } = type;
  const empty = type.empty(options);
  if (unit === undefined) {
    return {
      of: (item) => type.add(type.empty(options), item, options),
      stateOf: (state) => state,
      own: (state) => state,
      add: (state, other) => type.merge(state, other, options),
      copy: (state) => type.merge(state, empty, options),
    };
  }
  const add = (state: FeatureState, value: Unit) => unit.add(state, value as ScalarValue, options);
  return {
    of: (item) => unit.of(item, options),
    stateOf: (value) => add(type.empty(options), value),
    own: (state) => type.merge(state, empty, options),
    add,
    copy: (value) => value,
  };
}
