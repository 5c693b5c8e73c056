import { tileItemsMax } from "../window.ts";
import { comparePlain } from "./order.ts";
import type { FeatureItem, FeatureOptions, FeatureState, FeatureType } from "./type.ts";
import type { Unit, Units } from "./unit.ts";

/**
 * One tile of a sliding window, a flat array.
 *
 * - T1 raw: [index, offset, unit, offset, unit, ...]: up to eight items, each as its time after the tile's
 *   beginning (a small integer, where a time is a large one) and its unit, ordered by both.
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

/** What folding a tile takes. */
export interface Folding {
  readonly type: FeatureType;
  readonly options: FeatureOptions;
  readonly units: Units;
}

/** Adds an item that the type accepts. */
export function addToTile(tile: Tile, offset: number, item: FeatureItem, folding: Folding): void {
  if (isWhole(tile)) {
    tile[1] = folding.type.add(tile[1], item, folding.options);
    return;
  }
  insertRaw(tile, offset, folding.units.of(item));
  if (tile.length > rawLengthMax) makeWhole(tile, folding);
}

/** A new tile with what both have; `b` null copies `a`. Keeps T3. */
export function mergeTiles(a: Tile, b: Tile | null, folding: Folding): Tile {
  const { type, options, units } = folding;
  const merged = copyTile(a, folding);
  if (b === null) return merged;
  if (!isWhole(merged) && (isWhole(b) || merged.length + b.length - 1 > rawLengthMax)) {
    makeWhole(merged, folding);
  }
  if (isWhole(merged)) {
    const other = isWhole(b) ? b[1] : fold(b, folding);
    merged[1] = type.merge(merged[1], other, options);
  } else {
    for (let i = 1; i < b.length; i += 2) {
      insertRaw(merged, b[i] as number, units.copy(b[i + 1]));
    }
  }
  return merged;
}

function copyTile(tile: Tile, { type, options, units }: Folding): Tile {
  if (isWhole(tile)) return [tile[0], type.merge(tile[1], type.empty(options), options)];
  const copy = tile.slice();
  for (let i = 2; i < copy.length; i += 2) copy[i] = units.copy(copy[i]);
  return copy;
}

function insertRaw(tile: Tile, offset: number, unit: Unit): void {
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

function isBefore(offset: number, unit: Unit, other: number, otherUnit: Unit): boolean {
  return offset < other || (offset === other && comparePlain(unit, otherUnit) < 0);
}

function makeWhole(tile: Tile, folding: Folding): void {
  tile[1] = fold(tile, folding);
  tile.length = 2;
}

function fold(tile: Tile, { type, options, units }: Folding): FeatureState {
  let state = type.empty(options);
  for (let i = 2; i < tile.length; i += 2) state = units.add(state, tile[i]);
  return state;
}
