import { type Product, productOf, slugOf } from "../catalog.ts";
import { h } from "../dom.ts";
import { money } from "../format.ts";
import { picture } from "../picture/picture.ts";
import { address } from "../route.ts";
import type { Shop } from "../shop.ts";
import type { Page } from "./layout.ts";

export function productPage(shop: Shop, id: string, recommended: HTMLElement): Page | undefined {
  const product = productOf(id);
  if (product === undefined) return undefined;
  const body = h(
    "div",
    null,
    h(
      "article",
      { class: "product" },
      h("div", { class: "product-picture" }, picture(product)),
      details(shop, product),
    ),
    recommended,
  );
  return { title: product.name, body };
}

const details = (shop: Shop, product: Product): HTMLElement =>
  h(
    "div",
    { class: "product-text" },
    h("a", { class: "crumb", href: address.category(slugOf(product.category)) }, product.category),
    h("h1", null, product.name),
    h("p", { class: "price" }, money(product.price)),
    h("p", null, story(product)),
    h("button", { class: "button", type: "button", click: () => shop.add(product) }, "Add to cart"),
    h(
      "ul",
      { class: "promises" },
      h("li", null, "Leaves the workshop within two days"),
      h("li", null, "Free returns for a hundred days"),
    ),
    h(
      "ul",
      { class: "tags", "aria-label": "Tags" },
      product.tags.map((tag) => h("li", null, h("a", { href: address.search(tag) }, tag))),
    ),
  );

const STORY: { readonly [category: string]: string } = {
  Ceramics:
    "Turned by hand, fired twice, with a glaze that pools a little differently on each piece.",
  Textiles: "Woven on a narrow loom and washed once, so that it is soft from the first day.",
  Lighting: "A warm, even light that makes a corner into a place to sit.",
  Kitchen: "Made to be used daily, repaired once in a while and passed on.",
  Plants: "Grown slowly in a cool house and sent in the pot you see here.",
  Paper: "Printed in short runs on heavy paper, bound and cut by the same two people.",
};

const story = (product: Product): string => STORY[product.category] ?? "";
