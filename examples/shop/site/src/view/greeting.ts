import { h, show } from "../dom.ts";
import type { Live } from "../live/live.ts";
import { firstName, visitor } from "../visitor.ts";

/** The plan says how a segment is greeted; without an answer whoever is signed in is met by name. */
export function greetingView(live: Live): HTMLElement {
  const root = h("p", { class: "greeting", "aria-live": "polite" });
  let shown: string | undefined;
  const draw = (): void => {
    const who = visitor.get();
    const next = live.decisions.get().greeting || (who ? `Hello, ${firstName(who)}.` : "");
    if (next === shown) return;
    shown = next;
    root.hidden = next === "";
    show(root, next);
  };
  visitor.watch(draw);
  live.decisions.watch(draw);
  return root;
}
