/** What may stand between two tags. Texts become text nodes, never markup: data cannot inject. */
export type Child = Node | string | number | null | undefined | false | readonly Child[];

type Listener = (event: Event) => void;
type Props = { readonly [name: string]: string | number | boolean | null | undefined | Listener };

/** Makes an HTML element. A function listens to the event it is named after, such as `click`. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props: Props | null,
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  setProps(element, props);
  append(element, children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** Makes an SVG element. */
export function s(tag: string, props: Props | null, ...children: Child[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  setProps(element, props);
  append(element, children);
  return element;
}

function setProps(element: Element, props: Props | null): void {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
}

function append(parent: Node, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (child instanceof Node) parent.appendChild(child);
    else if (typeof child === "object") append(parent, child);
    else parent.appendChild(document.createTextNode(String(child)));
  }
}

/**
 * Replaces what a container shows. The panel draws itself again several times a second, so the
 * focus goes back to the element with the same `data-key`: a keyboard user must not be thrown out.
 */
export function show(container: Element, ...children: Child[]): void {
  const active = document.activeElement;
  const key = active && container.contains(active) ? active.getAttribute("data-key") : null;
  container.replaceChildren();
  append(container, children);
  if (key === null) return;
  for (const element of container.querySelectorAll<HTMLElement>("[data-key]")) {
    if (element.dataset.key !== key) continue;
    element.focus({ preventScroll: true });
    return;
  }
}

/** A bar's length goes through the object model: the page's policy forbids `style` attributes. */
export function withLength<E extends HTMLElement>(element: E, share: number): E {
  const bounded = Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 0;
  element.style.setProperty("--length", `${(bounded * 100).toFixed(1)}%`);
  return element;
}
