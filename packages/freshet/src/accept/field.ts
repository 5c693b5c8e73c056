import { type Json, type JsonObject, limits } from "@freshet/protocol";
import { type Issue, pointer, show } from "./issue.ts";

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isEmpty(object: JsonObject): boolean {
  for (const _ in object) return false;
  return true;
}

/**
 * A user id and the like: text, or a whole number as its text. Null and empty texts are absent, as SDKs send
 * them. Numbers past 2^53 are refused: JSON has rounded them already, and two people would become one.
 */
export function readIdentifier(
  event: JsonObject,
  field: string,
  issues: Issue[],
): string | undefined {
  const value = event[field];
  if (typeof value === "string") {
    if (value.length <= limits.identifierCharsMax) return value === "" ? undefined : value;
    const came = `came with ${value.length} characters`;
    issues.push(identifierIssue(field, `at most ${limits.identifierCharsMax} characters`, came));
    return undefined;
  }
  if (value === undefined || value === null) return undefined;
  if (Number.isSafeInteger(value)) return String(value);
  issues.push(
    identifierIssue(field, "text, or a whole number below 2^53", `came as ${show(value)}`),
  );
  return undefined;
}

function identifierIssue(field: string, expected: string, came: string): Issue {
  const message = `"${field}" should be ${expected}, but ${came}`;
  return { code: "identifierInvalid", message, path: pointer([field]) };
}

/** An object or nothing; null counts as nothing. */
export function readObject(
  event: JsonObject,
  field: string,
  issues: Issue[],
): JsonObject | undefined {
  const value = event[field];
  if (value === undefined || value === null) return undefined;
  if (isObject(value)) return value;
  const bare = `"${field}" should be an object`;
  const message = `${bare}, but came as ${show(value)}`;
  issues.push({ code: "eventFieldType", message, bare, path: pointer([field]) });
  return undefined;
}

/** The event's name: non-empty text. */
export function readName(event: JsonObject, field: string, issues: Issue[]): string {
  const value = event[field];
  if (typeof value === "string" && value !== "" && value.length <= limits.identifierCharsMax)
    return value;
  const path = pointer([field]);
  if (value === undefined || value === null || value === "") {
    issues.push({ code: "eventNameMissing", message: `"${field}" should name the event`, path });
    return "";
  }
  const came = typeof value === "string" ? `${value.length} characters` : show(value);
  const expected = `text of at most ${limits.identifierCharsMax} characters`;
  const message = `"${field}" should be ${expected}, but came as ${came}`;
  issues.push({ code: "eventFieldType", message, path });
  return "";
}

/** Top-level fields that have no place of their own. What says nothing (null, `{}`) is not stored. */
export function extraOf(event: JsonObject, known: ReadonlySet<string>): JsonObject | undefined {
  let extra: Record<string, Json> | undefined;
  for (const field in event) {
    if (known.has(field)) continue;
    const value = event[field];
    if (value === undefined || value === null || (isObject(value) && isEmpty(value))) continue;
    extra ??= {};
    extra[field] = value;
  }
  return extra;
}
