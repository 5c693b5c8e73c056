import type { Json } from "@freshet/protocol";
import { addLeast, addTally, mergeTally, newTally, type Tally } from "./bounded.ts";
import { everyFormat, formatsOf } from "./format.ts";
import { isText, type KindIndex, kinds } from "./kind.ts";
import { inferLimits } from "./limits.ts";

/** Everything that is known of one place in the events of a name: a property, the items of a list, ... */
export interface Place {
  /** Which places are kept when there are too many: those with the smallest orders. */
  readonly order: number;
  /** Values seen here, by kind. */
  readonly counts: number[];
  /** Where values of each kind came from. */
  readonly origins: (Tally | undefined)[];
  /** The smallest marks of profiles that had a value here. */
  readonly profiles: number[];
  range: { min: number; max: number } | undefined;
  texts: Texts | undefined;
  /** What the lists that were seen here hold. */
  items: Place | undefined;
  itemCount: number;
  /** What the objects that were seen here hold; some keys may be missing, which `keyCounts` tells. */
  properties: Map<string, Place> | undefined;
  /** Values of all keys together, by kind: those of keys that are not kept among them. */
  keyCounts: number[] | undefined;
}

export interface Texts {
  /** Formats that all texts have. */
  formats: number;
  /** The different texts, while they are few and short; null for good once they are not. */
  values: Map<string, ValueCount> | null;
}

export interface ValueCount {
  count: number;
  readonly profiles: number[];
}

/** What an event says about each of its values. */
export interface Sender {
  /** Source and library, for people. */
  readonly origin: string;
  /** A hash of the profile's id. */
  readonly profile: number;
}

export function newPlace(order: number): Place {
  return {
    order,
    counts: noCounts(),
    origins: [],
    profiles: [],
    range: undefined,
    texts: undefined,
    items: undefined,
    itemCount: 0,
    properties: undefined,
    keyCounts: undefined,
  };
}

export const noCounts = (): number[] => kinds.map(() => 0);

export function addCount(counts: number[], kind: KindIndex, count = 1): void {
  counts[kind] = (counts[kind] ?? 0) + count;
}

export const sumOf = (counts: readonly number[]): number =>
  counts.reduce((sum, one) => sum + one, 0);

/** Notes the value itself, not what is inside of it. */
export function addScalar(place: Place, value: Json, kind: KindIndex, sender: Sender): void {
  addCount(place.counts, kind);
  place.origins[kind] ??= newTally();
  addTally(place.origins[kind], sender.origin, 1, inferLimits.originsMax);
  addLeast(place.profiles, sender.profile, inferLimits.profilesMin);
  if (typeof value === "number") addRange(place, value, value);
  else if (kind === isText && typeof value === "string") addText(place, value, sender.profile);
}

function addRange(place: Place, min: number, max: number): void {
  const { range } = place;
  if (range === undefined) place.range = { min, max };
  else {
    if (min < range.min) range.min = min;
    if (max > range.max) range.max = max;
  }
}

function addText(place: Place, text: string, profile: number): void {
  place.texts ??= { formats: everyFormat, values: new Map() };
  const { texts } = place;
  texts.formats = formatsOf(text, texts.formats);
  if (texts.values !== null) addValue(texts, text, 1, [profile]);
}

function addValue(texts: Texts, text: string, count: number, profiles: readonly number[]): void {
  if (texts.values === null) return;
  let known = texts.values.get(text);
  if (known === undefined) {
    const { valuesMax, valueCharsMax } = inferLimits;
    if (texts.values.size === valuesMax || text.length > valueCharsMax) {
      texts.values = null;
      return;
    }
    known = { count: 0, profiles: [] };
    texts.values.set(text, known);
  }
  known.count += count;
  for (const profile of profiles) addLeast(known.profiles, profile, inferLimits.profilesMin);
}

/** Adds what another place holds, its own values only. */
export function mergeScalars(into: Place, other: Place): void {
  for (const [kind, count] of other.counts.entries())
    into.counts[kind] = (into.counts[kind] ?? 0) + count;
  for (const [kind, tally] of other.origins.entries()) {
    if (tally === undefined) continue;
    into.origins[kind] ??= newTally();
    mergeTally(into.origins[kind], tally, inferLimits.originsMax);
  }
  for (const mark of other.profiles) addLeast(into.profiles, mark, inferLimits.profilesMin);
  if (other.range !== undefined) addRange(into, other.range.min, other.range.max);
  if (other.texts !== undefined) mergeTexts(into, other.texts);
  into.itemCount += other.itemCount;
  if (other.keyCounts !== undefined) {
    into.keyCounts ??= noCounts();
    for (const [kind, count] of other.keyCounts.entries())
      into.keyCounts[kind] = (into.keyCounts[kind] ?? 0) + count;
  }
}

function mergeTexts(into: Place, other: Texts): void {
  into.texts ??= { formats: everyFormat, values: new Map() };
  into.texts.formats &= other.formats;
  if (other.values === null) into.texts.values = null;
  for (const [text, { count, profiles }] of other.values ?? [])
    addValue(into.texts, text, count, profiles);
}
