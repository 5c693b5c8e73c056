import type { ScanRange } from "../../engine/port/state-store.ts";
import type { RunEntry } from "./runs.ts";

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A scan of the tree and what the runs have instead or besides, in order; `tree` is in the range and its direction. */
export function* mergeScans(
  tree: Iterable<Entry>,
  runs: readonly RunEntry[],
  range: ScanRange,
): Iterable<Entry> {
  let left = range.limit ?? Number.POSITIVE_INFINITY;
  for (const entry of merge(tree, inRange(runs, range), range.reverse === true ? -1 : 1)) {
    if (left-- <= 0) return;
    yield entry;
  }
}

function inRange(runs: readonly RunEntry[], { from, to, reverse }: ScanRange): RunEntry[] {
  const start = from === undefined ? null : Buffer.from(from, "utf8");
  const end = to === undefined ? null : Buffer.from(to, "utf8");
  const sorted = runs
    .filter(({ key }) => start === null || Buffer.compare(key, start) >= 0)
    .filter(({ key }) => end === null || Buffer.compare(key, end) < 0)
    .sort((a, b) => Buffer.compare(a.key, b.key));
  return reverse === true ? sorted.reverse() : sorted;
}

function* merge(
  tree: Iterable<Entry>,
  runs: readonly RunEntry[],
  direction: 1 | -1,
): Iterable<Entry> {
  let next = 0;
  for (const entry of tree) {
    let isReplaced = false;
    for (let run = runs[next]; run !== undefined; run = runs[next]) {
      const order = Buffer.compare(run.key, entry.key) * direction;
      if (order > 0) break;
      isReplaced = order === 0;
      next++;
      yield* found(run);
    }
    if (!isReplaced) yield entry;
  }
  for (const run of runs.slice(next)) yield* found(run);
}

/** Nothing where the key was deleted. */
function* found({ key, value }: RunEntry): Iterable<Entry> {
  const bytes = value();
  if (bytes !== undefined) yield { key, value: bytes };
}
