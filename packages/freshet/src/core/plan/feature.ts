import type { Scalar } from "../expression/type.ts";
import type { FeatureOptions, FeatureWindow } from "../feature/type.ts";
import type { EntityKey, FeatureDefinition, Selection } from "./definition.ts";
import { withOrigin } from "./error.ts";
import type { EventSelection } from "./event.ts";
import { type Value, value } from "./value.ts";

/** A feature as a value for conditions. */
export interface FeatureRef<T> extends Value<T> {
  readonly definition: FeatureDefinition;
}

/** A feature kept apart by a property: pick one entry with `at`. */
export interface MapFeatureRef<T> extends Value<{ readonly [key: string]: T }> {
  readonly definition: FeatureDefinition;
  at(key: Value<string> | string): Value<T>;
}

export interface FeatureSettings {
  /** A duration for a sliding window, "session" for the current session; without it the whole lifetime. */
  readonly window?: number | "session";
  /** Keep features of an entity (an item, a category) instead of the profile. */
  readonly of?: EntityKey;
}

type Events = EventSelection | readonly EventSelection[];
const defaults: FeatureOptions = { scale: 1, n: 1, halfLifeMs: 604_800_000 };

interface Draft {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly (readonly Selection[])[];
  readonly options?: Partial<FeatureOptions>;
  readonly settings: FeatureSettings & { readonly by?: Value<Scalar> | undefined };
}

function make<T>(draft: Draft): FeatureRef<T> & MapFeatureRef<T> {
  const { name, type, inputs, settings } = draft;
  const definition: FeatureDefinition = withOrigin({
    name,
    type,
    inputs,
    ...(settings.by === undefined ? {} : { by: settings.by.expression }),
    window: toWindow(settings.window),
    options: { ...defaults, ...draft.options },
    of: settings.of ?? "profile",
  });
  return {
    definition,
    ...value<never>({ feature: name }),
    at: (key) =>
      value({ feature: name, at: typeof key === "string" ? { const: key } : key.expression }),
  };
}

function toWindow(window: number | "session" | undefined): FeatureWindow {
  if (window === undefined) return { kind: "lifetime" };
  return window === "session" ? { kind: "session" } : { kind: "sliding", ms: window };
}

function select(events: Events, of?: Value<unknown>): readonly Selection[] {
  const list = Array.isArray(events)
    ? (events as readonly EventSelection[])
    : [events as EventSelection];
  return list.map(({ selection }) =>
    of === undefined ? selection : { ...selection, value: of.expression },
  );
}

type Plain = FeatureSettings & { readonly by?: undefined };
type Keyed = FeatureSettings & { readonly by: Value<string | number | boolean> };
type Any = FeatureSettings & { readonly by?: Value<Scalar> | undefined };

/** How often. */
export function count(name: string, events: Events, settings?: Plain): FeatureRef<number>;
export function count(name: string, events: Events, settings: Keyed): MapFeatureRef<number>;
export function count(name: string, events: Events, settings: Any = {}) {
  return make<number>({ name, type: "count", inputs: [select(events)], settings });
}

type Scaled = { readonly scale?: number };

/** Sum as an integer of value × scale, rounded half away from zero: scale 100 gives cents. */
export function sum(
  name: string,
  events: Events,
  of: Value<number>,
  settings?: Plain & Scaled,
): FeatureRef<number>;
export function sum(
  name: string,
  events: Events,
  of: Value<number>,
  settings: Keyed & Scaled,
): MapFeatureRef<number>;
export function sum(name: string, events: Events, of: Value<number>, settings: Any & Scaled = {}) {
  const { scale = 1, ...rest } = settings;
  return make<number>({
    name,
    type: "sum",
    inputs: [select(events, of)],
    options: { scale },
    settings: rest,
  });
}

/** Arithmetic mean, kept as an integer sum of value × scale and a count. */
export function mean(
  name: string,
  events: Events,
  of: Value<number>,
  settings?: Plain & Scaled,
): FeatureRef<number>;
export function mean(
  name: string,
  events: Events,
  of: Value<number>,
  settings: Keyed & Scaled,
): MapFeatureRef<number>;
export function mean(name: string, events: Events, of: Value<number>, settings: Any & Scaled = {}) {
  const { scale = 100, ...rest } = settings;
  return make<number>({
    name,
    type: "mean",
    inputs: [select(events, of)],
    options: { scale },
    settings: rest,
  });
}

export function min(
  name: string,
  events: Events,
  of: Value<number>,
  settings?: Plain,
): FeatureRef<number>;
export function min(
  name: string,
  events: Events,
  of: Value<number>,
  settings: Keyed,
): MapFeatureRef<number>;
export function min(name: string, events: Events, of: Value<number>, settings: Any = {}) {
  return make<number>({ name, type: "min", inputs: [select(events, of)], settings });
}

export function max(
  name: string,
  events: Events,
  of: Value<number>,
  settings?: Plain,
): FeatureRef<number>;
export function max(
  name: string,
  events: Events,
  of: Value<number>,
  settings: Keyed,
): MapFeatureRef<number>;
export function max(name: string, events: Events, of: Value<number>, settings: Any = {}) {
  return make<number>({ name, type: "max", inputs: [select(events, of)], settings });
}

/** Value of the first event in event order. */
export function first<T extends Scalar>(
  name: string,
  events: Events,
  of: Value<T>,
  settings: Plain = {},
): FeatureRef<T> {
  return make<T>({ name, type: "first", inputs: [select(events, of)], settings });
}

/** Value of the last event in event order. */
export function last<T extends Scalar>(
  name: string,
  events: Events,
  of: Value<T>,
  settings: Plain = {},
): FeatureRef<T> {
  return make<T>({ name, type: "last", inputs: [select(events, of)], settings });
}

/** The last `n` distinct values, newest first: recently viewed. */
export function recent<T extends Scalar>(
  name: string,
  events: Events,
  of: Value<T>,
  settings: Plain & { readonly n: number },
): FeatureRef<readonly T[]> {
  const { n, ...rest } = settings;
  return make<readonly T[]>({
    name,
    type: "last",
    inputs: [select(events, of)],
    options: { n },
    settings: rest,
  });
}

/** Number of different values; estimated past 256 of them. */
export function distinct(
  name: string,
  events: Events,
  of: Value<Scalar>,
  settings: Plain = {},
): FeatureRef<number> {
  return make<number>({ name, type: "distinct", inputs: [select(events, of)], settings });
}

/** The `n` most frequent values, most frequent first: exact while there are at most `keysMax` of them (256). */
export function topK(
  name: string,
  events: Events,
  of: Value<string>,
  settings: Plain & { readonly n: number; readonly keysMax?: number },
): FeatureRef<readonly string[]> {
  const { n, keysMax, ...rest } = settings;
  return make<readonly string[]>({
    name,
    type: "topK",
    inputs: [select(events, of)],
    options: { n, ...(keysMax === undefined ? {} : { keysMax }) },
    settings: rest,
  });
}

type HalfLife = { readonly halfLife: number };

/** Sum of values that halve every `halfLife` (milliseconds; use `days(7)`). */
export function decayingScore(
  name: string,
  events: Events,
  of: Value<number>,
  settings: Plain & HalfLife,
): FeatureRef<number>;
export function decayingScore(
  name: string,
  events: Events,
  of: Value<number>,
  settings: Keyed & HalfLife,
): MapFeatureRef<number>;
export function decayingScore(
  name: string,
  events: Events,
  of: Value<number>,
  settings: Any & HalfLife,
) {
  const { halfLife, ...rest } = settings;
  return make<number>({
    name,
    type: "decayingScore",
    inputs: [select(events, of)],
    options: { halfLifeMs: halfLife },
    settings: rest,
  });
}

/** Events of the first selection per event of the second; null before there is one of the second. */
export function ratio(
  name: string,
  numerator: Events,
  denominator: Events,
  settings: Plain = {},
): FeatureRef<number> {
  return make<number>({
    name,
    type: "ratio",
    inputs: [select(numerator), select(denominator)],
    settings,
  });
}

/** Key for features of an entity: `of: entity("category", viewed.prop.category)`. */
export function entity(name: string, key: Value<unknown>): EntityKey {
  return { entity: name, key: key.expression };
}
