import { formatIn } from "./format.ts";
import {
  isBoolean,
  isInteger,
  isList,
  isNull,
  isNumber,
  isObject,
  isText,
  type KindIndex,
  kinds,
} from "./kind.ts";
import { inferLimits } from "./limits.ts";
import { newPlace, type Place, sumOf } from "./place.ts";
import { isDataName, isPersonalName, isShared, isUnsafeName } from "./private.ts";
import type { KindShare, NumberType, Property, Proposed, RecordType, Type } from "./proposal.ts";
import { droppedBelow, keysDropped, mergePlace } from "./tree.ts";

/** What is known of a place from outside of it. */
export interface Around {
  /** Its values are about somebody, or may be: none is shown. */
  readonly isPersonal: boolean;
  /** Its name, or that of what it is in. */
  readonly name: string;
}

export function proposedOf(place: Place, around: Around): Proposed {
  const count = (kind: KindIndex) => place.counts[kind] ?? 0;
  const types: Type[] = [];
  if (count(isBoolean) > 0) types.push({ kind: "boolean" });
  if (count(isInteger) + count(isNumber) > 0) types.push(numberOf(place, around));
  if (count(isText) > 0) types.push(textOf(place, around));
  if (count(isList) > 0) types.push({ kind: "list", items: itemsOf(place, around) });
  if (count(isObject) > 0) types.push(objectOf(place, around));
  return { types, isNullable: count(isNull) > 0, isOpen: false };
}

/** Nothing is known of what is there. */
const unknown: Proposed = { types: [], isNullable: true, isOpen: true };

/** Sums of money are whole by chance only. */
const moneyName = /(^|[^a-z])(price|amount|total|revenue|cost|value|tax|discount|shipping|spend)/i;
const wholeName = /cents|pence|minor|count|quantity/i;

function numberOf(place: Place, { isPersonal, name }: Around): NumberType {
  const isMoney = moneyName.test(snake(name)) && !wholeName.test(name);
  const isWhole = (place.counts[isNumber] ?? 0) === 0 && !isMoney;
  const kind = isWhole ? "integer" : "number";
  if (isPersonal || place.range === undefined || !isShared(place.profiles)) return { kind };
  const { min, max } = place.range;
  return { kind, range: { min: outwards(min, Math.floor), max: outwards(max, Math.ceil) } };
}

const snake = (name: string): string => name.replace(/([a-z])([A-Z])/g, "$1_$2");

/** Two digits of it: about how large, and nobody's exact number. */
function outwards(value: number, round: (value: number) => number): number {
  if (value === 0) return 0;
  const digits = Math.floor(Math.log10(Math.abs(value))) - 1;
  const unit = Number(`1e${digits}`);
  const rounded = unit === 0 ? value : Number(`${round(value / unit)}e${digits}`);
  return Number.isFinite(rounded) ? rounded : value;
}

function textOf({ texts, counts }: Place, { isPersonal }: Around): Type {
  const count = counts[isText] ?? 0;
  const format = texts === undefined ? undefined : formatIn(texts.formats);
  if (format !== undefined && count >= inferLimits.formatMin) return { kind: "string", format };
  const values = texts?.values;
  if (isPersonal || format !== undefined || !values || count < inferLimits.enumerationMin)
    return { kind: "string" };
  const { repetitionsMin } = inferLimits;
  for (const [text, { count, profiles }] of values)
    if (count < repetitionsMin || !isShared(profiles) || isDataName(text))
      return { kind: "string" };
  return { kind: "string", values: [...values.keys()].sort() };
}

function itemsOf({ items, itemCount }: Place, around: Around): Proposed {
  // A list that was always empty says nothing about its items, and neither does one whose items were not kept.
  if (items === undefined || sumOf(items.counts) < itemCount) return unknown;
  return proposedOf(items, around);
}

function objectOf(place: Place, around: Around): Type {
  const { properties } = place;
  const names = [...(properties?.keys() ?? [])];
  const dataNames = names.filter(isDataName).length;
  if (!isMapLike(place, dataNames, names.length)) return recordOf(place, { around });
  return { kind: "map", values: mapValuesOf(place, around) };
}

/** Many different keys and none that most objects have, or keys that are data. */
function isMapLike(place: Place, dataNames: number, names: number): boolean {
  if (names === 0) return sumOf(place.keyCounts ?? []) > 0;
  if (dataNames * 2 >= names) return true;
  const objects = place.counts[isObject] ?? 0;
  const isMany = names > inferLimits.mapKeysMin || keysDropped(place) > 0;
  if (!isMany) return false;
  for (const inside of place.properties?.values() ?? [])
    if (sumOf(inside.counts) * 2 >= objects) return false;
  return true;
}

function mapValuesOf(place: Place, around: Around): Proposed {
  if (droppedBelow(place) === 0) {
    const merged = newPlace(0);
    for (const inside of place.properties?.values() ?? []) mergePlace(merged, inside);
    return proposedOf(merged, around);
  }
  // Of keys that were not kept only the kinds are known, and a key inside of one value may be kept that is not in another.
  const all = newPlace(0);
  for (const [kind, count] of (place.keyCounts ?? []).entries()) all.counts[kind] = count;
  const { types, isNullable } = proposedOf(all, { ...around, isPersonal: true });
  return { types: types.map(opened), isNullable, isOpen: false };
}

/** A type whose insides are not known: an object of anything. */
function opened(type: Type): Type {
  if (type.kind === "map" || type.kind === "record") return { kind: "map", values: unknown };
  return type.kind === "list" ? { kind: "list", items: unknown } : type;
}

export interface RecordOptions {
  readonly around: Around;
  /** Names to describe; all that can be unless said. */
  readonly names?: readonly string[];
  /** False where only a part of the objects was looked at: nothing can be said to be always there. */
  readonly isWhole?: boolean;
}

export function recordOf(
  place: Place,
  { around, names, isWhole = true }: RecordOptions,
): RecordType {
  const described = names ?? [...(place.properties?.keys() ?? [])].filter(isDescribable);
  const of = place.counts[isObject] ?? 0;
  const properties = described.flatMap((name) => {
    const inside = place.properties?.get(name);
    if (inside === undefined) return [];
    const isPersonal = around.isPersonal || isPersonalName(name);
    return [propertyOf(inside, { of, isWhole, around: { isPersonal, name } })];
  });
  properties.sort((one, other) => other.count - one.count || (one.name < other.name ? -1 : 1));
  const isOpen = keysDropped(place) > 0 || described.length < (place.properties?.size ?? 0);
  return { kind: "record", properties, isOpen };
}

export const isDescribable = (name: string): boolean => !isDataName(name) && !isUnsafeName(name);

interface PropertyPlace {
  readonly of: number;
  readonly isWhole: boolean;
  readonly around: Around;
}

function propertyOf(place: Place, { of, isWhole, around }: PropertyPlace): Property {
  const count = sumOf(place.counts);
  return {
    name: around.name,
    isRequired: isWhole && count === of,
    count,
    of,
    nulls: place.counts[isNull] ?? 0,
    value: proposedOf(place, around),
    kinds: kindShares(place),
  };
}

/** Whole numbers among numbers are no conflict, and null is told apart. */
function kindShares({ counts, origins }: Place): KindShare[] {
  const shares: KindShare[] = [];
  const whole = counts[isInteger] ?? 0;
  for (const [at, kind] of kinds.entries()) {
    let count = counts[at] ?? 0;
    if (at === isNull || count === 0) continue;
    if (at === isInteger && (counts[isNumber] ?? 0) > 0) continue;
    if (at === isNumber) count += whole;
    const senders = [...(origins[at]?.counts ?? [])].sort((one, other) => other[1] - one[1]);
    shares.push({ kind, count, origins: senders.map(([origin]) => origin).filter(Boolean) });
  }
  return shares.sort((one, other) => other.count - one.count);
}
