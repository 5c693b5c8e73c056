import { type Line, totalOf } from "../cart.ts";
import { h } from "../dom.ts";
import { money } from "../format.ts";
import { picture } from "../picture/picture.ts";
import { address } from "../route.ts";
import type { Shop } from "../shop.ts";
import { visitor } from "../visitor.ts";
import type { Page } from "./layout.ts";

export function checkoutPage(shop: Shop, lines: readonly Line[]): Page {
  const body = h(
    "div",
    null,
    h("div", { class: "page-head" }, h("h1", null, "Checkout")),
    lines.length === 0
      ? h(
          "p",
          { class: "empty" },
          "Your cart is empty. ",
          h("a", { href: address.home }, "Look around"),
        )
      : h("div", { class: "checkout" }, form(shop, lines), summary(lines)),
  );
  return { title: "Checkout", body };
}

/** Nothing that is typed here leaves the page: an order event needs no address. */
function form(shop: Shop, lines: readonly Line[]): HTMLElement {
  const who = visitor.get();
  const submit = (event: Event): void => {
    event.preventDefault();
    shop.order();
  };
  return h(
    "form",
    { class: "form", submit },
    field("Name", "name", who?.name ?? "Kim Example"),
    field("E-mail", "email", who?.email ?? "kim@example.com"),
    field("Street", "street-address", "1 Mill Lane"),
    field("Town", "address-level2", "Weirbridge"),
    h("button", { class: "button", type: "submit" }, `Pay ${money(totalOf(lines))}`),
    h("p", { class: "hint" }, "A make-believe payment. What you type stays on this page."),
  );
}

const field = (label: string, autocomplete: string, value: string): HTMLElement =>
  h("label", null, label, h("input", { autocomplete, value, required: true, maxlength: 120 }));

const summary = (lines: readonly Line[]): HTMLElement =>
  h(
    "aside",
    { class: "summary", "aria-label": "Your order" },
    lines.map(({ product, quantity }) =>
      h(
        "div",
        { class: "line" },
        picture(product),
        h("span", null, product.name, h("small", null, `${quantity} × ${money(product.price)}`)),
        h("span", null, money(totalOf([{ product, quantity }]))),
      ),
    ),
    h(
      "div",
      { class: "total" },
      h("span", null, "Total"),
      h("strong", null, money(totalOf(lines))),
    ),
  );

export function thanksPage(orderId: string, recommended: HTMLElement): Page {
  const body = h(
    "div",
    null,
    h(
      "div",
      { class: "page-head" },
      h("h1", null, "Thank you"),
      h(
        "p",
        null,
        "Your order ",
        h("code", null, orderId),
        " is on its way to nobody in particular.",
      ),
    ),
    recommended,
  );
  return { title: "Thank you", body };
}
