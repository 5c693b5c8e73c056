import { FreshetError, type Json, type JsonObject } from "@freshet/protocol";
import { parseTime } from "../../accept/index.ts";
import type { LetterFilter } from "../../core/letter.ts";
import type { LetterStateName, StoredDeadLetter } from "../../engine/dead-letter.ts";
import { isObject } from "../json.ts";

/** Letters that one request may name one by one. */
const idsMax = 1000;
const textCharsMax = 512;

type Open<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };

const textFields = ["code", "source", "name", "messageId", "contains"] as const;
const timeFields = ["from", "to"] as const;
const fields: readonly string[] = [...textFields, ...timeFields, "ids"];

/** A filter from a body or a query, whose fields have the same names. Throws `requestShape`. */
export function readFilter(value: Json | undefined): LetterFilter {
  if (!isObject(value)) throw shape('"filter" should be an object');
  const strange = Object.keys(value).find((key) => !fields.includes(key));
  if (strange !== undefined)
    throw shape(`a filter has no "${strange.slice(0, 60)}"; it has ${fields.join(", ")}`);
  const filter: Open<LetterFilter> = {};
  for (const field of textFields) {
    const text = value[field];
    if (text === undefined || text === null) continue;
    if (typeof text !== "string" || text.length > textCharsMax)
      throw shape(`"${field}" should be a text of at most ${textCharsMax} characters`);
    filter[field] = text;
  }
  for (const field of timeFields) {
    const said = value[field];
    if (said === undefined || said === null) continue;
    const time = parseTime(typeof said === "string" && /^\d+$/.test(said) ? Number(said) : said);
    if (time === undefined) throw shape(`"${field}" should be ISO 8601 or milliseconds since 1970`);
    filter[field] = time;
  }
  if (value.ids !== undefined) filter.ids = readIds(value.ids);
  return filter;
}

export function readIds(value: Json): readonly number[] {
  const isList = Array.isArray(value) && value.length > 0 && value.length <= idsMax;
  if (!isList) throw shape(`"ids" should be a list of 1 to ${idsMax} ids of letters`);
  return (value as readonly Json[]).map(readId);
}

/** The id of a letter, which is the offset of its first record as a text. */
export function readId(value: Json | undefined): number {
  if (typeof value === "string" && /^\d{1,15}$/.test(value)) return Number(value);
  const shown = typeof value === "string" ? `"${value.slice(0, 60)}"` : typeof value;
  throw shape(`the id of a dead letter should be a text of digits, but came as ${shown}`);
}

export function shape(message: string): FreshetError {
  return new FreshetError("requestShape", message);
}

export function isEmptyFilter(filter: LetterFilter): boolean {
  return Object.keys(filter).length === 0;
}

/** Whether letters are meant by a filter. `state` null: in whatever state. */
export function matcherOf(
  filter: LetterFilter,
  state: LetterStateName | null,
): (letter: StoredDeadLetter) => boolean {
  const { code, source, name, messageId, from, to } = filter;
  const ids = filter.ids === undefined ? undefined : new Set(filter.ids);
  const contains = filter.contains?.toLowerCase();
  return (letter) =>
    (state === null || letter.state.kind === state) &&
    (ids === undefined || ids.has(letter.offset)) &&
    (code === undefined || letter.code === code) &&
    (source === undefined || letter.source === source) &&
    (name === undefined || (letter.name ?? "") === name) &&
    (messageId === undefined || letter.id === messageId) &&
    (from === undefined || letter.lastAt >= from) &&
    (to === undefined || letter.at < to) &&
    (contains === undefined || hasText(letter, contains));
}

function hasText({ event, message }: StoredDeadLetter, text: string): boolean {
  return `${message}\n${JSON.stringify(event)}`.toLowerCase().includes(text);
}

/** As the query has them: only what filters. */
export function filterOfQuery(query: Readonly<Record<string, unknown>>): LetterFilter {
  const found: Record<string, Json> = {};
  for (const field of [...textFields, ...timeFields]) {
    const value: unknown = query[field];
    const first: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof first === "string" && first !== "") found[field] = first;
  }
  return readFilter(found satisfies JsonObject);
}
