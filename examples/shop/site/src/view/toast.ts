import { h } from "../dom.ts";
import { icon } from "./icon.ts";

export interface Toaster {
  readonly element: HTMLElement;
  say(message: string, detail?: string): void;
  /** For what Freshet did by itself: stays longer and looks like the panel. */
  tell(message: string): void;
}

const SHORT_MS = 3200;
const LONG_MS = 7000;
const TOASTS_MAX = 3;

export function toaster(): Toaster {
  const element = h("div", { class: "toasts", role: "status" });
  const put = (toast: HTMLElement, ms: number): void => {
    element.append(toast);
    while (element.childElementCount > TOASTS_MAX) element.firstElementChild?.remove();
    setTimeout(() => toast.remove(), ms);
  };
  let said: HTMLElement | undefined;
  return {
    element,
    say(message, detail) {
      // Answers to the visitor's own clicks replace one another.
      said?.remove();
      said = h("div", { class: "toast" }, h("strong", null, message));
      if (detail !== undefined) said.append(h("span", null, detail));
      put(said, detail === undefined ? SHORT_MS : LONG_MS);
    },
    tell: (message) =>
      put(h("div", { class: "toast live" }, icon("check"), h("strong", null, message)), LONG_MS),
  };
}
