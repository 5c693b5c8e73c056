import type { JsonObject } from "@freshet/protocol";
import { hash53 } from "../../core/hash.ts";
import { inferLimits } from "./limits.ts";
import type { Sender } from "./place.ts";
import { addSample, mergeSample, newSample, type Sample } from "./sample.ts";
import { addTree, mergeTree, newTree, settle, type Tree } from "./tree.ts";

/**
 * What was seen of all events, by name. `addTraffic` and `mergeTraffic` are associative and commutative: a summary of
 * parts, in whatever order they were read, is that of the whole.
 */
export interface Traffic {
  readonly seed: number;
  /** Names that are kept whatever happens. */
  readonly pinned: ReadonlySet<string>;
  readonly names: Map<string, EventSummary>;
  /** Other names with this hash or a larger one are not kept. */
  cut: number;
  /** Events of all names, those that are not kept among them. */
  count: number;
}

export interface EventSummary {
  readonly name: string;
  count: number;
  /** Those of them that came as dead letters. */
  refused: number;
  readonly tree: Tree;
  readonly sample: Sample;
}

export interface SeenEvent extends Sender {
  readonly id: string;
  readonly name: string;
  /** Properties, or traits: what a contract is about. */
  readonly content: JsonObject;
  readonly isRefused: boolean;
}

export function newTraffic(seed: number, pinned: Iterable<string> = []): Traffic {
  return {
    seed,
    pinned: new Set(pinned),
    names: new Map(),
    cut: Number.POSITIVE_INFINITY,
    count: 0,
  };
}

export function addTraffic(traffic: Traffic, event: SeenEvent): void {
  traffic.count++;
  const summary = traffic.names.get(event.name) ?? makeSummary(traffic, event.name);
  if (summary === undefined) return;
  summary.count++;
  if (event.isRefused) summary.refused++;
  addTree(summary.tree, event.content, event);
  addSample(summary.sample, traffic.seed, event.id, event.content);
}

function makeSummary(traffic: Traffic, name: string): EventSummary | undefined {
  if (!traffic.pinned.has(name) && hash53(name) >= traffic.cut) return undefined;
  const made = newSummary(name);
  traffic.names.set(name, made);
  settleNames(traffic);
  return traffic.names.get(name);
}

export const newSummary = (name: string): EventSummary => ({
  name,
  count: 0,
  refused: 0,
  tree: newTree(),
  sample: newSample(),
});

function settleNames(traffic: Traffic): void {
  const free = [...traffic.names.keys()].filter((name) => !traffic.pinned.has(name));
  if (free.length > inferLimits.namesMax) {
    const hashes = free.map(hash53).sort((one, other) => one - other);
    traffic.cut = Math.min(traffic.cut, hashes[inferLimits.namesMax] ?? traffic.cut);
  }
  for (const name of free) if (hash53(name) >= traffic.cut) traffic.names.delete(name);
}

/** Adds another summary, which was made with the same seed and the same pinned names, and stays as it is. */
export function mergeTraffic(into: Traffic, other: Traffic): void {
  into.count += other.count;
  into.cut = Math.min(into.cut, other.cut);
  for (const [name, summary] of other.names) {
    const known = into.names.get(name) ?? newSummary(name);
    into.names.set(name, known);
    known.count += summary.count;
    known.refused += summary.refused;
    mergeTree(known.tree, summary.tree);
    mergeSample(known.sample, summary.sample);
  }
  settleNames(into);
}

/** Brings everything into its bounds; before it is read. */
export function settleTraffic(traffic: Traffic): void {
  settleNames(traffic);
  for (const { tree } of traffic.names.values()) settle(tree);
}

/** Events of names that found no room. */
export function unnamedIn(traffic: Traffic): number {
  let kept = 0;
  for (const { count } of traffic.names.values()) kept += count;
  return traffic.count - kept;
}
