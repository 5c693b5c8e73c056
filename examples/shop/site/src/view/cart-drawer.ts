import { cart, type Line } from "../cart.ts";
import { h, show } from "../dom.ts";
import { money } from "../format.ts";
import { picture } from "../picture/picture.ts";
import { address, go } from "../route.ts";
import type { Shop } from "../shop.ts";
import { closeButton, dialog, type Overlay } from "./dialog.ts";

/** `shop` comes late: the shop needs to open the drawer, and the drawer to act on the shop. */
export function cartDrawer(shop: () => Shop): Overlay {
  const body = h("div", { class: "drawer-body" });
  const overlay = dialog("drawer", "Your cart", body);
  cart.watch(() => show(body, content(overlay, cart.lines(), shop)));
  return overlay;
}

function content(overlay: Overlay, lines: readonly Line[], shop: () => Shop): HTMLElement {
  const head = h(
    "div",
    { class: "overlay-head" },
    h("h2", null, "Your cart"),
    closeButton(overlay),
  );
  if (lines.length === 0) {
    return h(
      "div",
      null,
      head,
      h("p", { class: "empty" }, "Nothing here yet. The shelves are full."),
    );
  }
  const checkout = (): void => {
    overlay.close();
    go(address.checkout);
  };
  return h(
    "div",
    { class: "drawer-full" },
    head,
    h(
      "ul",
      { class: "lines" },
      lines.map((line) => h("li", null, lineView(line, shop))),
    ),
    h("div", { class: "total" }, h("span", null, "Total"), h("strong", null, money(cart.total()))),
    h("button", { class: "button", type: "button", click: checkout }, "Check out"),
  );
}

function lineView(line: Line, shop: () => Shop): HTMLElement {
  const { product, quantity } = line;
  const step = (sign: string, name: string, click: () => void): HTMLElement =>
    h(
      "button",
      { type: "button", "aria-label": name, "data-key": `${sign}${product.product_id}`, click },
      sign,
    );
  return h(
    "div",
    { class: "line" },
    picture(product),
    h(
      "span",
      null,
      product.name,
      h(
        "span",
        { class: "stepper" },
        step("−", `One ${product.name} less`, () => shop().remove(line, 1)),
        h("span", null, quantity),
        step("+", `One ${product.name} more`, () => shop().add(product)),
      ),
    ),
    h("span", null, money(product.price * quantity)),
  );
}
