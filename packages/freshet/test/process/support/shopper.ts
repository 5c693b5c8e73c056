/**
 * Clients as they are in the field: they send batches, repeat them when no answer came, sometimes although one did,
 * and sometimes give up.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../../src/testing/random.ts";
import type { Book, Entry } from "./book.ts";
import { ask, basic } from "./client.ts";

export interface ShopperOptions {
  readonly name: string;
  readonly random: Random;
  readonly book: Book;
  /** Where the server is now; undefined while there is none. */
  readonly address: () => string | undefined;
  readonly isOver: () => boolean;
}

interface Batch {
  /** Repetitions within the batch and of earlier batches included. */
  readonly entries: readonly Entry[];
  /** Those that no earlier batch had. */
  readonly fresh: readonly Entry[];
  readonly isNative: boolean;
}

const users = 12;
const devicesOfUser = 3;
const strangers = 12;

/** Sends until it is over, then brings the last batch to its end. Throws when an answer is not what clients may get. */
export async function shop(options: ShopperOptions): Promise<void> {
  const { random, isOver } = options;
  for (let number = 0; !isOver(); number++) {
    await deliver(makeBatch(options, number), options);
    await sleep(random.below(25));
  }
}

function makeBatch({ name, random, book }: ShopperOptions, number: number): Batch {
  const fresh = Array.from({ length: 1 + random.below(12) }, (_, index) =>
    makeEntry(`${name}-${number}-${index}`, random),
  );
  const repeated = random.chance(0.2) ? repeatSome(random, book, fresh) : [];
  book.add(fresh);
  return { entries: [...fresh, ...repeated], fresh, isNative: random.chance(0.25) };
}

/** From the same batch, and from what was acknowledged long ago, perhaps by a process that was killed since. */
function repeatSome(random: Random, book: Book, fresh: readonly Entry[]): readonly Entry[] {
  const old = [...book.acknowledged];
  const ids = Array.from({ length: Math.min(3, old.length) }, () => random.pick(old));
  const earlier = ids.flatMap((id) => book.entries.get(id) ?? []);
  return [...earlier, random.pick(fresh)].filter(({ kind }) => kind !== "invalid");
}

function makeEntry(messageId: string, random: Random): Entry {
  const who = pickIdentity(random);
  const dice = random.next();
  if (dice < 0.02) return { messageId, kind: "invalid", cents: 0, ...who };
  if (dice < 0.12) return { messageId, kind: "order", cents: 1 + random.below(20_000), ...who };
  if (dice < 0.15 && who.userId !== undefined)
    return { messageId, kind: "identify", cents: 0, ...who };
  return { messageId, kind: "view", cents: 0, ...who };
}

/** A device belongs to one person; some of its events come before the login, some from a tab that missed it. */
function pickIdentity(random: Random): Pick<Entry, "userId" | "anonymousId"> {
  if (random.chance(0.25)) return { anonymousId: `stranger-${random.below(strangers)}` };
  const userId = `user-${random.below(users)}`;
  const anonymousId = `${userId}-device-${random.below(devicesOfUser)}`;
  if (random.chance(0.45)) return { anonymousId };
  return random.chance(0.25) ? { userId, anonymousId } : { userId };
}

async function deliver(batch: Batch, options: ShopperOptions): Promise<void> {
  const { random, book } = options;
  for (;;) {
    if (await attempt(batch, options)) {
      // The answer came, but the client did not see it.
      if (!random.chance(0.06)) return;
      await attempt(batch, options);
      return;
    }
    if (random.chance(0.04)) {
      book.abandon(batch.fresh);
      return;
    }
    await sleep(20 + random.below(120));
  }
}

/** True when the batch was acknowledged. */
async function attempt(batch: Batch, { address, book }: ShopperOptions): Promise<boolean> {
  const url = address();
  if (url === undefined) return false;
  const { entries, isNative } = batch;
  const answer = await (isNative ? sendNative(url, entries) : sendSegment(url, entries)).catch(
    () => null,
  );
  if (answer === null || answer.status === 503 || answer.status === 429) return false;
  const invalid = entries.filter(({ kind }) => kind === "invalid").length;
  const { success, accepted, rejected } = answer.body;
  const isWhole = accepted === entries.length - invalid && rejected?.length === invalid;
  // A single native event that is refused is 400 (DESIGN section 10): the one other answer of a batch as these.
  if (answer.status !== 200 || success !== true || !isWhole)
    throw new Error(`unexpected answer ${answer.status}: ${JSON.stringify(answer.body)}`);
  book.acknowledge(entries);
  return true;
}

function sendSegment(url: string, entries: readonly Entry[]) {
  const batch = entries.map((entry) => ({
    ...identityOf(entry),
    messageId: entry.messageId,
    timestamp: timeOf(entry),
    type: entry.kind === "identify" ? "identify" : "track",
    ...(entry.kind === "identify" ? { traits: { plan: "plus" } } : {}),
    ...(entry.kind === "identify" ? {} : { event: nameOf(entry), properties: propertiesOf(entry) }),
  }));
  return ask(`${url}/v1/batch`, {
    headers: basic,
    body: { batch, sentAt: new Date().toISOString() },
  });
}

function sendNative(url: string, entries: readonly Entry[]) {
  const body = entries.map((entry) => ({
    event_id: entry.messageId,
    event_type: entry.kind === "identify" ? "Signed In" : nameOf(entry),
    ...(entry.userId === undefined ? {} : { user_id: entry.userId }),
    ...(entry.anonymousId === undefined ? {} : { anonymous_id: entry.anonymousId }),
    timestamp: timeOf(entry),
    metadata: propertiesOf(entry),
  }));
  return ask(`${url}/v1/events`, { headers: basic, body });
}

const identityOf = ({ userId, anonymousId }: Entry): object => ({
  ...(userId === undefined ? {} : { userId }),
  ...(anonymousId === undefined ? {} : { anonymousId }),
});

const nameOf = ({ kind }: Entry): string =>
  kind === "order" ? "Order Completed" : "Product Viewed";

/** An invalid one lacks what its event's contract asks for. */
function propertiesOf({ kind, messageId, cents }: Entry): object {
  switch (kind) {
    case "view":
      return { product_id: `cer-0${1 + (messageId.length % 8)}` };
    case "order":
      return { order_id: messageId, total: cents / 100 };
    case "identify":
    case "invalid":
      return {};
  }
}

/** Up to an hour ago and the same at each attempt, so that events arrive late and out of order. */
function timeOf({ messageId, cents }: Entry): string {
  const number = Number(/\d+$/.exec(messageId)?.[0] ?? 0);
  return new Date(startedAt - ((number * 977 + cents) % 3600) * 1000).toISOString();
}

const startedAt = Date.now();
