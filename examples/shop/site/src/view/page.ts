import { cart } from "../cart.ts";
import { categories, categoryOf, inCategory, introOf, search, slugOf } from "../catalog.ts";
import { h } from "../dom.ts";
import { plural } from "../format.ts";
import { picture } from "../picture/picture.ts";
import { address, type Route } from "../route.ts";
import type { Shop } from "../shop.ts";
import { bannerView } from "./banner.ts";
import { grid } from "./card.ts";
import { checkoutPage, thanksPage } from "./checkout.ts";
import { greetingView } from "./greeting.ts";
import type { Page } from "./layout.ts";
import { productPage } from "./product.ts";
import { recommendedView } from "./recommended.ts";

/** Views that follow the live decisions are made once and move from page to page. */
export interface ReusedViews {
  readonly banner: HTMLElement;
  readonly greeting: HTMLElement;
  readonly recommended: HTMLElement;
}

export const reusedViews = ({ live }: Shop): ReusedViews => ({
  banner: bannerView(live),
  greeting: greetingView(live),
  recommended: recommendedView(live),
});

export function pageOf(shop: Shop, reused: ReusedViews, route: Route): Page {
  switch (route.kind) {
    case "home":
      return homePage(reused);
    case "category":
      return categoryPage(categoryOf(route.slug));
    case "product":
      return productPage(shop, route.id, reused.recommended) ?? missingPage();
    case "search":
      return searchPage(route.query);
    case "checkout":
      return checkoutPage(shop, cart.lines());
    case "thanks":
      return thanksPage(route.orderId, reused.recommended);
    case "missing":
      return missingPage();
  }
}

function homePage({ banner, greeting, recommended }: ReusedViews): Page {
  const shelves = h(
    "section",
    { class: "block" },
    h("h2", null, "Six workshops"),
    h("ul", { class: "shelves" }, categories.map(shelf)),
  );
  return { title: "Home", body: h("div", null, greeting, banner, recommended, shelves) };
}

function shelf(category: string): HTMLElement {
  const products = inCategory(category);
  const first = products[0];
  return h(
    "li",
    null,
    h(
      "a",
      { class: "shelf", href: address.category(slugOf(category)) },
      first && picture(first),
      h("span", null, h("strong", null, category), h("small", null, introOf(category))),
    ),
  );
}

function categoryPage(category: string | undefined): Page {
  if (category === undefined) return missingPage();
  const body = h(
    "div",
    null,
    h("div", { class: "page-head" }, h("h1", null, category), h("p", null, introOf(category))),
    grid(inCategory(category)),
  );
  return { title: category, body };
}

function searchPage(query: string): Page {
  const found = search(query);
  const body = h(
    "div",
    null,
    h(
      "div",
      { class: "page-head" },
      h("h1", null, `“${query}”`),
      h("p", null, found.length === 0 ? "Nothing by that name." : plural(found.length, "piece")),
    ),
    found.length > 0
      ? grid(found)
      : h("p", { class: "empty" }, "Try a material, like linen or oak, or a place, like wall."),
  );
  return { title: `Search: ${query}`, body };
}

const missingPage = (): Page => ({
  title: "Not here",
  body: h(
    "div",
    { class: "page-head" },
    h("h1", null, "There is nothing on this shelf"),
    h("p", null, "The address may be old. ", h("a", { href: address.home }, "Back to the shop")),
  ),
});
