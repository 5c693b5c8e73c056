import type { Store } from "./storage.ts";

/** How a tab knows which others are gone, whose events somebody has to care for. */
export interface Tabs {
  /** This tab is alive; to be called whenever it does something. */
  beat(): void;
}

/** Longer than the longest wait between two attempts to send, at each of which a tab says that it lives. */
const leaseMs = 150_000;
const beatMs = 5000;

interface TabsPorts {
  readonly store: Store;
  /** What keys of all tabs begin with; the tab follows, then a colon and more. */
  readonly prefix: string;
  readonly tab: string;
  /** Called when another tab is gone. */
  readonly gone: (tab: string) => void;
}

/** A tab that lives holds a lock, for which others wait. Where browsers have none, it says every so often that it lives. */
export function openTabs(ports: TabsPorts): Tabs {
  const { locks } = navigator as { readonly locks?: LockManager };
  const tabs = locks === undefined ? byLease(ports) : byLock(ports, locks);
  const watched = new Set([ports.tab]);
  const watch = (key: string | null): void => {
    if (!key?.startsWith(ports.prefix)) return;
    const other = key.slice(ports.prefix.length, key.lastIndexOf(":"));
    if (watched.has(other)) return;
    watched.add(other);
    tabs.whenGone(other, () => {
      watched.delete(other);
      ports.gone(other);
    });
  };
  ports.store.keys(ports.prefix).forEach(watch);
  // Tabs that come later.
  addEventListener("storage", ({ key }) => watch(key));
  return tabs;
}

interface Watching extends Tabs {
  whenGone(other: string, take: () => void): void;
}

function byLock({ prefix, tab }: TabsPorts, locks: LockManager): Watching {
  let release = () => {};
  const ask = (name: string, work: () => unknown): void =>
    void locks.request(prefix + name, work).catch(() => {});
  const untilReleased = () =>
    new Promise<void>((resolve) => {
      release = resolve;
    });
  const hold = (): void => ask(tab, untilReleased);
  // Before any key says that there is this tab: nobody can ask for its lock earlier.
  hold();
  // The page may come back, but until then others may care for its events.
  addEventListener("pagehide", () => release());
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) hold();
  });
  return { beat() {}, whenGone: ask };
}

function byLease({ store, prefix, tab }: TabsPorts): Watching {
  const keyOf = (name: string): string => `${prefix}${name}:beat`;
  let beatAt = 0;
  const whenGone = (other: string, take: () => void): void => {
    if (Date.now() - Number(store.get(keyOf(other))) > leaseMs) take();
    else setTimeout(() => whenGone(other, take), leaseMs);
  };
  return {
    beat() {
      if (Date.now() - beatAt < beatMs) return;
      beatAt = Date.now();
      // Where that fails others may take over what this tab still has. It is sent twice then, and counts once.
      store.set(keyOf(tab), String(beatAt));
    },
    whenGone,
  };
}
