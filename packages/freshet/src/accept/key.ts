import { FreshetError, type Json } from "@freshet/protocol";
import { isObject } from "./field.ts";
import type { CaptureRequest } from "./request.ts";
import type { Source, Sources } from "./sources.ts";

/**
 * The source of a request that carries its key as Basic user name, or undefined when it has none there. Asked
 * before the body is inflated, so that a wrong key costs nothing.
 */
export function sourceOfHeader(
  request: { readonly headers: Pick<CaptureRequest["headers"], "authorization"> },
  sources: Sources,
): Source | undefined {
  const key = basicKey(request.headers.authorization);
  return key === undefined ? undefined : sourceOfKey(key, sources);
}

/**
 * The source by the other places of WIRE section 2, in its order: body, first event that has a key, query. A
 * Bearer token is not looked at: with it, as without, the body names the source.
 */
export function sourceOfBody(
  request: CaptureRequest,
  body: { readonly value: Json; readonly events: readonly Json[] },
  sources: Sources,
): Source {
  const key = keyIn(body.value) ?? firstKeyIn(body.events) ?? textOrNothing(request.query.writeKey);
  return sourceOfKey(key, sources);
}

/** The source of a write key that came by itself. */
export function sourceOfKey(key: string | undefined, sources: Sources): Source {
  if (key === undefined || key === "")
    throw new FreshetError("keyMissing", "the request carries no write key");
  const source = sources.byKey.get(key);
  if (source === undefined) throw new FreshetError("keyUnknown", "no source has this write key");
  return source;
}

/** The user name of Basic credentials; the colon after it may be missing, as some clients leave it out. */
function basicKey(authorization: string | undefined): string | undefined {
  if (authorization === undefined || !/^basic\s/i.test(authorization)) return undefined;
  const credentials = Buffer.from(authorization.slice(6).trim(), "base64").toString("utf8");
  const colon = credentials.indexOf(":");
  return textOrNothing(colon < 0 ? credentials : credentials.slice(0, colon));
}

function firstKeyIn(events: readonly Json[]): string | undefined {
  for (const event of events) {
    const key = keyIn(event);
    if (key !== undefined) return key;
  }
  return undefined;
}

function keyIn(value: Json): string | undefined {
  return isObject(value) && Object.hasOwn(value, "writeKey")
    ? textOrNothing(value.writeKey)
    : undefined;
}

function textOrNothing(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
