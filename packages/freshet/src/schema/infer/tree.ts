import type { Json, JsonObject } from "@freshet/protocol";
import { murmur2Signed } from "../../core/hash.ts";
import { isList, isObject, kindOf } from "./kind.ts";
import { inferLimits } from "./limits.ts";
import {
  addCount,
  addScalar,
  mergeScalars,
  newPlace,
  noCounts,
  type Place,
  type Sender,
  sumOf,
} from "./place.ts";

/**
 * The places in the events of one name. A pure value in all but its form: what it holds is a function of the events
 * that were added, not of their order or grouping.
 *
 * - T1 It has at most `placesMax` places once `settle` was called, and twice that and one event's at any time.
 * - T2 Those kept are the ones with the smallest (depth, hash of the path): with a place the one around it is kept,
 *   and a place that is kept was never dropped before, so that its counts are exact.
 * - T3 A list or object counts all that is inside of it: whether something was dropped can be told.
 */
export interface Tree {
  readonly root: Place;
  /** Places with this order or a larger one are not kept. */
  cut: number;
  places: number;
}

export const newTree = (): Tree => ({
  root: newPlace(0),
  cut: Number.POSITIVE_INFINITY,
  places: 0,
});

export function addTree(tree: Tree, content: JsonObject, sender: Sender): void {
  addWhole(tree, content, sender);
  if (tree.places > 2 * inferLimits.placesMax) settle(tree);
}

/** Without a bound (T1): for events that are few and small. */
export function addWhole(tree: Tree, content: JsonObject, sender: Sender): void {
  addInside(tree, tree.root, content, sender);
}

function addInside(tree: Tree, place: Place, value: Json, sender: Sender): void {
  const kind = kindOf(value);
  addScalar(place, value, kind, sender);
  if (kind === isList) addItems(tree, place, value as readonly Json[], sender);
  else if (kind === isObject) addKeys(tree, place, value as JsonObject, sender);
}

function addItems(tree: Tree, place: Place, items: readonly Json[], sender: Sender): void {
  place.itemCount += items.length;
  if (items.length === 0) return;
  place.items ??= makePlace(tree, place, itemsName);
  if (place.items === undefined) return;
  for (const item of items) addInside(tree, place.items, item, sender);
}

/** Stands for the name in the order of items; a property of that very name would only share it. */
const itemsName = "\u0000[]";

function addKeys(tree: Tree, place: Place, object: JsonObject, sender: Sender): void {
  place.keyCounts ??= noCounts();
  place.properties ??= new Map();
  for (const name of Object.keys(object)) {
    const value = object[name] ?? null;
    addCount(place.keyCounts, kindOf(value));
    const inside = place.properties.get(name) ?? makeProperty(tree, place, name);
    if (inside !== undefined) addInside(tree, inside, value, sender);
  }
}

function makeProperty(tree: Tree, place: Place, name: string): Place | undefined {
  if (name.length > inferLimits.nameCharsMax) return undefined;
  const made = makePlace(tree, place, name);
  if (made !== undefined) place.properties?.set(name, made);
  return made;
}

function makePlace(tree: Tree, around: Place, name: string): Place | undefined {
  const order = orderOf(around, name);
  if (order >= tree.cut || order >= ordersEnd) return undefined;
  tree.places++;
  return newPlace(order);
}

const ordersOfLevel = 2 ** 32;
const ordersEnd = (inferLimits.depthMax + 1) * ordersOfLevel;

/** Its depth first, then a hash of its path. */
function orderOf(around: Place, name: string): number {
  const level = Math.floor(around.order / ordersOfLevel) + 1;
  const hash = Math.imul(around.order % ordersOfLevel, 0x9e3779b1) ^ murmur2Signed(name);
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return level * ordersOfLevel + ((mixed ^ (mixed >>> 13)) >>> 0);
}

/** Drops what is beyond `placesMax` (T1). */
export function settle(tree: Tree): void {
  const orders = ordersIn(tree.root);
  if (orders.length > inferLimits.placesMax) {
    orders.sort((one, other) => one - other);
    tree.cut = Math.min(tree.cut, orders[inferLimits.placesMax] ?? tree.cut);
  }
  tree.places = dropFrom(tree.root, tree.cut);
}

function ordersIn(place: Place, orders: number[] = []): number[] {
  for (const inside of insideOf(place)) {
    orders.push(inside.order);
    ordersIn(inside, orders);
  }
  return orders;
}

/** Returns how many places are left below. */
function dropFrom(place: Place, cut: number): number {
  if (place.items !== undefined && place.items.order >= cut) place.items = undefined;
  for (const [name, inside] of place.properties ?? [])
    if (inside.order >= cut) place.properties?.delete(name);
  let left = 0;
  for (const inside of insideOf(place)) left += 1 + dropFrom(inside, cut);
  return left;
}

function* insideOf(place: Place): Generator<Place> {
  if (place.items !== undefined) yield place.items;
  if (place.properties !== undefined) yield* place.properties.values();
}

export function mergeTree(into: Tree, other: Tree): void {
  into.cut = Math.min(into.cut, other.cut);
  mergePlace(into.root, other.root);
  settle(into);
}

/** Adds everything that another place holds. */
export function mergePlace(into: Place, other: Place): void {
  mergeScalars(into, other);
  if (other.items !== undefined) {
    into.items ??= newPlace(other.items.order);
    mergePlace(into.items, other.items);
  }
  if (other.properties === undefined) return;
  into.properties ??= new Map();
  for (const [name, inside] of other.properties) {
    const known = into.properties.get(name) ?? newPlace(inside.order);
    into.properties.set(name, known);
    mergePlace(known, inside);
  }
}

/** Whether properties of the events themselves were dropped. */
export const isRootCut = ({ cut }: Tree): boolean => cut < 2 * ordersOfLevel;

/** Values of keys that are not kept here (T3). */
export function keysDropped({ keyCounts, properties }: Place): number {
  let dropped = sumOf(keyCounts ?? []);
  for (const inside of properties?.values() ?? []) dropped -= sumOf(inside.counts);
  return dropped;
}

/** Values that are not kept, here and in all that is inside. */
export function droppedBelow(place: Place): number {
  const { items, itemCount } = place;
  let dropped = keysDropped(place) + itemCount - sumOf(items?.counts ?? []);
  for (const inside of insideOf(place)) dropped += droppedBelow(inside);
  return dropped;
}
