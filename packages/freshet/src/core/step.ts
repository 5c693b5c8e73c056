import type { Json, JsonObject } from "@freshet/protocol";
import type { Effect } from "./effect.ts";
import { type AcceptedEvent, partOf } from "./event.ts";
import { keyText, type Scope } from "./expression/evaluate.ts";
import type { KeyedItem } from "./feature/compiled.ts";
import { boundedKey } from "./feature/order.ts";
import { boundParts, linksMax, partsMax } from "./merge-parts.ts";
import { copyArrays, type Packed, packPart, unpackPart } from "./pack.ts";
import type { Adder, CompiledPlan, CompiledSegment, EventPlan } from "./plan/compile.ts";
import { itemValue } from "./plan/compile.ts";
import {
  emptyPart,
  emptyProfile,
  findPart,
  insertPart,
  never,
  type PartEntry,
  type PartState,
  type ProfileState,
  recentOffsetsMax,
  setTrait,
} from "./profile.ts";
import type { SelfBody } from "./record.ts";
import { fireTrigger } from "./rule/trigger.ts";
import { addToSessions } from "./session.ts";
import { ProfileView } from "./view.ts";

/** What a reducer is given, beside the plan and the key's state. */
export type StepInput =
  | {
      readonly kind: "event";
      readonly event: AcceptedEvent;
      readonly offset: number;
      readonly at: number;
    }
  | { readonly kind: "self"; readonly body: SelfBody; readonly offset: number; readonly at: number }
  /** The clock reached a time at which this key has a timer. */
  | { readonly kind: "timer"; readonly at: number };

export type Outcome = "applied" | "filtered" | "forwarded" | "failed";

export interface StepResult {
  readonly state: ProfileState | null;
  readonly outcome: Outcome;
  readonly effects: readonly Effect[];
  /** Only with outcome `failed`: what the plan's function threw. The state is as it was before the event. */
  readonly failure?: { readonly name: string; readonly message: string };
}

/** Everything that one input works with. */
interface Work {
  readonly plan: CompiledPlan;
  readonly profileId: string;
  readonly state: ProfileState;
  readonly at: number;
  readonly effects: Effect[];
}

/**
 * The reducer: pure and deterministic, no clock, no randomness, no I/O (DESIGN 2). Timers due up to the
 * input's `at` fire first, each seeing its own time as now, so it does not matter when they physically run.
 *
 * The state that is passed in is given up: it may be changed in place, and the caller keeps the one returned.
 */
export function step(
  plan: CompiledPlan,
  profileId: string,
  given: ProfileState | null,
  input: StepInput,
): StepResult {
  const state = given ?? emptyProfile(plan.segments.length);
  const work: Work = { plan, profileId, state, at: input.at, effects: [] };
  fireTimers(work);
  switch (input.kind) {
    case "event":
      return stepEvent(work, given, input.event, input.offset);
    case "self":
      return finish(work, stepSelf(work, input.body));
    case "timer":
      return { state: given, outcome: "applied", effects: work.effects };
  }
}

function finish(work: Work, outcome: Outcome): StepResult {
  work.state.version++;
  return { state: work.state, outcome, effects: work.effects };
}

function failed(
  work: Work,
  given: ProfileState | null,
  failure: NonNullable<StepResult["failure"]>,
): StepResult {
  return { state: given, outcome: "failed", effects: work.effects, failure };
}

function stepEvent(
  work: Work,
  given: ProfileState | null,
  event: AcceptedEvent,
  offset: number,
): StepResult {
  const { state } = work;
  if (state.owner !== null && event.userId === undefined) {
    const prepared = prepareEvent(work.plan.eventPlan(event.name), event, work.at);
    // Told here, where the ledger counts it: the owner gets only what will change something.
    if ("failure" in prepared) return failed(work, given, prepared.failure);
    if (prepared.event === null) return finish(work, "filtered");
    const { generation, userId } = state.owner;
    const part = generation === 1 ? work.profileId : `${work.profileId}#${generation}`;
    work.effects.push({
      kind: "self",
      to: `user:${userId}`,
      body: { kind: "event", part, event, offset },
    });
    return finish(work, "forwarded");
  }
  return reduceEvent(work, given, partOf(event), event, offset);
}

/** Runs the plan's own code first, which may throw; after that nothing does, so a failure changes nothing. */
function reduceEvent(
  work: Work,
  given: ProfileState | null,
  part: string,
  event: AcceptedEvent,
  offset: number,
): StepResult {
  const rules = work.plan.eventPlan(event.name);
  const prepared = prepareEvent(rules, event, work.at);
  if ("failure" in prepared) return failed(work, given, prepared.failure);
  if (prepared.event === null) {
    linkAnonymous(work, event);
    return finish(work, "filtered");
  }
  const entry = partFor(work, part, prepared.event.time);
  foldEvent(work, rules, entry.part, prepared.event, offset);
  linkAnonymous(work, event);
  afterEvent(work, rules, entry.part, prepared.event);
  return finish(work, "applied");
}

type Prepared =
  | { readonly event: AcceptedEvent | null }
  | { readonly failure: { readonly name: string; readonly message: string } };

/**
 * What the plan makes of an event before anything is folded; null where it is filtered out. Up-casts come first, so
 * that everything else sees the newest version, also of events that were logged before there was one.
 */
export function prepareEvent(rules: EventPlan, event: AcceptedEvent, at: number): Prepared {
  const { upCasts } = rules;
  if (upCasts === undefined) return filterEvent(rules, event, at);
  const casted = upCasts.upCast(event);
  return "failure" in casted ? casted : filterEvent(rules, casted.event, at);
}

function filterEvent(rules: EventPlan, event: AcceptedEvent, at: number): Prepared {
  if (rules.filters.length === 0 && rules.transforms.length === 0) return { event };
  const scope: Scope = { event, profile: null, now: at };
  for (const filter of rules.filters) if (!filter(scope)) return { event: null };
  let properties: JsonObject = event.properties;
  for (const { name, run } of rules.transforms) {
    try {
      const changed = run({ name: event.name, time: event.time, properties });
      if (changed === null) return { event: null };
      properties = changed;
    } catch (error) {
      return { failure: { name, message: error instanceof Error ? error.message : String(error) } };
    }
  }
  return { event: rules.transforms.length === 0 ? event : { ...event, properties } };
}

function partFor(work: Work, id: string, time: number): PartEntry {
  const known = findPart(work.state, id);
  if (known !== undefined) return known;
  const entry: PartEntry = { id, version: 0, part: emptyPart(work.plan.slots.length, time) };
  boundParts(work.plan, work.state, partsMax - 1);
  insertPart(work.state, entry);
  return entry;
}

function foldEvent(
  work: Work,
  rules: EventPlan,
  part: PartState,
  event: AcceptedEvent,
  offset: number,
): void {
  part.events++;
  if (event.time < part.firstAt) part.firstAt = event.time;
  if (event.time > part.lastAt) part.lastAt = event.time;
  part.recent.push(offset);
  if (part.recent.length > recentOffsetsMax) part.recent.shift();
  if (event.traits !== undefined) foldTraits(part, event, event.traits);
  const scope: Scope = { event, profile: null, now: work.at };
  // One item serves all adders, since `add` keeps what is in it and never the item.
  const item: Mutable<KeyedItem> = {
    time: event.time,
    id: event.id,
    value: null,
    input: 0,
    by: "",
  };
  for (const adder of rules.adders) {
    if (!fillItem(item, adder, scope)) continue;
    const { slot } = adder;
    part.features[slot.index] = slot.feature.add(part.features[slot.index] ?? null, item, work.at);
  }
  foldSession(work, rules, part, event, scope);
  contribute(work, rules, event, scope);
}

function foldTraits(part: PartState, event: AcceptedEvent, traits: JsonObject): void {
  for (const [name, value] of Object.entries(traits))
    if (value !== undefined) setTrait(part, { name, time: event.time, id: event.id, value });
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** False where the event does not count for the adder. A feature that is not kept by a key ignores `by`. */
function fillItem(item: Mutable<KeyedItem>, adder: Adder, scope: Scope): boolean {
  const value = itemValue(adder, scope);
  if (value === null) return false;
  item.value = plainNumber(value);
  item.input = adder.input;
  if (adder.by === null) return true;
  const by = keyText(adder.by(scope));
  if (by === null) return false;
  item.by = by;
  return true;
}

function toItem(adder: Adder, event: AcceptedEvent, scope: Scope): KeyedItem | null {
  const item: Mutable<KeyedItem> = {
    time: event.time,
    id: event.id,
    value: null,
    input: 0,
    by: "",
  };
  return fillItem(item, adder, scope) ? item : null;
}

/** -0 would not come back from the codec as what it was. */
function plainNumber(value: Json): Json {
  return value === 0 ? 0 : value;
}

function foldSession(
  work: Work,
  rules: EventPlan,
  part: PartState,
  event: AcceptedEvent,
  scope: Scope,
): void {
  const { plan } = work;
  const items: { index: number; item: KeyedItem }[] = [];
  for (const adder of rules.sessionAdders) {
    const item = toItem(adder, event, scope);
    if (item !== null) items.push({ index: adder.slot.index, item });
  }
  part.sessions = addToSessions(part.sessions, event, {
    gapMs: plan.plan.definition.sessionGapMs,
    features: plan.sessionFeatures,
    items,
    clock: work.at,
  });
}

function contribute(work: Work, rules: EventPlan, event: AcceptedEvent, scope: Scope): void {
  for (const adder of rules.contributions) {
    const text = keyText(adder.key(scope));
    if (text === null) continue;
    // A property may be as long as its event, and stores bound their keys.
    const key = boundedKey(text);
    const item = toItem(adder, event, scope);
    if (item === null) continue;
    work.effects.push({
      kind: "contribute",
      entity: adder.entity,
      key,
      slot: adder.slot.index,
      item,
    });
  }
}

/** An event with both identifiers makes the anonymous one belong to the user; told once (DESIGN 6). */
function linkAnonymous(work: Work, event: AcceptedEvent): void {
  const { userId, anonymousId } = event;
  if (userId === undefined || anonymousId === undefined) return;
  const { links } = work.state;
  if (links.includes(anonymousId)) return;
  if (links.length >= linksMax) links.shift();
  links.push(anonymousId);
  links.sort();
  work.effects.push({
    kind: "self",
    to: `anon:${anonymousId}`,
    body: { kind: "link", owner: userId, cause: event.id, imported: event.imported === true },
  });
}

function afterEvent(work: Work, rules: EventPlan, part: PartState, event: AcceptedEvent): void {
  if (rules.segments.length === 0 && rules.triggers.length === 0) return;
  const view = new ProfileView(work.plan, work.state, work.at);
  const quiet = event.imported === true;
  updateSegments(work, rules.segments, view, { id: event.id, event, quiet, link: false, part });
  if (quiet) return;
  const scope: Scope = { event, profile: view, now: work.at };
  for (const { trigger, where } of rules.triggers)
    if (where === null || where(scope))
      fireTrigger(trigger, {
        profileId: work.profileId,
        part,
        view,
        scope,
        cause: event.id,
        at: work.at,
        effects: work.effects,
      });
}

/** Why memberships are looked at again. */
interface Cause {
  /** Message id or `link:<message id>`; null where a timer of the segment itself is the cause. */
  readonly id: string | null;
  readonly event: AcceptedEvent | null;
  /** Imported history changes memberships and sets nothing off. */
  readonly quiet: boolean;
  readonly link: boolean;
  readonly part: PartState;
}

function updateSegments(
  work: Work,
  segments: readonly CompiledSegment[],
  view: ProfileView,
  cause: Cause,
): void {
  if (segments.length === 0) return;
  const { state } = work;
  const scope: Scope = { event: null, profile: view, now: view.now };
  for (const segment of segments) {
    const holds = segment.holds(scope);
    const was = state.members[segment.index] !== null;
    if (holds !== was) changeMembership(work, segment, holds, view, cause);
    state.flips[segment.index] = segment.flip(view) ?? never;
  }
  state.timer = leastOf(state.flips);
}

function leastOf(flips: readonly number[]): number {
  let least = never;
  for (const time of flips) if (time < least) least = time;
  return least;
}

function changeMembership(
  work: Work,
  segment: CompiledSegment,
  holds: boolean,
  view: ProfileView,
  cause: Cause,
): void {
  const { name } = segment.definition;
  const { profileId, effects } = work;
  const id = cause.id ?? `timer:${name}:${view.now}`;
  work.state.members[segment.index] = holds ? { since: view.now, cause: id } : null;
  const change = holds ? "entered" : "left";
  effects.push({ kind: "segment", profileId, segment: name, change, at: view.now, cause: id });
  if (cause.quiet) return;
  const scope: Scope = { event: cause.event, profile: view, now: view.now };
  for (const trigger of segment[change]) {
    if (cause.link && !trigger.definition.onLink) continue;
    fireTrigger(trigger, {
      profileId,
      part: cause.part,
      view,
      scope,
      cause: id,
      at: view.now,
      effects,
    });
  }
}

/** Fires what is due up to the clock in order of time; each firing sees its own time as now (DESIGN 3, rule 2). */
function fireTimers(work: Work): void {
  const { state, plan } = work;
  while (state.timer <= work.at) {
    const now = state.timer;
    const due = plan.segments.filter((segment) => (state.flips[segment.index] ?? never) <= now);
    const view = new ProfileView(plan, state, now);
    const [home] = state.parts;
    if (home === undefined) {
      state.flips.fill(never);
      state.timer = never;
      return;
    }
    const looked = plan.segments.filter(
      (segment) =>
        due.includes(segment) || due.some((other) => segment.uses.has(other.definition.name)),
    );
    updateSegments(work, looked, view, {
      id: null,
      event: null,
      quiet: false,
      link: false,
      part: home.part,
    });
    state.version++;
  }
}

function stepSelf(work: Work, body: SelfBody): Outcome {
  switch (body.kind) {
    case "link":
      return linkOwner(work, body);
    case "part":
      return takePart(work, body);
    case "released": {
      const index = work.state.links.indexOf(body.anonymousId);
      if (index !== -1) work.state.links.splice(index, 1);
      return "applied";
    }
    case "event":
      return reduceEvent(work, work.state, body.part, body.event, body.offset).outcome;
    case "contribution":
      throw new Error("a contribution goes to an entity, not to a profile");
  }
}

/** At the anonymous key: ownership is decided here, in the order of this part's own records. */
function linkOwner(work: Work, link: Extract<SelfBody, { kind: "link" }>): Outcome {
  const { owner: userId, cause, imported } = link;
  const { state, profileId } = work;
  const anonymousId = profileId.slice("anon:".length);
  if (state.owner?.userId === userId) return "applied";
  if (state.owner !== null) {
    const body: SelfBody = { kind: "released", anonymousId, cause };
    work.effects.push({ kind: "self", to: `user:${state.owner.userId}`, body });
  }
  for (const { part } of state.parts) {
    const body: SelfBody = {
      kind: "part",
      part: profileId,
      version: state.version,
      state: packPart(part),
      cause,
      imported,
    };
    work.effects.push({ kind: "self", to: `user:${userId}`, body });
  }
  state.owner = { generation: (state.owner?.generation ?? 0) + 1, userId };
  state.parts = [];
  state.members.fill(null);
  state.flips.fill(never);
  state.timer = never;
  return "applied";
}

/** At the user: the part moves in, and memberships are looked at again with cause `link`. */
function takePart(work: Work, body: Extract<SelfBody, { kind: "part" }>): Outcome {
  const known = findPart(work.state, body.part);
  if (known !== undefined && known.version >= body.version) return "applied";
  // Copied: the record is not given up, and the part's arrays are changed in place from here on.
  const part = unpackPart(copyArrays(body.state as Packed));
  if (known === undefined) boundParts(work.plan, work.state, partsMax - 1);
  insertPart(work.state, { id: body.part, version: body.version, part });
  const view = new ProfileView(work.plan, work.state, work.at);
  updateSegments(work, work.plan.segments, view, {
    id: `link:${body.cause}`,
    event: null,
    quiet: body.imported,
    link: true,
    part,
  });
  return "applied";
}
