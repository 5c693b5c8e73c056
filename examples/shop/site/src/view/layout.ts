import { h, show } from "../dom.ts";
import type { Shop } from "../shop.ts";
import { header } from "./header.ts";

export interface Page {
  readonly title: string;
  readonly body: HTMLElement;
}

export interface Layout {
  readonly root: HTMLElement;
  show(page: Page, options: { readonly moveFocus: boolean }): void;
}

interface LayoutParts {
  readonly shop: Shop;
  readonly openLogin: () => void;
  readonly panel: HTMLElement;
}

export function layout({ shop, openLogin, panel }: LayoutParts): Layout {
  const main = h("main", { id: "main", tabindex: -1 });
  const skip = document.querySelector(".skip");
  // The link's own jump would change the hash, which is the address here.
  skip?.addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  const root = h(
    "div",
    { class: "layout" },
    h("div", { class: "shop" }, header(shop, openLogin), main, footer()),
    panel,
  );
  return {
    root,
    show(page, { moveFocus }) {
      show(main, page.body);
      document.title = `${page.title} · Weir & Willow`;
      if (!moveFocus) return;
      window.scrollTo({ top: 0, behavior: "instant" });
      main.focus({ preventScroll: true });
    },
  };
}

const footer = (): HTMLElement =>
  h(
    "footer",
    { class: "footer" },
    h("p", null, "Weir & Willow is a make-believe shop. Nothing is sold and nothing is delivered."),
    h(
      "p",
      null,
      "Its events go to Freshet on this machine, with the Segment SDK, and nowhere else.",
    ),
  );
