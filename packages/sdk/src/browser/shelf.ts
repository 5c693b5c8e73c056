import { isCore, type QueuedEvent } from "../queue/index.ts";
import { parseJson } from "../shell/json.ts";
import { uuid } from "../shell/uuid.ts";
import type { Store } from "./storage.ts";
import { openTabs, type Tabs } from "./tabs.ts";

/**
 * Events of this tab in `localStorage`, one key each, so that they outlive the page; and those of tabs that are gone.
 *
 * - T1 A key is written before its event is sent, and removed when the event is settled.
 * - T2 A tab touches its own keys, and those of tabs that are gone. The small script does not know which are: it
 *   takes over once, at its beginning, whatever it finds.
 * - T3 What goes from tab to tab is copied first and removed then. Whatever happens in between, it is sent twice at
 *   worst, and the server counts it once.
 */
export interface Shelf {
  keep(event: QueuedEvent): void;
  forget(events: readonly QueuedEvent[]): void;
  /** This tab is alive; to be called whenever it does something. */
  beat?(): void;
}

interface ShelfPorts {
  readonly store: Store;
  /** What the keys of a client's events begin with. */
  readonly prefix: string;
  /** Called with each event of tabs that are gone. */
  adopt(id: string, text: string): void;
}

/** Opens the shelf of this tab. */
export function openShelf({ store, prefix, adopt }: ShelfPorts): Shelf {
  const tab = uuid();
  // As many digits for each, so that they are in the order in which their events were taken.
  const keyOf = ({ number }: QueuedEvent): string => `${prefix + tab}:${1e9 + number}`;

  const take = (gone: string): void => {
    for (const key of store.keys(prefix + gone)) {
      const text = store.get(key);
      const id = (parseJson(text) as { readonly messageId?: unknown } | null)?.messageId;
      // T3. What somebody else wrote there would spoil the request of all others.
      if (text && typeof id === "string") adopt(id, text);
      store.set(key, null);
    }
  };

  let tabs: Tabs | undefined;
  if (isCore) take("");
  else tabs = openTabs({ store, prefix, tab, gone: (other) => take(`${other}:`) });
  return {
    ...(isCore ? {} : { beat: () => tabs?.beat() }),
    keep(event) {
      if (!isCore) tabs?.beat();
      store.set(keyOf(event), event.text);
    },
    forget(events) {
      for (const event of events) store.set(keyOf(event), null);
    },
  };
}
