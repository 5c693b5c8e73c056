import type { Json } from "@freshet/protocol";
import {
  compileCondition,
  compileExpression,
  type Evaluate,
  type Scope,
} from "../expression/evaluate.ts";
import { compileFlip } from "../expression/flip.ts";
import type { Expression } from "../expression/type.ts";
import { dependenciesOf } from "../expression/walk.ts";
import { compileFeature } from "../feature/compile.ts";
import type { CompiledFeature } from "../feature/compiled.ts";
import { hashHex } from "../hash.ts";
import { compileUpCasts, type UpCaster } from "../up-cast.ts";
import type { ProfileView } from "../view.ts";
import type {
  FeatureDefinition,
  SegmentDefinition,
  Selection,
  TriggerDefinition,
} from "./definition.ts";
import type { Transform } from "./event.ts";
import type { Plan } from "./plan.ts";

type Condition = (scope: Scope) => boolean;

/** A feature at its place in the state. */
export interface Slot {
  readonly definition: FeatureDefinition;
  readonly feature: CompiledFeature;
  readonly index: number;
  readonly session: boolean;
}

/** How events of one name reach one slot. */
export interface Adder {
  readonly slot: Slot;
  readonly input: number;
  readonly where: Condition | null;
  readonly value: Evaluate | null;
  readonly by: Evaluate | null;
}

export interface Contribution extends Adder {
  readonly entity: string;
  readonly key: Evaluate;
}

export interface CompiledSegment {
  readonly definition: SegmentDefinition;
  readonly index: number;
  readonly holds: Condition;
  readonly when: Expression;
  /** L4: when the answer may change by time alone. */
  readonly flip: (view: ProfileView) => number | null;
  /** Segments that this one looks at, directly or through others. */
  readonly uses: ReadonlySet<string>;
  readonly entered: readonly CompiledTrigger[];
  readonly left: readonly CompiledTrigger[];
}

export interface CompiledTrigger {
  readonly definition: TriggerDefinition;
  readonly when: Condition | null;
  readonly actions: readonly { readonly fields: readonly (readonly [string, Evaluate])[] }[];
}

/** Everything that one event name sets in motion. */
export interface EventPlan {
  /** Undefined where the event has no earlier versions. */
  readonly upCasts: UpCaster | undefined;
  readonly filters: readonly Condition[];
  readonly transforms: readonly { readonly name: string; readonly run: Transform }[];
  readonly adders: readonly Adder[];
  readonly sessionAdders: readonly Adder[];
  readonly contributions: readonly Contribution[];
  /** Segments that may change with such an event, in their order. */
  readonly segments: readonly CompiledSegment[];
  readonly triggers: readonly {
    readonly trigger: CompiledTrigger;
    readonly where: Condition | null;
  }[];
}

export interface Entity {
  readonly name: string;
  readonly slots: readonly Slot[];
}

/** What lies where in a state: compared by hash when a state of another plan is read. */
export interface Layout {
  readonly features: readonly string[];
  readonly sessionFeatures: readonly string[];
  readonly segments: readonly string[];
  readonly entities: { readonly [name: string]: readonly string[] };
}

export interface CompiledPlan {
  readonly plan: Plan;
  readonly layout: Layout;
  /** Features of the profile outside sessions, and those inside. */
  readonly slots: readonly Slot[];
  readonly sessionSlots: readonly Slot[];
  readonly sessionFeatures: readonly CompiledFeature[];
  readonly slotOf: ReadonlyMap<string, Slot>;
  readonly entities: ReadonlyMap<string, Entity>;
  /** In an order in which each comes after those it depends on. */
  readonly segments: readonly CompiledSegment[];
  readonly segmentOf: ReadonlyMap<string, CompiledSegment>;
  readonly cooldownMsMax: number;
  eventPlan(name: string): EventPlan;
}

/** Turns a plan into closures, once; reducing looks nothing up by name after that. */
export function compilePlan(plan: Plan): CompiledPlan {
  const { definition } = plan;
  const profileFeatures = definition.features.filter((feature) => feature.of === "profile");
  const slots = toSlots(profileFeatures.filter((feature) => feature.window.kind !== "session"));
  const sessionSlots = toSlots(
    profileFeatures.filter((feature) => feature.window.kind === "session"),
  );
  const entities = compileEntities(definition.features);
  const segments = compileSegments(plan);
  const cache = new Map<string, EventPlan>();
  const compiled: CompiledPlan = {
    plan,
    layout: layoutOf(slots, sessionSlots, segments, entities),
    slots,
    sessionSlots,
    sessionFeatures: sessionSlots.map((slot) => slot.feature),
    slotOf: new Map([...slots, ...sessionSlots].map((slot) => [slot.definition.name, slot])),
    entities,
    segments,
    segmentOf: new Map(segments.map((segment) => [segment.definition.name, segment])),
    cooldownMsMax: Math.max(0, ...definition.triggers.map((trigger) => trigger.cooldownMs)),
    eventPlan(name) {
      const known = cache.get(name);
      if (known !== undefined) return known;
      const made = compileEvent(compiled, name);
      // Names of undeclared events come from outside: they all share the plan of "no event".
      if (cache.size < eventPlansMax) cache.set(name, made);
      return made;
    },
  };
  return compiled;
}

/** Event names whose compiled plan is kept. */
const eventPlansMax = 4096;

function toSlots(features: readonly FeatureDefinition[]): Slot[] {
  return features.map((definition, index) => ({
    definition,
    index,
    feature: compileFeature(definition),
    session: definition.window.kind === "session",
  }));
}

function compileEntities(features: readonly FeatureDefinition[]): Map<string, Entity> {
  const byEntity = new Map<string, FeatureDefinition[]>();
  for (const feature of features) {
    if (feature.of === "profile") continue;
    const list = byEntity.get(feature.of.entity);
    if (list === undefined) byEntity.set(feature.of.entity, [feature]);
    else list.push(feature);
  }
  return new Map([...byEntity].map(([name, list]) => [name, { name, slots: toSlots(list) }]));
}

function compileSegments(plan: Plan): CompiledSegment[] {
  const { segments, triggers } = plan.definition;
  const ofKind = (kind: "entered" | "left", name: string) =>
    triggers
      .filter((trigger) => trigger.on.kind === kind && trigger.on.segment === name)
      .map(compileTrigger);
  return inDependencyOrder(segments).map((definition, index) => ({
    definition,
    index,
    holds: compileCondition(definition.when),
    when: definition.when,
    flip: compileFlip(definition.when),
    uses: usesOf(definition, segments),
    entered: ofKind("entered", definition.name),
    left: ofKind("left", definition.name),
  }));
}

function usesOf(segment: SegmentDefinition, all: readonly SegmentDefinition[]): Set<string> {
  const uses = new Set<string>();
  const visit = (name: string): void => {
    if (uses.has(name)) return;
    uses.add(name);
    const other = all.find((candidate) => candidate.name === name);
    if (other !== undefined) for (const next of dependenciesOf(other.when).segments) visit(next);
  };
  for (const name of dependenciesOf(segment.when).segments) visit(name);
  return uses;
}

/** Depth first over a graph that the check found free of circles; ties stay in the plan's order. */
function inDependencyOrder(segments: readonly SegmentDefinition[]): SegmentDefinition[] {
  const byName = new Map(segments.map((segment) => [segment.name, segment]));
  const ordered = new Set<SegmentDefinition>();
  const visit = (segment: SegmentDefinition): void => {
    for (const name of dependenciesOf(segment.when).segments) {
      const other = byName.get(name);
      if (other !== undefined && !ordered.has(other)) visit(other);
    }
    ordered.add(segment);
  };
  for (const segment of segments) visit(segment);
  return [...ordered];
}

function compileTrigger(definition: TriggerDefinition): CompiledTrigger {
  return {
    definition,
    when: definition.when === undefined ? null : compileCondition(definition.when),
    actions: definition.actions.map((action) => ({
      fields: Object.entries(action.fields).map(
        ([name, field]) => [name, compileExpression(field)] as const,
      ),
    })),
  };
}

function compileEvent(compiled: Omit<CompiledPlan, "eventPlan">, name: string): EventPlan {
  const { definition, functions } = compiled.plan;
  const filters = definition.filters.filter(
    (filter) => filter.events === "all" || filter.events.includes(name),
  );
  const adders = compiled.slots.flatMap((slot) => addersOf(slot, name));
  const sessionAdders = compiled.sessionSlots.flatMap((slot) => addersOf(slot, name));
  const declared = definition.events.find((event) => event.name === name);
  return {
    upCasts: declared === undefined ? undefined : compileUpCasts(declared, functions),
    filters: filters.flatMap((filter) =>
      filter.where === undefined ? [] : [compileCondition(filter.where)],
    ),
    transforms: filters.flatMap((filter) => {
      const run = filter.transform === undefined ? undefined : functions[filter.transform];
      return run === undefined || filter.transform === undefined
        ? []
        : [{ name: filter.transform, run }];
    }),
    adders,
    sessionAdders,
    contributions: [...compiled.entities.values()].flatMap((entity) =>
      contributionsOf(entity, name),
    ),
    segments: affectedSegments(compiled, name, [...adders, ...sessionAdders]),
    triggers: definition.triggers.flatMap((trigger) => eventTriggers(trigger, name)),
  };
}

function addersOf(slot: Slot, event: string): Adder[] {
  const { definition } = slot;
  return definition.inputs.flatMap((selections, input) =>
    selections
      .filter((selection) => selection.event === event)
      .map((selection) => toAdder(slot, input, selection)),
  );
}

function toAdder(slot: Slot, input: number, selection: Selection): Adder {
  const { by } = slot.definition;
  return {
    slot,
    input,
    where: selection.where === undefined ? null : compileCondition(selection.where),
    value: selection.value === undefined ? null : compileExpression(selection.value),
    by: by === undefined ? null : compileExpression(by),
  };
}

function contributionsOf(entity: Entity, event: string): Contribution[] {
  return entity.slots.flatMap((slot) => {
    const { of } = slot.definition;
    if (of === "profile") return [];
    const key = compileExpression(of.key);
    return addersOf(slot, event).map((adder) => ({ ...adder, entity: entity.name, key }));
  });
}

/** A session is opened by any event, so features of the session change with all of them. */
function affectedSegments(
  compiled: Pick<CompiledPlan, "segments" | "slotOf">,
  event: string,
  adders: readonly Adder[],
): CompiledSegment[] {
  const touched = new Set(adders.map((adder) => adder.slot.definition.name));
  const changed = new Set<string>();
  return compiled.segments.filter((segment) => {
    const { features, traits, segments } = dependenciesOf(segment.definition.when);
    const hit =
      [...features].some(
        (name) => touched.has(name) || compiled.slotOf.get(name)?.session === true,
      ) ||
      (traits.size > 0 && event === "Identify") ||
      [...segments].some((name) => changed.has(name));
    if (hit) changed.add(segment.definition.name);
    return hit;
  });
}

function eventTriggers(
  definition: TriggerDefinition,
  event: string,
): EventPlan["triggers"][number][] {
  if (definition.on.kind !== "event") return [];
  const trigger = compileTrigger(definition);
  return definition.on.selections
    .filter((selection) => selection.event === event)
    .map((selection) => ({
      trigger,
      where: selection.where === undefined ? null : compileCondition(selection.where),
    }));
}

function layoutOf(
  slots: readonly Slot[],
  sessionSlots: readonly Slot[],
  segments: readonly CompiledSegment[],
  entities: ReadonlyMap<string, Entity>,
): Layout {
  const hashes = (list: readonly { readonly definition: object }[]) =>
    list.map(({ definition }) => hashHex(JSON.stringify(definition)));
  return {
    features: hashes(slots),
    sessionFeatures: hashes(sessionSlots),
    segments: hashes(segments),
    entities: Object.fromEntries(
      [...entities].map(([name, entity]) => [name, hashes(entity.slots)]),
    ),
  };
}

/** Evaluates what an adder needs; null where the event does not count for it. */
export function itemValue(adder: Adder, scope: Scope): Json {
  if (adder.where !== null && !adder.where(scope)) return null;
  return adder.value === null ? 1 : adder.value(scope);
}
