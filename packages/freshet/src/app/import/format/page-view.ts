import { createHmac } from "node:crypto";
import type { Json, JsonObject } from "@freshet/protocol";
import { isbot } from "isbot";
import type { BuiltEvent } from "./type.ts";

/**
 * What a web log means without a mapping of the plan: pages that somebody looked at. Left out are other methods than
 * GET, answers that showed nothing (only 2xx and 304 stay), files that are no pages, and programs.
 *
 * `key` makes the ids of visitors: one id for each address and user agent, which nobody without the key can compute
 * from an address. The address itself is not kept.
 */
export function pageView(values: JsonObject, key: Uint8Array): BuiltEvent | null {
  const { method, path, status, contentType } = values;
  if (method !== "GET" || typeof path !== "string") return null;
  if (typeof status !== "number" || !(status === 304 || (status >= 200 && status < 300)))
    return null;
  if (!(contentType === null ? isPagePath(path) : isPageType(contentType))) return null;
  const userAgent = textOf(values.userAgent);
  // A browser says what it is; isbot calls an absent user agent no bot.
  if (userAgent === "" || isbot(userAgent)) return null;
  const user = textOf(values.user);
  const { time, query, referrer } = values;
  return {
    id: null,
    event: {
      event_type: "Page",
      timestamp: time ?? null,
      ...(user === ""
        ? { anonymous_id: visitorId(textOf(values.host), userAgent, key) }
        : { user_id: user }),
      metadata: withoutNulls({
        path,
        search: typeof query === "string" ? `?${query}` : null,
        referrer: referrer ?? null,
        status,
      }),
      context: { userAgent },
    },
  };
}

/** 128 bits of HMAC-SHA256 over address and user agent. */
export function visitorId(host: string, userAgent: string, key: Uint8Array): string {
  const hash = createHmac("sha256", key).update(`${host}\n${userAgent}`).digest("hex");
  return `log-${hash.slice(0, 32)}`;
}

/** A page has no extension in its last part, or one of those that pages have. */
function isPagePath(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const at = name.lastIndexOf(".");
  return at === -1 || pageExtensions.has(name.slice(at + 1).toLowerCase());
}

const pageExtensions: ReadonlySet<string> = new Set([
  ...["html", "htm", "xhtml", "shtml", "php", "asp", "aspx", "jsp", "jsf", "do", "cgi", "pl"],
]);

const isPageType = (type: Json | undefined): boolean =>
  typeof type === "string" && /^(text\/html|application\/xhtml\+xml)\b/i.test(type);

const textOf = (value: Json | undefined): string => (typeof value === "string" ? value : "");

/** Properties that say nothing are not kept. */
export function withoutNulls(values: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}
