import { tileLength, type WindowedFeature } from "../window.ts";
import { nextFlip } from "./sliding-flip.ts";
import type { Tile } from "./tile.ts";
import { insert, isPastTile, mergeAll, prune, type Sliding, stateAt } from "./tiles.ts";
import type { FeatureOptions, FeatureType } from "./type.ts";
import { unitsOf } from "./unit.ts";

/**
 * A window of the last `ms` milliseconds, (now - ms, now], as tiles sorted by index.
 *
 * - S1 the declared edge: of a tile with more than eight items all count while any moment of it lies in the
 *   window. Of other tiles each item counts while it lies in the window itself.
 * - S2 what begins after `now` does not count.
 * - S3 a tile goes when its last moment has left the window; an item for such a tile is not taken. An item
 *   for a tile that is still there always is, so that a late item counts as if it had come in time.
 * - S4 merging drops what lies a whole window before the newest tile: that tile's items are not after the
 *   clock, so that no later read can want it. This bounds states that only ever merge, to 34 tiles.
 */
export function sliding(type: FeatureType, options: FeatureOptions, ms: number): WindowedFeature {
  const window: Sliding = {
    type,
    options,
    units: unitsOf(type, options),
    ms,
    length: tileLength(ms),
  };
  const accepts = type.accepts?.bind(type);
  const empty = type.empty(options);
  const isPast = (time: number, clock: number) =>
    isPastTile(window, Math.floor(time / window.length), clock);
  return {
    add(state, item, clock) {
      const tiles = prune(window, state as Tile[] | null, clock);
      if (accepts !== undefined && !accepts(item, options)) return tiles;
      if (isPast(item.time, clock)) return tiles;
      return insert(window, tiles, item);
    },
    merge: (a, b) => mergeAll(window, a as Tile[] | null, b as Tile[] | null),
    read: (state, now) =>
      type.read(stateAt(window, state as Tile[] | null, now) ?? empty, now, options),
    approximate(state) {
      const all = stateAt(window, state as Tile[] | null, null);
      return all !== null && type.approximate(all, options);
    },
    nextFlip: (state, now, comparator, constant) =>
      nextFlip(window, (state ?? []) as Tile[], now, comparator, constant),
    isEmpty: (state, now) => stateAt(window, state as Tile[] | null, now) === null,
    isPast,
  };
}
