/**
 * What clients sent, kept outside the server: the independent count that the server's values are held against.
 */

export interface Entry {
  readonly messageId: string;
  readonly kind: "view" | "order" | "identify" | "invalid";
  readonly userId?: string;
  readonly anonymousId?: string;
  /** Of an order. */
  readonly cents: number;
}

export interface Counts {
  readonly productViews: number;
  readonly orders: number;
  readonly spendCents: number;
}

export class Book {
  /** Every id that was ever sent. */
  readonly entries = new Map<string, Entry>();
  /** Ids that some answer said were kept. */
  readonly acknowledged = new Set<string>();
  /** Fresh ids of batches that a client gave up: kept all together or not at all. */
  readonly abandoned: (readonly string[])[] = [];
  /** Events in acknowledged requests, repetitions included: the least that the ledger received. */
  acknowledgedEvents = 0;

  add(entries: readonly Entry[]): void {
    for (const entry of entries) this.entries.set(entry.messageId, entry);
  }

  acknowledge(entries: readonly Entry[]): void {
    for (const { messageId } of entries) this.acknowledged.add(messageId);
    this.acknowledgedEvents += entries.length;
  }

  abandon(fresh: readonly Entry[]): void {
    const unknown = fresh.filter(({ messageId }) => !this.acknowledged.has(messageId));
    if (unknown.length > 0) this.abandoned.push(unknown.map(({ messageId }) => messageId));
  }
}

/** The user that each anonymous id belongs to, by the events that carry both. */
export function ownersOf(entries: Iterable<Entry>): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const { kind, userId, anonymousId } of entries)
    if (kind !== "invalid" && userId !== undefined && anonymousId !== undefined)
      owners.set(anonymousId, userId);
  return owners;
}

/** Counts by profile over distinct entries, the parts of a person put together. */
export function countsOf(entries: readonly Entry[]): ReadonlyMap<string, Counts> {
  const owners = ownersOf(entries);
  const counts = new Map<string, Counts>();
  for (const entry of entries) {
    if (entry.kind === "invalid") continue;
    const user = entry.userId ?? owners.get(entry.anonymousId ?? "");
    const profileId = user === undefined ? `anon:${entry.anonymousId}` : `user:${user}`;
    const known = counts.get(profileId) ?? { productViews: 0, orders: 0, spendCents: 0 };
    counts.set(profileId, {
      productViews: known.productViews + (entry.kind === "view" ? 1 : 0),
      orders: known.orders + (entry.kind === "order" ? 1 : 0),
      spendCents: known.spendCents + entry.cents,
    });
  }
  return counts;
}
