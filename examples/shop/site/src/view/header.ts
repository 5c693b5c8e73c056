import { cart } from "../cart.ts";
import { categories, slugOf } from "../catalog.ts";
import { h, show } from "../dom.ts";
import { plural } from "../format.ts";
import { address, go, type Route, route } from "../route.ts";
import type { Shop } from "../shop.ts";
import { firstName, visitor } from "../visitor.ts";
import { icon, logo } from "./icon.ts";

export function header(shop: Shop, openLogin: () => void): HTMLElement {
  return h(
    "header",
    { class: "header" },
    h(
      "div",
      { class: "header-top" },
      h("a", { class: "brand", href: address.home }, logo(), h("span", null, "Weir & Willow")),
      searchForm(),
      h("div", { class: "header-actions" }, accountButton(openLogin), cartButton(shop)),
    ),
    navigation(),
  );
}

function searchForm(): HTMLElement {
  const input = h("input", {
    type: "search",
    name: "query",
    placeholder: "Search the shop",
    "aria-label": "Search the shop",
    maxlength: 80,
    autocomplete: "off",
  });
  route.watch((now) => {
    input.value = now.kind === "search" ? now.query : "";
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    const query = input.value.trim();
    if (query !== "") go(address.search(query));
  };
  return h("form", { class: "search", role: "search", submit }, icon("search"), input);
}

function accountButton(openLogin: () => void): HTMLElement {
  const button = h("button", { class: "button quiet", type: "button", click: openLogin });
  visitor.watch((who) => {
    show(button, icon("person"), h("span", null, who ? firstName(who) : "Sign in"));
  });
  return button;
}

function cartButton(shop: Shop): HTMLElement {
  const button = h("button", { class: "button quiet", type: "button", click: shop.viewCart });
  cart.watch(() => {
    const count = cart.count();
    button.setAttribute("aria-label", `Cart, ${plural(count, "piece")}`);
    show(
      button,
      icon("cart"),
      h("span", { class: "wide-only" }, "Cart"),
      count > 0 && h("span", { class: "count" }, count),
    );
  });
  return button;
}

function navigation(): HTMLElement {
  const nav = h("nav", { class: "categories", "aria-label": "Categories" });
  route.watch((now) => {
    show(
      nav,
      categories.map((category) => {
        const here = isIn(now, category) ? "page" : null;
        const href = address.category(slugOf(category));
        return h("a", { href, "aria-current": here, "data-key": href }, category);
      }),
    );
  });
  return nav;
}

const isIn = (now: Route, category: string): boolean =>
  now.kind === "category" && now.slug === slugOf(category);
