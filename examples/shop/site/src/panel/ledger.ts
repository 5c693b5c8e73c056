import { h, show } from "../dom.ts";
import { number } from "../format.ts";
import { fields, num } from "../json.ts";
import { type Answer, ask } from "../live/api.ts";
import { icon } from "../view/icon.ts";
import type { Section } from "./panel.ts";

const POLL_MS = 1000;
const PARTS = [
  ["applied", "applied"],
  ["duplicate", "duplicate"],
  ["rejected", "rejected"],
  ["inFlight", "in flight"],
] as const;

/** The promise that nothing is lost, as an equation that is checked here once a second. */
export function ledgerSection(): Section {
  const element = h("section", { class: "ledger", "aria-label": "Ledger" });
  const poll = async (): Promise<void> => {
    if (!document.hidden) show(element, ledgerView(await ask("/shop/ledger")));
    setTimeout(poll, POLL_MS);
  };
  show(element, h("h3", null, "Ledger"));
  void poll();
  return { element };
}

function ledgerView(answer: Answer): readonly HTMLElement[] {
  if (!answer.ok) {
    return [h("h3", null, "Ledger"), h("p", { class: "none" }, `No figures: ${answer.message}`)];
  }
  const ledger = fields(answer.body);
  const received = num(ledger.received) ?? 0;
  const sum = PARTS.reduce((all, [key]) => all + (num(ledger[key]) ?? 0), 0);
  return [
    h(
      "div",
      { class: "ledger-head" },
      h("h3", null, "Ledger, all visitors"),
      balance(received - sum),
    ),
    h(
      "div",
      { class: "equation" },
      term("received", number(received), ""),
      PARTS.map(([key, name], i) => [
        h("span", { class: "sign" }, i === 0 ? "=" : "+"),
        term(name, number(num(ledger[key]) ?? 0), key),
      ]),
    ),
  ];
}

const term = (name: string, value: string, kind: string): HTMLElement =>
  h("span", { class: `term ${kind}` }, h("strong", null, value), h("small", null, name));

const balance = (difference: number): HTMLElement =>
  difference === 0
    ? h("span", { class: "badge good" }, icon("check"), "balanced")
    : h("span", { class: "badge warn" }, `off by ${number(difference)}`);
