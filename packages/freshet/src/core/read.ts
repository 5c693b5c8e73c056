import type { Json, JsonObject, ProfileAnswer } from "@freshet/protocol";
import type { CompiledPlan, Slot } from "./plan/compile.ts";
import { emptyProfile } from "./profile.ts";
import { sessionId } from "./session.ts";
import { ProfileView } from "./view.ts";

export interface ReadOptions {
  /** With what is known about each value: its feature type, bound, when it began to count. */
  readonly detail: boolean;
  readonly stale: boolean;
  /** When a feature began to count, by its layout hash (from the manifest). */
  readonly since?: { readonly [featureHash: string]: number };
}

/** A profile nobody has seen yet: decisions for it fall back instead of failing. */
export function emptyProfileView(plan: CompiledPlan, now: number): ProfileView {
  return new ProfileView(plan, emptyProfile(plan.segments.length), now);
}

/** The profile as it crosses a wire: every value at the view's moment. */
export function readProfile(
  view: ProfileView,
  profileId: string,
  options: ReadOptions,
): ProfileAnswer {
  const { plan, state } = view;
  const traits: Record<string, Json> = Object.create(null);
  for (const name of view.traitNames()) traits[name] = view.trait(name);
  const features: Record<string, Json> = {};
  for (const name of plan.slotOf.keys()) features[name] = view.feature(name);
  return {
    profileId,
    version: state.version,
    traits,
    features,
    segments: memberships(view),
    session: readSession(view, profileId),
    identifiers: identifiersOf(view, profileId),
    asOf: view.now,
    stale: options.stale,
    ...(options.detail ? { detail: detailOf(view, options) } : {}),
  };
}

export function memberships(view: ProfileView): string[] {
  const { segments } = view.plan;
  return segments
    .filter((segment) => (view.state.members[segment.index] ?? null) !== null)
    .map((segment) => segment.definition.name);
}

/** Id of the session that an event at the view's moment is of, or would be; null where there is none. */
export function sessionIdAt(view: ProfileView, profileId: string): string | null {
  const entry = view.session();
  return entry === null ? null : sessionId(entry, profileId);
}

function readSession(view: ProfileView, profileId: string): ProfileAnswer["session"] {
  const entry = view.session();
  if (entry === null) return null;
  return {
    id: sessionId(entry, profileId),
    startedAt: entry.start,
    lastAt: entry.end,
    events: entry.count,
  };
}

/** Each identifier once, whatever number of parts it has (`anon:a1`, `anon:a1#2`). */
function identifiersOf(view: ProfileView, profileId: string): string[] {
  const ids = new Set([profileId]);
  for (const { id } of view.state.parts) ids.add(identifierOfPart(id));
  // An anonymous id may be linked before it did anything, and then there is no part of it.
  for (const link of view.state.links) ids.add(`anon:${link}`);
  return [...ids].sort();
}

/** Parts of an anonymous id that changed hands are numbered; a `#` in the id itself is left alone. */
export function identifierOfPart(partId: string): string {
  return partId.startsWith("anon:") ? partId.replace(/#[0-9]+$/, "") : partId;
}

function detailOf(view: ProfileView, options: ReadOptions): JsonObject {
  const features: Record<string, Json> = {};
  for (const [name, slot] of view.plan.slotOf) features[name] = featureDetail(view, slot, options);
  const traits: Record<string, Json> = Object.create(null);
  for (const name of view.traitNames()) {
    const entry = view.traitEntry(name);
    if (entry !== null) traits[name] = { time: entry.time, messageId: entry.id };
  }
  const segments: Record<string, Json> = {};
  for (const segment of view.plan.segments) {
    const member = view.state.members[segment.index] ?? null;
    segments[segment.definition.name] =
      member === null ? null : { since: member.since, cause: member.cause };
  }
  return { features, traits, segments, parts: partDetails(view) };
}

function featureDetail(view: ProfileView, slot: Slot, options: ReadOptions): JsonObject {
  const { definition } = slot;
  const hashes = slot.session ? view.plan.layout.sessionFeatures : view.plan.layout.features;
  return {
    type: definition.type,
    window: { ...definition.window },
    approximate: slot.feature.approximate(view.featureState(slot)),
    since: options.since?.[hashes[slot.index] ?? ""] ?? 0,
  };
}

function partDetails(view: ProfileView): Json[] {
  return view.state.parts.map(({ id, part }) => ({
    id,
    events: part.events,
    firstAt: part.firstAt,
    lastAt: part.lastAt,
  }));
}
