import { type Cell, cell } from "./cell.ts";

/** Where the visitor is. Hash addresses: the site is served as plain files from any folder. */
export type Route =
  | { readonly kind: "home" }
  | { readonly kind: "category"; readonly slug: string }
  | { readonly kind: "product"; readonly id: string }
  | { readonly kind: "search"; readonly query: string }
  | { readonly kind: "checkout" }
  | { readonly kind: "thanks"; readonly orderId: string }
  | { readonly kind: "missing" };

export const address = {
  home: "#/",
  category: (slug: string) => `#/c/${encodeURIComponent(slug)}`,
  product: (id: string) => `#/p/${encodeURIComponent(id)}`,
  search: (query: string) => `#/search/${encodeURIComponent(query)}`,
  checkout: "#/checkout",
  thanks: (orderId: string) => `#/thanks/${encodeURIComponent(orderId)}`,
};

export function parseRoute(hash: string): Route {
  const [head = "", rest = ""] = hash.replace(/^#?\/?/, "").split("/");
  const tail = decode(rest);
  if (head === "") return { kind: "home" };
  if (head === "checkout") return { kind: "checkout" };
  if (tail === "") return { kind: "missing" };
  if (head === "c") return { kind: "category", slug: tail };
  if (head === "p") return { kind: "product", id: tail };
  if (head === "search") return { kind: "search", query: tail };
  if (head === "thanks") return { kind: "thanks", orderId: tail };
  return { kind: "missing" };
}

/** A hand-typed address may hold a broken escape, which `decodeURIComponent` throws on. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route: Cell<Route> = cell(parseRoute(location.hash));

// The skip link also changes the hash; it is no place in the shop.
window.addEventListener("hashchange", () => {
  if (location.hash !== "#main") route.set(parseRoute(location.hash));
});

export function go(hash: string): void {
  if (location.hash === hash) route.set(parseRoute(hash));
  else location.hash = hash;
}
