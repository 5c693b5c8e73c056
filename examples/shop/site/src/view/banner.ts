import { inCategory, type Product, popular, slugOf } from "../catalog.ts";
import { h } from "../dom.ts";
import type { Banner } from "../live/decision.ts";
import type { Live } from "../live/live.ts";
import { cutOut } from "../picture/picture.ts";
import { address } from "../route.ts";
import { icon } from "./icon.ts";

/** The plan's themes in the shop's colours. */
const COLOURS: { readonly [theme: string]: string } = {
  vip: "night",
  customer: "sand",
  browser: "sky",
  default: "sage",
};
const CATEGORY_COLOURS: { readonly [category: string]: string } = {
  Ceramics: "clay",
  Textiles: "sand",
  Lighting: "night",
  Kitchen: "sky",
  Plants: "sage",
  Paper: "plum",
};

/** The banner of the home page. A new variant fades over the old one; the same one stays still. */
export function bannerView(live: Live): HTMLElement {
  const root = h("section", { class: "banner", "aria-label": "Today", "aria-live": "polite" });
  let shown = "";
  live.decisions.watch(({ banner }) => {
    const key = JSON.stringify(banner);
    if (key === shown) return;
    const old = root.lastElementChild;
    root.append(slide(banner, { fresh: shown !== "" }));
    shown = key;
    leave(root, old);
  });
  return root;
}

/** The old one goes when the new one has covered it, and at the latest with the next. */
function leave(root: HTMLElement, old: Element | null): void {
  while (old !== null && root.firstElementChild !== old) root.firstElementChild?.remove();
  if (old === null) return;
  old.setAttribute("inert", "");
  setTimeout(() => old.remove(), 700);
}

function slide(banner: Banner, { fresh }: { readonly fresh: boolean }): HTMLElement {
  const colour = COLOURS[banner.theme] ?? CATEGORY_COLOURS[banner.category ?? ""] ?? "sage";
  const href = banner.category ? address.category(slugOf(banner.category)) : "#/c/ceramics";
  return h(
    "div",
    { class: `slide theme-${colour} ${fresh ? "fresh" : ""}` },
    h(
      "div",
      { class: "slide-text" },
      h("h1", null, banner.title),
      h("p", null, banner.text),
      h("a", { class: "button slide-cta", href }, banner.cta, icon("arrow")),
    ),
    h("div", { class: "slide-art" }, stillLife(banner).map(cutOut)),
  );
}

/** Three different things: of the banner's category, else of the whole shop. */
function stillLife(banner: Banner): readonly Product[] {
  const from = banner.category ? inCategory(banner.category) : [];
  const shapes = new Map<string, Product>();
  for (const product of from.length > 0 ? from : popular) {
    const shape = product.image.split(":")[0] ?? "";
    if (!shapes.has(shape)) shapes.set(shape, product);
  }
  const all = [...shapes.values()];
  return from.length > 0
    ? all.slice(0, 3)
    : [all[0], all[5], all[8]].filter((it) => it !== undefined);
}
