import { tileItemsMax } from "../window.ts";
import { comparePlain } from "./order.ts";
import type { FeatureItem, FeatureOptions, FeatureState, FeatureType } from "./type.ts";

/**
 * One tile of a sliding window, a flat array.
 *
 * - T1 raw: [index, offset, unit, offset, unit, ...]: up to eight items, each as its time after the tile's
 *   beginning (a small integer, where a time is a large one) and the state that it alone would give,
 *   ordered by both.
 * - T2 whole: [index, state]: more than eight items, merged. Two entries, where raw ones have an odd number.
 * - T3 which of the two it is depends on the number of its items and on nothing else, so that tiles merge
 *   to the same whatever the order.
 */
export type Tile = FeatureState[];

export const rawLengthMax = 1 + 2 * tileItemsMax;

export function indexOf(tile: Tile): number {
  return tile[0] as number;
}

export function isWhole(tile: Tile): boolean {
  return tile.length === 2;
}

/** Adds an item that the type accepts. */
export function addToTile(
  tile: Tile,
  offset: number,
  item: FeatureItem,
  type: FeatureType,
  options: FeatureOptions,
): void {
  if (!isWhole(tile)) {
    insertRaw(tile, offset, type.add(type.empty(options), item, options));
    if (tile.length > rawLengthMax) makeWhole(tile, type, options);
  } else tile[1] = type.add(tile[1], item, options);
}

/** A new tile with what both have; `b` null copies `a`. Keeps T3. */
export function mergeTiles(
  a: Tile,
  b: Tile | null,
  type: FeatureType,
  options: FeatureOptions,
): Tile {
  const merged = copyTile(a, type, options);
  if (b === null) return merged;
  if (!isWhole(merged) && (isWhole(b) || merged.length + b.length - 1 > rawLengthMax)) {
    makeWhole(merged, type, options);
  }
  if (isWhole(merged)) {
    const other = isWhole(b) ? b[1] : fold(b, type, options);
    merged[1] = type.merge(merged[1], other, options);
  } else {
    const empty = type.empty(options);
    for (let i = 1; i < b.length; i += 2) {
      insertRaw(merged, b[i] as number, type.merge(b[i + 1], empty, options));
    }
  }
  return merged;
}

function copyTile(tile: Tile, type: FeatureType, options: FeatureOptions): Tile {
  const empty = type.empty(options);
  if (isWhole(tile)) return [tile[0], type.merge(tile[1], empty, options)];
  const copy = tile.slice();
  for (let i = 2; i < copy.length; i += 2) copy[i] = type.merge(copy[i], empty, options);
  return copy;
}

function insertRaw(tile: Tile, offset: number, unit: FeatureState): void {
  let at = tile.length;
  tile.push(offset, unit);
  while (at > 1 && isBefore(offset, unit, tile[at - 2] as number, tile[at - 1])) {
    tile[at] = tile[at - 2];
    tile[at + 1] = tile[at - 1];
    at -= 2;
  }
  tile[at] = offset;
  tile[at + 1] = unit;
}

function isBefore(
  offset: number,
  unit: FeatureState,
  other: number,
  otherUnit: FeatureState,
): boolean {
  return offset < other || (offset === other && comparePlain(unit, otherUnit) < 0);
}

function makeWhole(tile: Tile, type: FeatureType, options: FeatureOptions): void {
  tile[1] = fold(tile, type, options);
  tile.length = 2;
}

function fold(tile: Tile, type: FeatureType, options: FeatureOptions): FeatureState {
  let state = type.empty(options);
  for (let i = 2; i < tile.length; i += 2) state = type.merge(state, tile[i], options);
  return state;
}
