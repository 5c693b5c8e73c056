import { decideMs } from "../shell/decide.ts";
import type { DecidedShape } from "../shell/plan.ts";

/** The part of a client that fills placements. */
interface Decider {
  decide(
    placements: readonly string[],
    options: { readonly timeoutMs: number },
  ): Promise<{ readonly [name: string]: unknown }>;
}

const attribute = "data-freshet-placement";
const done = "data-freshet-variant";

/**
 * Fills elements with `data-freshet-placement="homeBanner"` without a flicker.
 *
 * - F1 Such an element is hidden, with its room kept, until it is decided or `budgetMs` after it was seen.
 * - F2 What is in the page is the fallback: an element that was shown once is not changed any more.
 * - F3 Only texts, addresses and images are put in, never markup.
 */
export function showPlacements(freshet: Decider, { budgetMs = decideMs } = {}): void {
  const style = document.createElement("style");
  style.textContent = `[${attribute}]:not([${done}]){visibility:hidden!important}`;
  (document.head ?? document.documentElement).append(style);

  const look = (): void => {
    const found = [...document.querySelectorAll<HTMLElement>(`[${attribute}]`)].filter(
      (element) => !element.hasAttribute(done) && !seen.has(element),
    );
    if (found.length > 0) void fill(found);
  };
  const seen = new WeakSet<HTMLElement>();

  const fill = async (elements: readonly HTMLElement[]): Promise<void> => {
    for (const element of elements) seen.add(element);
    // F1: whatever becomes of the decision.
    setTimeout(() => {
      for (const element of elements) show(element, null);
    }, budgetMs);
    const names = [...new Set(elements.map(nameOf))];
    const decisions = await freshet.decide(names, { timeoutMs: budgetMs });
    for (const element of elements)
      show(element, (decisions[nameOf(element)] ?? null) as DecidedShape | null);
  };

  new MutationObserver(look).observe(document, { childList: true, subtree: true });
  look();
}

function nameOf(element: HTMLElement): string {
  return element.getAttribute(attribute) ?? "";
}

function show(element: HTMLElement, decision: DecidedShape | null): void {
  if (element.hasAttribute(done)) return;
  if (decision?.variant != null) putIn(element, decision.content as Record<string, unknown>);
  element.setAttribute(done, decision?.variant ?? "");
  element.dispatchEvent(new CustomEvent("freshet:decision", { bubbles: true, detail: decision }));
}

/** `data-freshet-text="title"`, `-href="link"` and `-src="image"` name fields of the content. */
function putIn(element: HTMLElement, content: Record<string, unknown>): void {
  for (const part of [element, ...element.querySelectorAll<HTMLElement>("*")]) {
    const value = (kind: string): string | null => {
      const field = part.getAttribute(`data-freshet-${kind}`);
      const found = field === null ? null : content?.[field];
      return typeof found === "string" || typeof found === "number" ? String(found) : null;
    };
    const text = value("text");
    if (text !== null) part.textContent = text;
    for (const kind of ["href", "src"]) {
      const address = value(kind);
      if (address !== null && isAddress(address)) part.setAttribute(kind, address);
    }
  }
}

/** F3: an address that runs a script is none. */
function isAddress(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text, location.href).protocol);
  } catch {
    return false;
  }
}
