import { dependenciesOf } from "../core/expression/walk.ts";
import type { FeatureState } from "../core/feature/type.ts";
import { hashHex } from "../core/hash.ts";
import { type EntityState, never, type ProfileState } from "../core/profile.ts";
import type { ManifestEntry } from "./manifest.ts";

type Slots = (FeatureState | null)[];

/** Where each slot of the new layout finds its state in the old one; -1 where it starts empty. */
export interface Mapping {
  readonly features: readonly number[];
  readonly sessionFeatures: readonly number[];
  readonly segments: readonly number[];
  /** When each segment has to be decided anew: it is new, or what it looks at is. Null: its own time holds. */
  readonly due: readonly (number | null)[];
  readonly entities: { readonly [name: string]: readonly number[] };
}

type Entry = Pick<ManifestEntry, "layout" | "definition" | "at">;

const match = (old: readonly string[], fresh: readonly string[]) =>
  fresh.map((hash) => old.indexOf(hash));

/** Matches by hash of the definition: a feature that changed is a new one, a renamed plan changes nothing. */
export function mapLayout(from: Entry, to: Entry): Mapping {
  const segments = match(from.layout.segments, to.layout.segments);
  const [before, after] = [segmentTexts(from), segmentTexts(to)];
  return {
    features: match(from.layout.features, to.layout.features),
    sessionFeatures: match(from.layout.sessionFeatures, to.layout.sessionFeatures),
    segments,
    due: segments.map((old, index) => (old !== -1 && before[old] === after[index] ? null : to.at)),
    entities: Object.fromEntries(
      Object.entries(to.layout.entities).map(([name, hashes]) => [
        name,
        match(from.layout.entities[name] ?? [], hashes),
      ]),
    ),
  };
}

/** One after the other: what a plan in between dropped does not come back, whether a state was touched then or not. */
export function chainMappings(first: Mapping, second: Mapping): Mapping {
  const through = (old: readonly number[], fresh: readonly number[]) =>
    fresh.map((index) => (index === -1 ? -1 : (old[index] ?? -1)));
  return {
    features: through(first.features, second.features),
    sessionFeatures: through(first.sessionFeatures, second.sessionFeatures),
    segments: through(first.segments, second.segments),
    due: second.segments.map((index, at) => second.due[at] ?? first.due[index] ?? null),
    entities: Object.fromEntries(
      Object.entries(second.entities).map(([name, fresh]) => [
        name,
        through(first.entities[name] ?? [], fresh),
      ]),
    ),
  };
}

/** Each segment with all that it looks at, in the order of the layout. */
function segmentTexts({ definition, layout }: Entry): string[] {
  const features = new Map(
    definition.features.map((feature) => [feature.name, JSON.stringify(feature)]),
  );
  const segments = new Map(definition.segments.map((segment) => [segment.name, segment]));
  const textOf = (name: string): string => {
    const segment = segments.get(name);
    if (segment === undefined) return "";
    const uses = dependenciesOf(segment.when);
    return JSON.stringify([
      segment,
      definition.sessionGapMs,
      [...uses.features].map((feature) => features.get(feature) ?? null),
      [...uses.segments].map(textOf),
    ]);
  };
  const nameOf = new Map(
    definition.segments.map((segment) => [hashHex(JSON.stringify(segment)), segment.name]),
  );
  return layout.segments.map((hash) => textOf(nameOf.get(hash) ?? ""));
}

function pick(slots: readonly (FeatureState | null)[], from: readonly number[]): Slots {
  return from.map((index) => (index === -1 ? null : (slots[index] ?? null)));
}

/**
 * Brings a state that was written under another plan into the layout of this one. A segment that is new here, or
 * that looks at something new, is due at the moment of the switch: whenever the profile is next touched, it is decided
 * as it would have been then, so that it does not matter when that is.
 */
export function migrateProfile(state: ProfileState, mapping: Mapping): ProfileState {
  for (const entry of state.parts) migratePart(entry.part, mapping);
  const { members, flips } = state;
  state.members = mapping.segments.map((index) => (index === -1 ? null : (members[index] ?? null)));
  state.flips = mapping.segments.map((index, at) =>
    Math.min(mapping.due[at] ?? never, flips[index] ?? never),
  );
  state.timer = state.parts.length === 0 ? never : Math.min(never, ...state.flips);
  return state;
}

export function migratePart(part: ProfileState["parts"][number]["part"], mapping: Mapping): void {
  part.features = pick(part.features, mapping.features);
  for (const session of part.sessions)
    session.features = pick(session.features, mapping.sessionFeatures);
}

export function migrateEntity(name: string, state: EntityState, mapping: Mapping): EntityState {
  return { version: state.version, features: pick(state.features, mapping.entities[name] ?? []) };
}

export function pickEntityFeatures(
  name: string,
  features: readonly unknown[],
  mapping: Mapping,
): Slots {
  return pick(features as Slots, mapping.entities[name] ?? []);
}
