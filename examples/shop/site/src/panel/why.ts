import { h, show } from "../dom.ts";
import { label } from "../format.ts";
import { type Fields, fields, isFields, list, text } from "../json.ts";
import type { Decisions } from "../live/decision.ts";
import type { Live } from "../live/live.ts";
import { icon } from "../view/icon.ts";
import type { Section } from "./panel.ts";
import { amount } from "./value.ts";

/** Each variant of the banner with the leaves of its condition: why, and why not. */
export function whySection(live: Live): Section {
  const element = h("div", { class: "why" });
  live.decisions.watch((decisions) => show(element, whyView(decisions)));
  return { element };
}

function whyView(decisions: Decisions): readonly HTMLElement[] {
  const { banner, reason, why, stale } = decisions;
  const head = h(
    "section",
    { class: "chosen" },
    h("h3", null, "On the page now"),
    h("p", { class: "chosen-title" }, banner.title),
    h(
      "p",
      { class: "chosen-meta" },
      h("code", null, banner.variant),
      reason !== banner.variant && h("span", { class: "badge" }, reason),
      stale && h("span", { class: "badge warn" }, "stale"),
    ),
  );
  return [head, ...reasons(why, banner.variant, reason)];
}

function reasons(why: unknown, chosen: string, reason: string): readonly HTMLElement[] {
  if (reason === "offline") {
    return [h("p", { class: "empty" }, "Nobody could be asked. This is the page's own fallback.")];
  }
  if (why === undefined || why === null) {
    return [h("p", { class: "empty" }, "No explanation came with this decision.")];
  }
  const variants = list(fields(why).variants).filter(isFields);
  if (variants.length === 0) return [h("pre", null, JSON.stringify(why, null, 2))];
  return variants.map((variant) => variantView(variant, chosen));
}

function variantView(variant: Fields, chosen: string): HTMLElement {
  const name = text(variant.name, "variant");
  const eligible = variant.eligible === true;
  const leaves = list(variant.leaves);
  const won = name === chosen;
  return h(
    "section",
    { class: `variant ${won ? "won" : ""}` },
    h(
      "div",
      { class: "variant-head" },
      h("h3", null, label(name)),
      h(
        "span",
        { class: `badge ${won ? "good" : ""}` },
        won ? "shown" : eligible ? "eligible, but later in line" : "not eligible",
      ),
    ),
    leaves.length > 0 &&
      h(
        "ul",
        { class: "leaves" },
        leaves.map((leaf) => h("li", null, leafView(leaf))),
      ),
    leaves.length === 0 && h("pre", null, JSON.stringify(variant, null, 2)),
  );
}

function leafView(leaf: unknown): readonly HTMLElement[] {
  if (!isFields(leaf)) return [h("pre", null, JSON.stringify(leaf, null, 2))];
  const holds = leaf.holds === true;
  const values = leafValues(leaf);
  return [
    h(
      "span",
      {
        class: holds ? "mark yes" : "mark no",
        role: "img",
        "aria-label": holds ? "holds" : "fails",
      },
      icon(holds ? "check" : "close"),
    ),
    h(
      "span",
      null,
      text(leaf.text) || JSON.stringify(leaf),
      values !== "" && h("small", null, values),
    ),
  ];
}

function leafValues(leaf: Fields): string {
  const parts: string[] = [];
  const unit = text(leaf.text);
  if ("value" in leaf) parts.push(`is ${amount(unit, leaf.value)}`);
  if ("expected" in leaf) parts.push(`wanted ${amount(unit, leaf.expected)}`);
  return parts.join(", ");
}
