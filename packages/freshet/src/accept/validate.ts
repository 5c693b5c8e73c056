import { type Json, type JsonObject, limits } from "@freshet/protocol";
import { type Issue, pointer } from "./issue.ts";
import { jsonText, wellFormed } from "./text.ts";

/** What a look at every value of one event found out. */
export interface Checked {
  /** Never less than the event's bytes as JSON; cheap, so that only suspects are measured. */
  readonly bytesAtMost: number;
  /** True when keys named `__proto__` were taken out. */
  readonly protoDropped: boolean;
}

/**
 * Makes a parsed event fit to be stored, in place, and reports what cannot be: numbers beyond a double and
 * nesting past the limit. Both are replaced by text, so that even a refused event can be kept. `-0` becomes 0,
 * lone surrogates U+FFFD, and keys named `__proto__` go: later code that assigns by key would set a prototype.
 * Recursion ends at `limits.eventDepthMax`.
 */
export function validate(event: JsonObject, surrogatesPossible: boolean, issues: Issue[]): Checked {
  const walk: Walk = { issues, surrogatesPossible, path: [], bytesAtMost: 0, protoDropped: false };
  walkObject(event, 1, walk);
  return walk;
}

/** Bytes of an event as JSON; only for values that `validate` has seen. */
export function bytesOf(event: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(event));
}

interface Walk {
  readonly issues: Issue[];
  readonly surrogatesPossible: boolean;
  readonly path: (string | number)[];
  bytesAtMost: number;
  protoDropped: boolean;
}

/** The one place where parsed JSON changes: it belongs to this request until it is a record. */
type Open<Container> = { -readonly [Key in keyof Container]: Container[Key] };

function walkObject(object: Open<JsonObject>, depth: number, walk: Walk): void {
  for (const key in object) {
    if (key === "__proto__") {
      delete object[key];
      walk.protoDropped = true;
      continue;
    }
    const value = object[key] ?? null;
    walk.bytesAtMost += key.length * bytesOfUnitMax + bytesOfEntryMax;
    const fit = fitValue(value, key, depth, walk);
    if (fit !== value || Object.is(value, -0)) object[key] = fit;
    if (walk.surrogatesPossible) mendKey(object, key);
  }
}

function walkList(list: Json[], depth: number, walk: Walk): void {
  for (let index = 0; index < list.length; index++) {
    const value = list[index] ?? null;
    walk.bytesAtMost += bytesOfEntryMax;
    const fit = fitValue(value, index, depth, walk);
    if (fit !== value || Object.is(value, -0)) list[index] = fit;
  }
}

/** A control character is escaped to six bytes; nothing takes more. */
const bytesOfUnitMax = 6;
/** A number, its comma, and the quotes and colon of its key. */
const bytesOfEntryMax = 32;

function fitValue(value: Json, key: string | number, depth: number, walk: Walk): Json {
  if (typeof value === "string") {
    walk.bytesAtMost += value.length * bytesOfUnitMax;
    return walk.surrogatesPossible ? wellFormed(value) : value;
  }
  if (typeof value === "number") return fitNumber(value, key, walk);
  if (value === null || typeof value === "boolean") return value;
  if (depth >= limits.eventDepthMax) return fitDeep(value, key, walk);
  walk.path.push(key);
  if (Array.isArray(value)) walkList(value, depth + 1, walk);
  else walkObject(value as JsonObject, depth + 1, walk);
  walk.path.pop();
  return value;
}

function fitNumber(value: number, key: string | number, walk: Walk): Json {
  if (Number.isFinite(value)) return value === 0 ? 0 : value;
  report(walk, key, (path) => ({
    code: "eventFieldType",
    message: `the number at "${path}" should fit a double, but is too large`,
    path,
  }));
  return String(value);
}

function fitDeep(value: Json, key: string | number, walk: Walk): Json {
  report(walk, key, (path) => ({
    code: "eventTooDeep",
    message: `the event should nest at most ${limits.eventDepthMax} deep, but goes on at "${path}"`,
    path,
  }));
  const text = jsonText(value, limits.deadLetterCharsMax);
  walk.bytesAtMost += text.length * bytesOfUnitMax;
  return text;
}

/** Only the first issue is told, and an event can hold thousands. */
function report(walk: Walk, key: string | number, issueAt: (path: string) => Issue): void {
  if (walk.issues.length === 0) walk.issues.push(issueAt(pointer([...walk.path, key])));
}

function mendKey(object: Open<JsonObject>, key: string): void {
  const mended = wellFormed(key);
  if (mended === key) return;
  const value = object[key];
  delete object[key];
  object[mended] = value;
}
