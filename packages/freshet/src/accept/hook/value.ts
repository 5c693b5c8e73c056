import type { Json } from "@freshet/protocol";
import { isObject } from "../field.ts";
import type { HookHeaders } from "./signature.ts";

/** A constant, or where in a delivery a value comes from. */
export type HookValue = null | boolean | number | string | HookPick;

/**
 * A value of a delivery: first where it comes from (one of `at`, `item`, `header`, `first` and `join`), then what is
 * done to it, in the order of these fields. What is not there stays absent unless `else` says otherwise.
 */
export interface HookPick {
  /** JSON pointer into the body (RFC 6901); "" is all of it. */
  readonly at?: string;
  /** JSON pointer into the item of `each`. */
  readonly item?: string;
  /** A header's text. */
  readonly header?: string;
  /** The first one that is there. */
  readonly first?: readonly HookValue[];
  /** The texts of all that are there, joined by `with`, which is nothing unless said. */
  readonly join?: readonly HookValue[];
  readonly with?: string;
  /** Taken where the value is not there, or null. */
  readonly else?: boolean | number | string;
  /** `seconds` makes milliseconds of seconds since 1970. */
  readonly as?: "text" | "number" | "lower" | "upper" | "trim" | "seconds";
  /** Cents become euros by 100. */
  readonly divide?: number;
  readonly multiply?: number;
  /** What a text is called here; one that is not among them stays as it is. */
  readonly names?: { readonly [theirs: string]: string };
}

/** What a value is taken from. */
export interface HookScope {
  readonly body: Json;
  readonly headers: HookHeaders;
  /** One of `each`; the body where there is none. */
  readonly item: Json;
}

export type ReadValue = (scope: HookScope) => Json | undefined;

const origins = ["at", "item", "header", "first", "join"] as const;
const operators = ["with", "else", "as", "divide", "multiply", "names"] as const;

/** Throws where the value cannot be one; `place` says where it stands. */
export function compileValue(value: HookValue, place: string): ReadValue {
  if (typeof value !== "object" || value === null) return () => value;
  for (const key of Object.keys(value))
    if (!([...origins, ...operators] as readonly string[]).includes(key))
      throw new Error(`"${key}" in ${place} is none of ${[...origins, ...operators].join(", ")}`);
  const given = origins.filter((origin) => value[origin] !== undefined);
  if (given.length !== 1)
    throw new Error(`${place} should have one of ${origins.join(", ")}, but has ${given.length}`);
  const read = compileOrigin(value, place);
  const change = compileChange(value, place);
  return (scope) => {
    const found = read(scope);
    const value = found === undefined || found === null ? undefined : found;
    return change(value);
  };
}

function compileOrigin(pick: HookPick, place: string): ReadValue {
  if (pick.at !== undefined) return compilePointer(pick.at, place, (scope) => scope.body);
  if (pick.item !== undefined) return compilePointer(pick.item, place, (scope) => scope.item);
  if (pick.header !== undefined) {
    const name = pick.header.toLowerCase();
    return ({ headers }) => headers[name];
  }
  const parts = (pick.first ?? pick.join ?? []).map((part, at) =>
    compileValue(part, `${place}[${at}]`),
  );
  if (pick.first !== undefined) return (scope) => firstOf(parts, scope);
  const joint = pick.with ?? "";
  return (scope) => {
    const texts = parts.map((part) => textOf(part(scope))).filter((text) => text !== undefined);
    return texts.length === 0 ? undefined : texts.join(joint);
  };
}

function firstOf(parts: readonly ReadValue[], scope: HookScope): Json | undefined {
  for (const part of parts) {
    const value = part(scope);
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

export function compilePointer(
  text: string,
  place: string,
  root: (scope: HookScope) => Json,
): ReadValue {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/")))
    throw new Error(`${place} should be a JSON pointer such as /data/object, but is "${text}"`);
  const keys = text
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  return (scope) => {
    let value: Json | undefined = root(scope);
    for (const key of keys) value = child(value, key);
    return value;
  };
}

function child(value: Json | undefined, key: string): Json | undefined {
  if (Array.isArray(value)) return /^(?:0|[1-9]\d*)$/.test(key) ? value[Number(key)] : undefined;
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

type Change = (value: Json | undefined) => Json | undefined;

const conversions: Readonly<Record<NonNullable<HookPick["as"]>, Change>> = {
  text: (value) => textOf(value),
  number: (value) => numberOf(value),
  lower: (value) => textOf(value)?.toLowerCase(),
  upper: (value) => textOf(value)?.toUpperCase(),
  trim: (value) => textOf(value)?.trim(),
  seconds: (value) => scaled(value, 1000),
};

function compileChange(pick: HookPick, place: string): Change {
  const { as, divide, multiply, names } = pick;
  if (as !== undefined && !Object.hasOwn(conversions, as))
    throw new Error(`"as" in ${place} is none of ${Object.keys(conversions).join(", ")}`);
  for (const factor of [divide, multiply])
    if (factor !== undefined && (typeof factor !== "number" || factor === 0))
      throw new Error(`${place} should divide or multiply by a number that is not 0`);
  const known = names === undefined ? undefined : new Map(Object.entries(names));
  return (found) => {
    let value: Json | undefined = found ?? pick.else;
    if (value === undefined) return undefined;
    if (as !== undefined) value = conversions[as](value);
    // A division is right to the last bit where a product with 0.01 is not.
    if (divide !== undefined) value = quotient(value, divide);
    if (multiply !== undefined) value = scaled(value, multiply);
    return typeof value === "string" ? (known?.get(value) ?? value) : value;
  };
}

function textOf(value: Json | undefined): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return undefined;
}

/** Whole text or nothing: a number cut out of a text would be a guess. */
function numberOf(value: Json | undefined): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || !/^\s*-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\s*$/.test(value))
    return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function quotient(value: Json | undefined, divisor: number): number | undefined {
  const number = numberOf(value);
  return number === undefined ? undefined : number / divisor;
}

function scaled(value: Json | undefined, factor: number): number | undefined {
  const number = numberOf(value);
  return number === undefined ? undefined : number * factor;
}
