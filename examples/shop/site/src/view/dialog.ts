import { h } from "../dom.ts";
import { icon } from "./icon.ts";

export interface Overlay {
  readonly element: HTMLDialogElement;
  open(): void;
  close(): void;
}

/** The browser's own dialog brings the focus trap, Escape and the way back to the button. */
export function dialog(kind: string, name: string, body: HTMLElement): Overlay {
  const element = h("dialog", { class: kind, "aria-label": name }, body);
  // A click on the dialog itself, not on what it holds, is a click on the ground behind it.
  element.addEventListener("click", (event) => event.target === element && element.close());
  return {
    element,
    open: () => element.open || element.showModal(),
    close: () => element.close(),
  };
}

export const closeButton = (overlay: Overlay): HTMLElement =>
  h(
    "button",
    { class: "button quiet square", type: "button", "aria-label": "Close", click: overlay.close },
    icon("close"),
  );
