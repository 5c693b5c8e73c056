/** Arguments of Segment's methods, which may leave out any but the last that matters. */
import { isCore } from "../queue/index.ts";

export type Properties = { readonly [name: string]: unknown };

/** A name as it must be. The message is what the console shows. */
export function nameOf(value: unknown, what: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new TypeError(isCore ? what : wrong(what, "a text that is not empty", value));
}

/** An id: pages often hold it as a number. */
export function idOf(value: unknown, what: string): string {
  return nameOf(typeof value === "number" ? String(value) : value, what);
}

/** An object, where one was given. */
export function propertiesOf(value: unknown, what: string): Properties {
  if (value === undefined || value === null || typeof value === "function") return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Properties;
  throw new TypeError(isCore ? what : wrong(what, "an object", value));
}

/** The time of a call as the wire has it. */
export function timeOf(value: unknown, now: number): string {
  const date = new Date((value as Date | string | number | undefined) ?? now);
  // `toISOString` throws of itself, but does not say of what.
  if (!isCore && Number.isNaN(date.getTime()))
    throw new TypeError(wrong("timestamp", "a time", value));
  return date.toISOString();
}

/** `(category?, name?, properties?, options?)`: one text alone is the name. */
export function pageArguments(given: readonly unknown[]) {
  let at = 0;
  while (at < 2 && (given[at] == null || typeof given[at] === "string")) at++;
  const texts = given.slice(0, at).filter((one) => one != null);
  const [name, category] = texts.reverse();
  return {
    name,
    category,
    properties: propertiesOf(given[at], "properties"),
    options: given[at + 1],
  };
}

function wrong(what: string, expected: string, value: unknown): string {
  const shown = typeof value === "string" ? `"${value.slice(0, 100)}"` : String(value);
  return `"${what}" should be ${expected}, but is ${shown}`;
}
