import type { Json } from "@freshet/protocol";
import type { Comparator } from "./expression/type.ts";
import type { FeatureItem, FeatureOptions, FeatureState, FeatureType } from "./feature/type.ts";

/**
 * A feature type over a window, not yet kept by a property. State null = nothing; `merge` shares no array
 * with its arguments. Reads hold for a `now` at or after the clock of the last `add`.
 */
export interface WindowedFeature {
  add(state: FeatureState | null, item: FeatureItem, clock: number): FeatureState | null;
  merge(a: FeatureState | null, b: FeatureState | null): FeatureState | null;
  read(state: FeatureState | null, now: number): Json;
  approximate(state: FeatureState | null): boolean;
  nextFlip(
    state: FeatureState | null,
    now: number,
    comparator: Comparator,
    constant: Json,
  ): number | null;
  /** True where nothing of the state counts at `now`. */
  isEmpty(state: FeatureState | null, now: number): boolean;
  /** True when nothing of this time can count at or after `clock`. */
  isPast(time: number, clock: number): boolean;
}

/** Tiles that a sliding window is cut into. */
export const tilesPerWindow = 32;
/** Up to this many items a tile keeps them one by one, which makes both ends of a window exact. */
export const tileItemsMax = 8;

/** Tile i covers the times from i * length up to, but not with, (i + 1) * length. */
export function tileLength(windowMs: number): number {
  return Math.ceil(windowMs / tilesPerWindow);
}

export function lifetime(type: FeatureType, options: FeatureOptions): WindowedFeature {
  const empty = type.empty(options);
  const accepts = type.accepts?.bind(type);
  return {
    add(state, item) {
      if (accepts !== undefined && !accepts(item, options)) return state;
      return type.add(state ?? type.empty(options), item, options);
    },
    merge(a, b) {
      if (a === null && b === null) return null;
      return type.merge(a ?? empty, b ?? empty, options);
    },
    read: (state, now) => type.read(state ?? empty, now, options),
    approximate: (state) => state !== null && type.approximate(state, options),
    nextFlip: (state, now, comparator, constant) =>
      state === null ? null : (type.nextFlip?.(state, now, comparator, constant, options) ?? null),
    isEmpty: (state) => state === null,
    isPast: () => false,
  };
}

/** Of two times, the earlier; null is never. */
export function earlier(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null || a < b ? a : b;
}
