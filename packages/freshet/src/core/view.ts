import type { Json } from "@freshet/protocol";
import type { ProfileScope } from "./expression/evaluate.ts";
import type { FeatureState } from "./feature/type.ts";
import type { CompiledPlan, Slot } from "./plan/compile.ts";
import { isAfter, type ProfileState, type TraitEntry } from "./profile.ts";
import { currentSession, mergeSessions, type SessionEntry, type SessionList } from "./session.ts";

/**
 * A profile as conditions and readers see it at one moment: the fold over its parts, computed on demand and
 * kept until the state changes.
 */
export class ProfileView implements ProfileScope {
  readonly plan: CompiledPlan;
  readonly state: ProfileState;
  readonly now: number;
  #folded: (FeatureState | null | undefined)[] = [];
  #sessions: SessionList | undefined;

  constructor(plan: CompiledPlan, state: ProfileState, now: number) {
    this.plan = plan;
    this.state = state;
    this.now = now;
  }

  feature(name: string, key?: string): Json {
    const slot = this.plan.slotOf.get(name);
    if (slot === undefined) return null;
    return slot.feature.read(this.featureState(slot), this.now, key);
  }

  featureState(slot: Slot): FeatureState | null {
    if (slot.session) return this.session()?.features[slot.index] ?? null;
    const { parts } = this.state;
    if (parts.length === 1) return parts[0]?.part.features[slot.index] ?? null;
    const known = this.#folded[slot.index];
    if (known !== undefined) return known;
    let folded: FeatureState | null = null;
    for (const { part } of parts) {
      const state = part.features[slot.index] ?? null;
      // Most parts are of devices that did little: the only state there is is read as it is.
      if (state !== null) folded = folded === null ? state : slot.feature.merge(folded, state);
    }
    this.#folded[slot.index] = folded;
    return folded;
  }

  /** The session that is open at this moment, across all parts. */
  session(): SessionEntry | null {
    return currentSession(this.sessions(), this.now, this.plan.plan.definition.sessionGapMs);
  }

  sessions(): SessionList {
    const { parts } = this.state;
    if (parts.length === 1) return parts[0]?.part.sessions ?? [];
    if (this.#sessions === undefined) {
      const { sessionFeatures, plan } = this.plan;
      const { sessionGapMs } = plan.definition;
      const lists = parts.map(({ part }) => part.sessions).filter(({ length }) => length > 0);
      this.#sessions = lists.reduce<SessionList>(
        (merged, list) =>
          merged.length === 0 ? list : mergeSessions(merged, list, sessionGapMs, sessionFeatures),
        [],
      );
    }
    return this.#sessions;
  }

  trait(name: string): Json {
    return this.traitEntry(name)?.value ?? null;
  }

  traitEntry(name: string): TraitEntry | null {
    let latest: TraitEntry | null = null;
    for (const { part } of this.state.parts)
      for (const entry of part.traits)
        if (entry.name === name && (latest === null || isAfter(entry, latest))) latest = entry;
    return latest;
  }

  traitNames(): string[] {
    const names = new Set<string>();
    for (const { part } of this.state.parts) for (const entry of part.traits) names.add(entry.name);
    return [...names].sort();
  }

  segment(name: string): boolean {
    const segment = this.plan.segmentOf.get(name);
    return segment !== undefined && (this.state.members[segment.index] ?? null) !== null;
  }
}
