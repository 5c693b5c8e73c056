import { addToTile, type Folding, indexOf, isWhole, mergeTiles, type Tile } from "./tile.ts";
import type { FeatureItem, FeatureState } from "./type.ts";

/** What the functions of one sliding feature share. */
export interface Sliding extends Folding {
  readonly ms: number;
  readonly length: number;
}

export function lastMoment({ length }: Sliding, index: number): number {
  return (index + 1) * length - 1;
}

/** True when no moment of the tile is in the window at `clock` or later. */
export function isPastTile(window: Sliding, index: number, clock: number): boolean {
  return lastMoment(window, index) <= clock - window.ms;
}

/** Drops the tiles that are past; null where none is left (S3). */
export function prune(window: Sliding, tiles: Tile[] | null, clock: number): Tile[] | null {
  if (tiles === null) return null;
  let past = 0;
  while (past < tiles.length && isPastTile(window, indexOf(tiles[past] as Tile), clock)) past++;
  if (past === 0) return tiles;
  if (past === tiles.length) return null;
  tiles.splice(0, past);
  return tiles;
}

/** Adds an item that the type accepts to its tile. */
export function insert(window: Sliding, given: Tile[] | null, item: FeatureItem): Tile[] {
  const tiles = given ?? [];
  const index = Math.floor(item.time / window.length);
  let at = tiles.length - 1;
  while (at >= 0 && indexOf(tiles[at] as Tile) > index) at--;
  let tile = at < 0 ? undefined : tiles[at];
  if (tile === undefined || indexOf(tile) !== index) {
    tile = [index];
    if (at === tiles.length - 1) tiles.push(tile);
    else tiles.splice(at + 1, 0, tile);
  }
  addToTile(tile, item.time - index * window.length, item, window);
  return tiles;
}

/** Keeps S4. Shares no array with either. */
export function mergeAll(window: Sliding, a: Tile[] | null, b: Tile[] | null): Tile[] | null {
  if (a === null && b === null) return null;
  const x = a ?? [];
  const y = b ?? [];
  const newest = Math.max(newestIndex(x), newestIndex(y));
  const clock = newest * window.length;
  const merged: Tile[] = [];
  let i = 0;
  let j = 0;
  while (i < x.length || j < y.length) {
    const left = x[i];
    const right = y[j];
    const order =
      left === undefined ? 1 : right === undefined ? -1 : indexOf(left) - indexOf(right);
    const first = (order <= 0 ? left : right) as Tile;
    if (order <= 0) i++;
    if (order >= 0) j++;
    if (isPastTile(window, indexOf(first), clock)) continue;
    merged.push(mergeTiles(first, order === 0 ? (right as Tile) : null, window));
  }
  return merged;
}

function newestIndex(tiles: readonly Tile[]): number {
  const newest = tiles.at(-1);
  return newest === undefined ? Number.NEGATIVE_INFINITY : indexOf(newest);
}

/** What counts at `now`, or for null all there is, as one state of the type; null where nothing does. */
export function stateAt(
  window: Sliding,
  tiles: Tile[] | null,
  now: number | null,
): FeatureState | null {
  if (tiles === null) return null;
  const { type, options, units, length } = window;
  const until = now ?? Number.POSITIVE_INFINITY;
  const from = now === null ? Number.NEGATIVE_INFINITY : now - window.ms;
  let state: FeatureState | null = null;
  let isOwn = false;
  for (const tile of tiles) {
    const start = indexOf(tile) * length;
    if (start > until) break;
    if (start + length - 1 <= from) continue;
    if (isWhole(tile)) {
      isOwn = state !== null;
      state = state === null ? tile[1] : type.merge(state, tile[1], options);
      continue;
    }
    for (let i = 1; i < tile.length; i += 2) {
      const time = start + (tile[i] as number);
      if (time <= from || time > until) continue;
      if (state === null) state = units.stateOf(tile[i + 1]);
      else state = units.add(isOwn ? state : units.own(state), tile[i + 1]);
      isOwn = true;
    }
  }
  return state;
}
