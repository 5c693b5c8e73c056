import type { OutboxEntry } from "./outbox.ts";

/**
 * What waits for one destination: a window of the oldest in memory, and how many the store holds behind it.
 *
 * - W1 `entries` is in key order and a gapless piece of what waits: nothing in the store is older than its last.
 * - W2 an entry is counted once: in `entries` or in `behind`.
 */
export class Waiting {
  readonly prefix: string;
  readonly entries: OutboxEntry[] = [];
  behind = 0;
  /** Key of the newest entry that was ever in the window; the next ones are found behind it. */
  last = "";

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** A new entry is on disk. It joins the window only when nothing older is behind it (W1). */
  commit(entry: OutboxEntry, entriesMax: number): void {
    this.behind++;
    if (this.behind === 1 && this.entries.length < entriesMax) this.load(entry);
  }

  /** From behind into the window. */
  load(entry: OutboxEntry): void {
    this.entries.push(entry);
    this.last = entry.key;
    this.behind--;
  }

  /** False where it is not in the window (any more). */
  take(entry: OutboxEntry): boolean {
    const index = this.entries.findIndex(({ key }) => key === entry.key);
    if (index !== -1) this.entries.splice(index, 1);
    return index !== -1;
  }
}
