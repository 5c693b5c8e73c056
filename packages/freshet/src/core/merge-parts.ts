import type { CompiledPlan } from "./plan/compile.ts";
import {
  insertPart,
  type PartEntry,
  type PartState,
  type ProfileState,
  recentOffsetsMax,
  setTrait,
} from "./profile.ts";
import { mergeSessions } from "./session.ts";

/**
 * Parts that a profile keeps apart. A person has a handful of devices; a site that sends one user id for all of its
 * guests would otherwise grow one profile without end, and every read of it folds all parts.
 */
export const partsMax = 64;
/** Anonymous ids that a user key remembers as linked. One that was forgotten is linked again, which changes nothing. */
export const linksMax = 256;

/**
 * Leaves at most `countMax` parts: the two anonymous parts whose last events are oldest become one. Nothing that
 * is read changes, since a profile is the fold over its parts anyway; what is lost is that the two could be told
 * apart. Deterministic in log order.
 */
export function boundParts(plan: CompiledPlan, state: ProfileState, countMax: number): void {
  while (state.parts.length > countMax) {
    const [first, second] = state.parts
      .filter(({ id }) => id.startsWith("anon:"))
      .sort((a, b) => a.part.lastAt - b.part.lastAt || (a.id < b.id ? -1 : 1));
    if (first === undefined || second === undefined) return;
    state.parts = state.parts.filter((entry) => entry !== first && entry !== second);
    insertPart(state, mergeEntries(plan, first, second));
  }
}

function mergeEntries(plan: CompiledPlan, a: PartEntry, b: PartEntry): PartEntry {
  const kept = a.id < b.id ? a : b;
  return {
    id: kept.id,
    version: Math.max(a.version, b.version),
    part: mergePartStates(plan, a.part, b.part),
  };
}

function mergePartStates(plan: CompiledPlan, a: PartState, b: PartState): PartState {
  const merged: PartState = {
    firstAt: Math.min(a.firstAt, b.firstAt),
    lastAt: Math.max(a.lastAt, b.lastAt),
    events: a.events + b.events,
    traits: [...a.traits],
    features: plan.slots.map((slot) =>
      slot.feature.merge(a.features[slot.index] ?? null, b.features[slot.index] ?? null),
    ),
    sessions: mergeSessions(
      a.sessions,
      b.sessions,
      plan.plan.definition.sessionGapMs,
      plan.sessionFeatures,
    ),
    fired: [...a.fired, ...b.fired].sort(
      (x, y) => x.time - y.time || (x.effectId < y.effectId ? -1 : 1),
    ),
    recent: [...a.recent, ...b.recent].sort((x, y) => x - y).slice(-recentOffsetsMax),
  };
  for (const entry of b.traits) setTrait(merged, entry);
  return merged;
}
