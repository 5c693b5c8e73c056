import { pageOf } from "../browser/context.ts";

/** What a page looks like to an event that is told after it was left. */
export type Page = ReturnType<typeof pageOf>;

/** One stay at one address: a document, or a step of a single-page app. */
export interface Views {
  /** Called for each view; what it returns is called when the view ends. */
  each(begin: (page: Page, previous: string | null) => (() => void) | undefined): void;
  stop(): void;
}

type Navigation = EventTarget;

/**
 * Follows the address. Frameworks change it before they change the title and the page, so a view begins a moment
 * after its address.
 */
export function followViews({ hash = false } = {}): Views {
  const begins: Parameters<Views["each"]>[0][] = [];
  let ends: ((() => void) | undefined)[] = [];
  let page = pageOf();
  let address = addressOf(hash);

  const changed = (): void => {
    if (addressOf(hash) === address) return;
    const previous = address;
    address = addressOf(hash);
    for (const end of ends) end?.();
    ends = [];
    setTimeout(() => {
      page = { ...pageOf(), referrer: previous };
      ends = begins.map((begin) => begin(page, previous));
    });
  };
  const stop = listen(changed);
  return {
    each(begin) {
      begins.push(begin);
      ends.push(begin(page, null));
    },
    stop,
  };
}

function addressOf(hash: boolean): string {
  return hash ? location.href : location.href.replace(/#.*/, "");
}

function listen(changed: () => void): () => void {
  const { navigation } = globalThis as { readonly navigation?: Navigation };
  if (navigation !== undefined) {
    navigation.addEventListener("currententrychange", changed);
    return () => navigation.removeEventListener("currententrychange", changed);
  }
  const unpatch = (["pushState", "replaceState"] as const).map((name) => {
    const original = history[name];
    history[name] = function (this: History, ...args) {
      original.apply(this, args);
      changed();
    };
    return () => {
      history[name] = original;
    };
  });
  addEventListener("popstate", changed);
  addEventListener("hashchange", changed);
  return () => {
    for (const undo of unpatch) undo();
    removeEventListener("popstate", changed);
    removeEventListener("hashchange", changed);
  };
}
