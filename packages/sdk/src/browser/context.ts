import { version } from "../shell/version.ts";

/** The page at hand, in Segment's words. The hash is left out, as theirs does. */
export function pageOf(): { readonly [name: string]: string } {
  const { pathname, search, href } = location;
  return {
    path: pathname,
    referrer: document.referrer,
    search,
    title: document.title,
    url: href.replace(/#.*/, ""),
  };
}

/** What an event says about where it happened. */
export function contextOf(): { readonly [name: string]: unknown } {
  return { page: pageOf(), library: { name: "freshet.js", version } };
}
