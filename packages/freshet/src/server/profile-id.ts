import { FreshetError, type JsonObject, limits } from "@freshet/protocol";
import { type Sources, storedIdentifier } from "../accept/index.ts";
import type { PartId } from "../core/event.ts";

/** The profile that a path or a token names: `u1`, `user:u1` or `anon:a1`. */
export function parseProfileId(text: string): PartId {
  if (text.startsWith("anon:")) return `anon:${checked(text.slice(5), "anonymous id")}`;
  return `user:${checked(text.startsWith("user:") ? text.slice(5) : text, "user id")}`;
}

/** Identifiers of a request's body; numbers are their text, as in events. */
export interface Identifiers {
  readonly userId?: string;
  readonly anonymousId?: string;
}

export function readIdentifiers(body: JsonObject): Identifiers {
  const userId = readIdentifier(body, "userId");
  const anonymousId = readIdentifier(body, "anonymousId");
  return {
    ...(userId === undefined ? {} : { userId }),
    ...(anonymousId === undefined ? {} : { anonymousId }),
  };
}

/** Identifiers as profiles have them, after the rules of privacy. */
export function storedIdentifiers(
  { userId, anonymousId }: Identifiers,
  sources: Sources,
): Identifiers {
  return {
    ...(userId === undefined ? {} : { userId: storedIdentifier("userId", userId, sources) }),
    ...(anonymousId === undefined
      ? {}
      : { anonymousId: storedIdentifier("anonymousId", anonymousId, sources) }),
  };
}

/** The same for the profile that a path names. */
export function storedProfileId(id: PartId, sources: Sources): PartId {
  return id.startsWith("user:")
    ? `user:${storedIdentifier("userId", id.slice(5), sources)}`
    : `anon:${storedIdentifier("anonymousId", id.slice(5), sources)}`;
}

function readIdentifier(body: JsonObject, field: "userId" | "anonymousId"): string | undefined {
  const value = body[field];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return checked(value, field);
  if (Number.isSafeInteger(value)) return String(value);
  throw new FreshetError(
    "identifierInvalid",
    `"${field}" should be text, but came as ${typeof value}`,
  );
}

function checked(id: string, what: string): string {
  if (id === "") throw new FreshetError("profileIdInvalid", `the ${what} is empty`);
  if (id.length > limits.identifierCharsMax) {
    const message = `the ${what} has ${id.length} characters; at most ${limits.identifierCharsMax} are taken`;
    throw new FreshetError("profileIdInvalid", message);
  }
  return id;
}
