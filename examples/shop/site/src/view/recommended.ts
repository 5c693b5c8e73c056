import { h, show } from "../dom.ts";
import type { Live } from "../live/live.ts";
import { card } from "./card.ts";

const REASON_WORDS: { readonly [reason: string]: string } = {
  popular: "Popular now",
  recentlyViewed: "You looked at this",
  viewed: "You looked at this",
};

/** A row of what the placement `recommended` decided; drawn again only when it changed. */
export function recommendedView(live: Live): HTMLElement {
  const row = h("ul", { class: "grid row" });
  let shown = "";
  live.decisions.watch(({ recommended }) => {
    const key = JSON.stringify(recommended);
    if (key === shown) return;
    shown = key;
    show(
      row,
      recommended.map(({ product, reason }) => h("li", null, card(product, words(reason)))),
    );
  });
  return h("section", { class: "block" }, h("h2", null, "Picked for you"), row);
}

const words = (reason: string): string =>
  REASON_WORDS[reason] ?? reason.charAt(0).toUpperCase() + reason.slice(1);
