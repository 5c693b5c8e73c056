import { expect } from "vitest";
import {
  ledgerOf,
  missingIn,
  readJourney,
  readMetrics,
  readProfile,
  settled,
} from "../../process/support/client.ts";
import type { Account } from "./client.ts";
import type { Stage } from "./stage.ts";

/**
 * By the clients' own accounts: what they hold for delivered is applied, what they gave up may be, and whatever is
 * applied counts exactly once, in its profile and in the ledger. Every event is a product view.
 */
export async function expectExactlyOnce(
  stage: Stage,
  accounts: readonly Account[],
): Promise<{ readonly delivered: number; readonly applied: number; readonly duplicate: number }> {
  await settled(stage.url(), 60_000);
  const delivered = accounts.flatMap((account) => account.delivered);
  const failed = accounts.flatMap((account) => account.failed);
  const ids = [...delivered, ...failed];
  expect(new Set(ids).size, "ids that are told apart").toBe(ids.length);
  const owners = new Map(await journeysOf(stage.url(), ids));
  expect(delivered.filter((id) => !owners.has(id))).toEqual([]);
  const views = new Map<string, number>();
  for (const owner of owners.values()) views.set(owner, (views.get(owner) ?? 0) + 1);
  for (const [owner, count] of views) {
    const { features } = (await readProfile(stage.url(), owner)).body;
    expect([owner, features.productViews]).toEqual([owner, count]);
  }
  const ledger = ledgerOf(await readMetrics(stage.url()));
  expect(missingIn(ledger)).toBe(0);
  expect([ledger.applied, ledger.rejected, ledger.inFlight]).toEqual([owners.size, 0, 0]);
  return { delivered: delivered.length, applied: owners.size, duplicate: ledger.duplicate };
}

/** Whose each applied event is. */
async function journeysOf(url: string, ids: readonly string[]): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for (let from = 0; from < ids.length; from += 50) {
    const some = ids.slice(from, from + 50);
    const answers = await Promise.all(some.map((id) => readJourney(url, id)));
    for (const [index, { status, body }] of answers.entries())
      if (status === 200 && body.status === "applied")
        found.push([some[index] ?? "", String(body.profileId)]);
  }
  return found;
}
