import { FreshetError } from "@freshet/protocol";
import type { Source, Sources } from "./sources.ts";

/** The origins that a source takes events from, ready to be asked. */
export type Origins = (origin: string) => boolean;

/** `https://shop.example`, `https://shop.example:8443` or `https://*.shop.example`; nothing after the host. */
const originForm = /^(https?:\/\/)(\*\.)?((?:[a-z0-9-]+\.)*[a-z0-9-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/;
/** What may stand for the star: one label or several, never none. */
const subdomainForm = /^(?:[a-z0-9-]+\.)+$/;

/** Why a text cannot be an allowed origin, or undefined where it can. */
export function originFault(text: string): string | undefined {
  if (originForm.test(text)) return undefined;
  return "should be a scheme and a host, such as https://shop.example or https://*.shop.example";
}

export function compileOrigins(allowed: readonly string[]): Origins {
  const exact = new Set<string>();
  const wild: { readonly scheme: string; readonly host: string }[] = [];
  for (const text of allowed) {
    const [, scheme = "", star, host = "", port = ""] = originForm.exec(text) ?? [];
    if (star === undefined) exact.add(text);
    else wild.push({ scheme, host: host + port });
  }
  return (origin) =>
    exact.has(origin) ||
    wild.some(
      ({ scheme, host }) =>
        origin.startsWith(scheme) &&
        origin.endsWith(host) &&
        subdomainForm.test(origin.slice(scheme.length, -host.length)),
    );
}

/**
 * Whether a page of this origin may use the source's key. A request without an origin is not from a page of another
 * site, and passes: an origin keeps honest browsers apart, and is no proof of who asks.
 */
export function isOriginAllowed(source: Source, origin: string | undefined): boolean {
  const origins = source.edge?.origins;
  return origins === undefined || origin === undefined || origins(origin);
}

/** Throws `originForbidden` where the source does not take events from this origin. */
export function requireOrigin(source: Source, origin: string | undefined): void {
  if (isOriginAllowed(source, origin)) return;
  source.edge?.counts.add("originRefused", 1);
  const message = `source "${source.name}" takes nothing from the origin "${origin?.slice(0, 100)}"`;
  throw new FreshetError("originForbidden", message);
}

/**
 * Whether any source would take a request from this origin: all that can be asked before the key is known, as in a
 * preflight. Sources for servers count only where they name origins, since no page has their key.
 */
export function isOriginAllowedSomewhere(sources: Sources, origin: string): boolean {
  return sources.list.some(
    (source) =>
      (source.kind === "browser" || source.edge?.origins !== undefined) &&
      isOriginAllowed(source, origin),
  );
}
