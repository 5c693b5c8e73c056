import { nearest } from "../core/plan/error.ts";
import { UsageError } from "./usage-error.ts";

/** Looks at one value of the configuration; `place` is how a person would name it. Throws a UsageError. */
export type Check = (value: unknown, place: string) => void;

export type Fields = { readonly [name: string]: Check };

/** An object with these settings and no others; `required` ones must be there, undefined counts as absent. */
export function object(fields: Fields, required: readonly string[] = []): Check {
  const names = Object.keys(fields);
  return (value, place) => {
    if (value === null || typeof value !== "object" || Array.isArray(value))
      throw wrong(value, place, `an object with ${names.join(", ")}`);
    for (const [name, part] of Object.entries(value)) {
      const check = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (check === undefined) throw unknownKey(name, names, place);
      if (part !== undefined) check(part, `${place}.${name}`);
    }
    for (const name of required)
      if ((value as Record<string, unknown>)[name] === undefined)
        throw new UsageError(`${place} has no "${name}"`, `it needs ${required.join(", ")}`);
  };
}

export function unknownKey(key: string, known: readonly string[], place: string): UsageError {
  const near = nearest(key, known);
  return new UsageError(
    `"${key}" in ${place} is no setting of Freshet`,
    near === null ? `known are ${known.join(", ")}` : `did you mean "${near}"?`,
  );
}

export function list(entry: Check, expected: string): Check {
  return (value, place) => {
    if (!Array.isArray(value)) throw wrong(value, place, expected);
    for (const [index, one] of value.entries()) entry(one, `${place}[${index}]`);
  };
}

export function oneOf(...known: readonly string[]): Check {
  return (value, place) => {
    if (typeof value === "string" && known.includes(value)) return;
    const near = typeof value === "string" ? nearest(value, known) : null;
    const expected = `one of ${known.join(", ")}`;
    throw wrong(value, place, expected, near === null ? undefined : `did you mean "${near}"?`);
  };
}

export const boolean: Check = (value, place) => {
  if (typeof value !== "boolean") throw wrong(value, place, "true or false");
};

export const text: Check = (value, place) => {
  if (typeof value !== "string" || value === "") throw wrong(value, place, "a non-empty text");
};

/** Texts that open something: what came is never repeated. */
export const secretText: Check = (value, place) => {
  if (typeof value === "string" && value !== "") return;
  throw new UsageError(`${place} is no text`, "is its environment variable set?");
};

export const positiveNumber: Check = (value, place) => {
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0)
    throw wrong(value, place, "a number above 0");
};

/** The first fault is told where none of them fits, except that an object is held against the check for objects. */
export function either(scalar: Check, objects: Check): Check {
  return (value, place) =>
    (value !== null && typeof value === "object" ? objects : scalar)(value, place);
}

export function wrong(value: unknown, place: string, expected: string, hint?: string): UsageError {
  return new UsageError(`${place} is ${shown(value)}`, hint ?? `it should be ${expected}`);
}

function shown(value: unknown): string {
  if (typeof value === "string") return `"${value.slice(0, 100)}"`;
  if (value === null || typeof value === "number" || typeof value === "boolean")
    return String(value);
  return Array.isArray(value) ? "a list" : `of type ${typeof value}`;
}
