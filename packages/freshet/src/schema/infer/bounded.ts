import { hash53 } from "../../core/hash.ts";

/**
 * Counts of texts, of which the `max` with the smallest hashes are kept. Which ones these are depends on the texts
 * alone, so that counts are exact whatever the order, and two tallies merge into that of all.
 */
export interface Tally {
  readonly counts: Map<string, number>;
  /** Texts with this hash or a larger one are not kept: the smallest hash that found no room. */
  cut: number;
}

export const newTally = (): Tally => ({ counts: new Map(), cut: Number.POSITIVE_INFINITY });

export function addTally(tally: Tally, text: string, count: number, max: number): void {
  const { counts } = tally;
  const known = counts.get(text);
  if (known !== undefined) counts.set(text, known + count);
  else if (tally.cut === Number.POSITIVE_INFINITY || hash53(text) < tally.cut) {
    counts.set(text, count);
    if (counts.size > max) cutTally(tally, max);
  }
}

export function mergeTally(into: Tally, other: Tally, max: number): void {
  into.cut = Math.min(into.cut, other.cut);
  for (const [text, count] of other.counts) addTally(into, text, count, max);
  cutTally(into, max);
}

function cutTally(tally: Tally, max: number): void {
  const hashes = new Map([...tally.counts.keys()].map((text) => [text, hash53(text)]));
  if (hashes.size > max) {
    const sorted = [...hashes.values()].sort((one, other) => one - other);
    tally.cut = Math.min(tally.cut, sorted[max] ?? tally.cut);
  }
  for (const [text, hash] of hashes) if (hash >= tally.cut) tally.counts.delete(text);
}

/** Adds a number to the `max` smallest different ones, which are sorted: how many there were, up to `max`. */
export function addLeast(least: number[], value: number, max: number): void {
  if (least.length === max && value >= (least[max - 1] ?? 0)) return;
  let at = least.length;
  while (at > 0 && (least[at - 1] ?? 0) >= value) at--;
  if (least[at] === value) return;
  least.splice(at, 0, value);
  if (least.length > max) least.pop();
}
