import type { Product } from "../catalog.ts";
import { h } from "../dom.ts";
import { money } from "../format.ts";
import { picture } from "../picture/picture.ts";
import { address } from "../route.ts";

/** A product in a grid. `note` says why it is there. */
export function card(product: Product, note?: string): HTMLElement {
  return h(
    "a",
    { class: "card", href: address.product(product.product_id) },
    h("div", { class: "card-picture" }, picture(product)),
    h(
      "div",
      { class: "card-text" },
      h("span", { class: "card-name" }, product.name),
      h("span", { class: "card-price" }, money(product.price)),
    ),
    note && h("span", { class: "card-note" }, note),
  );
}

export const grid = (products: readonly Product[]): HTMLElement =>
  h(
    "ul",
    { class: "grid" },
    products.map((product) => h("li", null, card(product))),
  );
