import type { Layout } from "../core/plan/compile.ts";
import type { EntityState, ProfileState } from "../core/profile.ts";
import type { FeatureState } from "../core/feature/type.ts";

type Slots = (FeatureState | null)[];

/** Where each slot of the new layout finds its state in the old one; -1 where it starts empty. */
export interface Mapping {
  readonly features: readonly number[];
  readonly sessionFeatures: readonly number[];
  readonly segments: readonly number[];
  readonly entities: { readonly [name: string]: readonly number[] };
}

/** Matches by hash of the definition: a feature that changed is a new one, a renamed plan changes nothing. */
export function mapLayout(from: Layout, to: Layout): Mapping {
  const match = (old: readonly string[], fresh: readonly string[]) => fresh.map((hash) => old.indexOf(hash));
  return {
    features: match(from.features, to.features),
    sessionFeatures: match(from.sessionFeatures, to.sessionFeatures),
    segments: match(from.segments, to.segments),
    entities: Object.fromEntries(
      Object.entries(to.entities).map(([name, hashes]) => [name, match(from.entities[name] ?? [], hashes)]),
    ),
  };
}

function pick(slots: readonly (FeatureState | null)[], from: readonly number[]): Slots {
  return from.map((index) => (index === -1 ? null : (slots[index] ?? null)));
}

/**
 * Brings a state that was written under another plan into the layout of this one. A segment that is new here
 * is due at once, so that the next touch of the profile decides it.
 */
export function migrateProfile(state: ProfileState, mapping: Mapping): ProfileState {
  for (const entry of state.parts) migratePart(entry.part, mapping);
  const { members, flips } = state;
  state.members = mapping.segments.map((index) => (index === -1 ? null : (members[index] ?? null)));
  state.flips = mapping.segments.map((index) => (index === -1 ? 0 : (flips[index] ?? null)));
  const due = state.flips.filter((time) => time !== null);
  state.timer = state.parts.length === 0 || due.length === 0 ? null : Math.min(...due);
  return state;
}

export function migratePart(part: ProfileState["parts"][number]["part"], mapping: Mapping): void {
  part.features = pick(part.features, mapping.features);
  for (const session of part.sessions) session[4] = pick(session[4], mapping.sessionFeatures);
}

export function migrateEntity(name: string, state: EntityState, mapping: Mapping): EntityState {
  return { version: state.version, features: pick(state.features, mapping.entities[name] ?? []) };
}

export function pickEntityFeatures(name: string, features: readonly unknown[], mapping: Mapping): Slots {
  return pick(features as Slots, mapping.entities[name] ?? []);
}
