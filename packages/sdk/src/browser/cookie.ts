import type { Place } from "./storage.ts";

export interface CookieOptions {
  /** With it subdomains share the visitor. */
  readonly domain?: string;
}

/** Browsers shorten it to what they allow. */
const cookieSeconds = 365 * 24 * 60 * 60;

/** Remembers in both places, and reads from the first that knows. */
export function withCookie(place: Place, options: CookieOptions): Place {
  const cookie = cookiePlace(options);
  return {
    get: (key) => place.get(key) ?? cookie.get(key),
    set(key, text) {
      place.set(key, text);
      cookie.set(key, text);
    },
  };
}

/** The visitor in a cookie of this site. */
function cookiePlace({ domain }: CookieOptions): Place {
  const tail = `;path=/;samesite=lax${domain === undefined ? "" : `;domain=${domain}`}${
    location.protocol === "https:" ? ";secure" : ""
  }`;
  return {
    get(key) {
      const found = document.cookie.split("; ").find((one) => one.startsWith(`${key}=`));
      return found === undefined ? null : decodeURIComponent(found.slice(key.length + 1));
    },
    set(key, text) {
      const seconds = text === null ? 0 : cookieSeconds;
      // biome-ignore lint/suspicious/noDocumentCookie: the other way to write one is not in every browser.
      document.cookie = `${key}=${encodeURIComponent(text ?? "")};max-age=${seconds}${tail}`;
    },
  };
}
