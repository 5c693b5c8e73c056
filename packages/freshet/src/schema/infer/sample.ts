import { type JsonObject, readJson } from "@freshet/protocol";
import { hash53 } from "../../core/hash.ts";
import { inferLimits } from "./limits.ts";

/**
 * A random choice of events: those with the smallest hashes of seed and id. Each event is as likely as any other, the
 * same seed chooses the same, and the order in which they come does not matter.
 */
export interface Sample {
  readonly entries: SampleEntry[];
}

export interface SampleEntry {
  readonly priority: number;
  /** The event's content as JSON. */
  readonly text: string;
}

export const newSample = (): Sample => ({ entries: [] });

export function addSample(sample: Sample, seed: number, id: string, content: JsonObject): void {
  const priority = hash53(`${seed} ${id}`);
  if (!hasRoom(sample, priority)) return;
  const text = JSON.stringify(content);
  if (text.length <= inferLimits.sampleCharsMax) insert(sample, { priority, text });
}

export function mergeSample(into: Sample, other: Sample): void {
  for (const entry of other.entries) if (hasRoom(into, entry.priority)) insert(into, entry);
}

function hasRoom({ entries }: Sample, priority: number): boolean {
  if (entries.length < inferLimits.sampleMax) return true;
  return priority <= (entries[entries.length - 1]?.priority ?? 0);
}

/** A retry has the id of its event, and may have another content. */
function insert({ entries }: Sample, entry: SampleEntry): void {
  let at = entries.length;
  while (at > 0 && isBefore(entry, entries[at - 1] ?? entry)) at--;
  entries.splice(at, 0, entry);
  if (entries.length > inferLimits.sampleMax) entries.pop();
}

function isBefore(one: SampleEntry, other: SampleEntry): boolean {
  if (one.priority !== other.priority) return one.priority < other.priority;
  return one.text < other.text;
}

export function sampleValues({ entries }: Sample): JsonObject[] {
  return entries.map(({ text }) => readJson(text) as JsonObject);
}
