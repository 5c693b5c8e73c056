import { type Cell, cell } from "../cell.ts";
import { h, show } from "../dom.ts";
import type { Capture } from "../live/capture.ts";
import type { Live } from "../live/live.ts";
import { icon } from "../view/icon.ts";
import { eventsSection } from "./events.ts";
import { panelHead } from "./head.ts";
import { ledgerSection } from "./ledger.ts";
import { nowSection } from "./now.ts";
import { sdkSwitch } from "./sdk.ts";
import { whySection } from "./why.ts";

/** A part of the panel. It draws itself on changes; `opened` asks for fresh data. */
export interface Section {
  readonly element: HTMLElement;
  readonly opened?: () => void;
}

const TABS = ["Profile", "Events", "Why"] as const;
type Tab = (typeof TABS)[number];

/** The side panel; on a narrow screen a sheet at the bottom that is opened by its handle. */
export function panelView(live: Live, capture: Pick<Capture, "sdk">): HTMLElement {
  const sections: { readonly [T in Tab]: Section } = {
    Profile: nowSection(live),
    Events: eventsSection(live),
    Why: whySection(live),
  };
  const tab = cell<Tab>("Profile");
  const body = h("div", {
    class: "panel-body",
    id: "panel-body",
    role: "tabpanel",
    tabindex: 0,
    "aria-labelledby": "tab-Profile",
  });
  tab.watch((now) => {
    body.setAttribute("aria-labelledby", `tab-${now}`);
    show(body, sections[now].element);
    sections[now].opened?.();
  });
  const sheet = h("div", { class: "panel-sheet" }, tabList(tab), body, ledgerSection().element);
  const panel = h("aside", { class: "panel", "aria-label": "What Freshet knows" });
  panel.append(panelHead(live, sdkSwitch(capture)), handle(panel), sheet);
  return panel;
}

function handle(panel: HTMLElement): HTMLElement {
  const button = h("button", { class: "panel-handle", type: "button", "aria-expanded": "false" });
  const draw = (): void => {
    const open = panel.classList.contains("open");
    button.setAttribute("aria-expanded", String(open));
    show(button, icon("up"), h("span", null, open ? "Close" : "Look inside"));
  };
  button.addEventListener("click", () => {
    panel.classList.toggle("open");
    draw();
  });
  draw();
  return button;
}

function tabList(tab: Cell<Tab>): HTMLElement {
  const bar = h("div", { class: "tabs", role: "tablist", "aria-label": "What Freshet knows" });
  bar.addEventListener("keydown", (event) => step(event, tab));
  tab.watch((now) =>
    show(
      bar,
      TABS.map((name) => tabButton(name, now === name, tab)),
    ),
  );
  return bar;
}

const tabButton = (name: Tab, selected: boolean, tab: Cell<Tab>): HTMLElement =>
  h(
    "button",
    {
      type: "button",
      role: "tab",
      id: `tab-${name}`,
      "data-key": `tab-${name}`,
      "aria-selected": String(selected),
      "aria-controls": "panel-body",
      tabindex: selected ? 0 : -1,
      click: () => tab.set(name),
    },
    name === "Why" ? "Why this banner" : name,
  );

/** Arrow keys move between tabs, as the tab pattern asks. */
function step(event: KeyboardEvent, tab: Cell<Tab>): void {
  const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  const next = TABS[(TABS.indexOf(tab.get()) + by + TABS.length) % TABS.length];
  if (by === 0 || next === undefined) return;
  tab.set(next);
  document.getElementById(`tab-${next}`)?.focus();
}
