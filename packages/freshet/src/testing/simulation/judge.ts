import { type Json, readJson } from "@freshet/protocol";
import type { AcceptedEvent } from "../../core/event.ts";
import type { KeyedItem } from "../../core/feature/compiled.ts";
import type { FeatureDefinition } from "../../core/plan/definition.ts";
import { recentOffsetsMax } from "../../core/profile.ts";
import type { LogRecord, SelfOrigin } from "../../core/record.ts";
import { ProfileView } from "../../core/view.ts";
import type { Engine } from "../../engine/engine.ts";
import type { ManifestEntry } from "../../engine/manifest.ts";
import { partitionOf } from "../../engine/partition.ts";
import { naiveFeature } from "../oracle.ts";
import type { OutsideLedger } from "./ledger.ts";
import { entityFeatures, naiveSegments, profileFeatures } from "./meaning.ts";
import { type Kept, Model, naiveTrait } from "./model.ts";
import { sessionGapMs } from "./plan.ts";

export interface Case {
  readonly engine: Engine;
  readonly records: readonly LogRecord[];
  readonly ledger: OutsideLedger;
  readonly now: number;
}

/** Holds the engine, at rest, against the naive model of what is in its log. */
export function judge(end: Case): Model {
  const model = new Model((from) => isOfPlan(end.engine.manifest, from));
  for (const [offset, record] of end.records.entries()) model.add(record, offset);
  model.finish();
  for (const fault of model.faults) end.ledger.fault(fault);
  judgeCounts(end, model);
  judgeJourneys(end, model);
  for (const profileId of model.profiles()) judgeProfile(end, model, profileId);
  judgeOwners(end, model);
  judgeEntities(end, model);
  judgeThanks(end, model);
  judgeLetters(end, model);
  return model;
}

/** Each letter is in the state that the log says, and none is missing. */
function judgeLetters({ engine, ledger }: Case, model: Model): void {
  const told = new Map<number, string>();
  for (const { offset, state } of engine.deadLetters.scan({ order: "oldestFirst" }))
    told.set(offset, state.kind);
  for (const [offset, state] of told) {
    const [sent, discarded] = [model.corrected.has(offset), model.discarded.has(offset)];
    const right = sent ? "sent" : discarded ? "discarded" : "waiting";
    if (state !== right)
      ledger.fault(`P2 the letter ${offset} is ${state}, and should be ${right}`);
  }
  for (const letter of model.corrected.keys())
    if (!told.has(letter)) ledger.fault(`P6 the letter ${letter} was corrected, and is not there`);
  ledger.count("lettersSent", model.corrected.size);
}

function judgeCounts({ engine, ledger }: Case, { counts }: Model): void {
  const { applied, duplicate, rejected, inFlight } = engine.ledger();
  const told = { applied, duplicate, rejected, filtered: engine.counters.filtered };
  if (JSON.stringify(told) !== JSON.stringify(counts) || inFlight !== 0)
    ledger.fault(
      `P6 the engine counts ${JSON.stringify(told)}, in flight ${inFlight}; the log says ${JSON.stringify(counts)}`,
    );
}

function judgeJourneys({ engine, ledger }: Case, model: Model): void {
  for (const { id, status, offset, duplicates } of model.fates.values()) {
    const journey = engine.journey(id);
    const told = journey && [
      journey.status,
      journey.offset,
      journey.duplicates.map((one) => one.offset),
    ];
    const right = [status, offset, status === "applied" ? duplicates : []];
    if (JSON.stringify(told) !== JSON.stringify(right))
      ledger.fault(
        `P6 the journey of ${id} is ${JSON.stringify(told)}, and should be ${JSON.stringify(right)}`,
      );
  }
}

function judgeProfile(end: Case, model: Model, profileId: string): void {
  const { engine, ledger } = end;
  const wanted = model.partsOf(profileId);
  const found = engine.profile(profileId);
  if (found === null || found.profileId !== profileId) {
    if (wanted.length > 0)
      ledger.fault(
        `P1 profile ${profileId} has ${wanted.length} parts in the log and none in the engine`,
      );
    return;
  }
  const told = found.state.parts.map(({ id, part }) => ({
    id,
    events: part.events,
    recent: part.recent,
  }));
  const right = wanted.map(([id, kept]) => ({
    id,
    events: kept.length,
    recent: kept.map(({ offset }) => offset).slice(-recentOffsetsMax),
  }));
  if (JSON.stringify(told) !== JSON.stringify(right))
    ledger.fault(
      `P2 P3 profile ${profileId} has parts ${JSON.stringify(told)}, and should have ${JSON.stringify(right)}`,
    );
  const kept = wanted.flatMap(([, list]) => list);
  judgeFeatures(end, found.state, profileId, kept);
}

function judgeFeatures(
  end: Case,
  state: ProfileView["state"],
  profileId: string,
  kept: readonly Kept[],
): void {
  const { engine, ledger } = end;
  const events = kept.map(({ event }) => event);
  const naive = (name: string, now: number) => naiveOfProfile(engine, kept, name, now);
  const now = Math.max(end.now, clockOf(end, profileId));
  const view = new ProfileView(engine.plan, state, now);
  const names = engine.plan.plan.definition.features
    .filter(({ of }) => of === "profile")
    .map(({ name }) => name);
  for (const name of names) {
    const [told, right] = [view.feature(name), naive(name, now)];
    if (!isNear(told, right))
      ledger.fault(
        `P2 P4 ${name} of ${profileId} is ${JSON.stringify(told)}, naively ${JSON.stringify(right)}`,
      );
  }
  for (const trait of ["tier", "plan"])
    if (JSON.stringify(view.trait(trait)) !== JSON.stringify(naiveTrait(events, trait)))
      ledger.fault(`P2 P4 trait ${trait} of ${profileId} is ${JSON.stringify(view.trait(trait))}`);
  // Under a new plan, segments are decided when the profile is next touched.
  if (engine.manifest.length > 1) return;
  const clock = clockOf(end, profileId);
  if (state.timer <= clock) {
    ledger.fault(`P4 ${profileId} has a timer at ${state.timer}, which did not fire by ${clock}`);
    return;
  }
  const right = naiveSegments(
    (name) => naive(name, clock),
    naiveTrait(events, "tier"),
    new Set(names),
  );
  for (const { definition, index } of engine.plan.segments) {
    const holds = right.get(definition.name);
    if (holds === undefined)
      throw new Error(`nothing says what segment "${definition.name}" means`);
    if (holds !== null && holds !== (state.members[index] !== null))
      ledger.fault(
        `P4 ${profileId} is ${holds ? "not " : ""}in ${definition.name} at ${clock}, against its events`,
      );
  }
}

function naiveOfProfile(engine: Engine, kept: readonly Kept[], name: string, now: number): Json {
  const row = profileFeatures[name];
  if (row === undefined) throw new Error(`nothing says what feature "${name}" means`);
  const definition = definitionOf(engine, name);
  const inWindow =
    definition.window.kind === "session"
      ? currentSession(
          kept.map(({ event }) => event),
          now,
        )
      : new Set(kept.map(({ event }) => event));
  const from = sinceOffset(engine.manifest, name);
  const items = kept
    .filter(({ event, reducedAt }) => inWindow.has(event) && reducedAt >= from)
    .flatMap(({ event }) => row(event).map((item) => itemOf(event, item)));
  return naiveFeature(definition, items, now);
}

function itemOf(event: AcceptedEvent, item: Partial<KeyedItem>): KeyedItem {
  return { time: event.time, id: event.id, value: 1, input: 0, ...item };
}

function currentSession(events: readonly AcceptedEvent[], now: number): ReadonlySet<AcceptedEvent> {
  const sorted = events.filter(({ time }) => time <= now).sort((a, b) => a.time - b.time);
  let session: AcceptedEvent[] = [];
  for (const event of sorted) {
    const last = session.at(-1);
    if (last !== undefined && event.time - last.time > sessionGapMs) session = [];
    session.push(event);
  }
  const last = session.at(-1);
  return new Set(last !== undefined && now - last.time <= sessionGapMs ? session : []);
}

function judgeOwners({ engine, ledger }: Case, { owners }: Model): void {
  for (const [key, { userId }] of owners) {
    const found = engine.profile(key);
    if (found !== null && found.profileId !== `user:${userId}`)
      ledger.fault(`P2 ${key} belongs to ${found.profileId}, and should to user:${userId}`);
  }
}

function judgeEntities({ engine, ledger, now }: Case, model: Model): void {
  for (const [name, { entity, key, items }] of Object.entries(entityFeatures)) {
    const from = sinceOffset(engine.manifest, name);
    const byKey = new Map<string, KeyedItem[]>();
    for (const { event, reducedAt } of [...model.parts.values()].flat()) {
      const of = key(event);
      if (of === null || reducedAt < from) continue;
      for (const item of items(event))
        byKey.set(of, [...(byKey.get(of) ?? []), itemOf(event, item)]);
    }
    for (const [of, list] of byKey) {
      const slot = engine.plan.entities
        .get(entity)
        ?.slots.find((one) => one.definition.name === name);
      const told =
        slot?.feature.read(engine.entity(entity, of)?.features[slot.index] ?? null, now) ?? null;
      const right = naiveFeature(definitionOf(engine, name), list, now);
      if (!isNear(told, right))
        ledger.fault(
          `P2 ${name} of ${entity} ${of} is ${JSON.stringify(told)}, naively ${JSON.stringify(right)}`,
        );
    }
  }
}

/** One rule whose effects can be told without a reducer: each order is thanked for, once. */
function judgeThanks({ ledger }: Case, model: Model): void {
  const orders = [...model.parts.values()].flat().filter(({ event }) => event.name === "Ordered");
  const wanted = orders.map(({ event }) => event.id).sort();
  const thanked = [...ledger.delivered.values()]
    .map((text) => readJson(text) as { readonly rule: string; readonly cause: string })
    .filter(({ rule }) => rule === "thanks")
    .map(({ cause }) => cause)
    .sort();
  if (JSON.stringify(wanted) !== JSON.stringify(thanked))
    ledger.fault(
      `P2 ${wanted.length} orders were thanked for ${thanked.length} times: ${firstDifference(wanted, thanked)}`,
    );
}

export function firstDifference(a: readonly string[], b: readonly string[]): string {
  const [onlyA, onlyB] = [a.find((one) => !b.includes(one)), b.find((one) => !a.includes(one))];
  return `only wanted: ${onlyA ?? "none"}; only found: ${onlyB ?? "none"}`;
}

function definitionOf(engine: Engine, name: string): FeatureDefinition {
  const found = engine.plan.plan.definition.features.find((feature) => feature.name === name);
  if (found === undefined) throw new Error(`feature "${name}" is not in the plan`);
  return found;
}

/** False for a record that was written under a plan whose switch a crash lost before it was on disk. */
export function isOfPlan(manifest: readonly ManifestEntry[], from: SelfOrigin): boolean {
  const entry = manifest.find(({ epoch }) => epoch === from.epoch);
  return entry !== undefined && from.offset >= entry.fromOffset;
}

/** From where on a feature counts: a changed one begins anew. */
function sinceOffset(manifest: readonly ManifestEntry[], name: string): number {
  const textOf = (entry: ManifestEntry | undefined) =>
    JSON.stringify(entry?.definition.features.find((feature) => feature.name === name));
  let at = manifest.length - 1;
  while (at > 0 && textOf(manifest[at - 1]) === textOf(manifest[at])) at--;
  return manifest[at]?.fromOffset ?? 0;
}

function clockOf({ engine, records }: Case, key: string): number {
  const partition = partitionOf(key, engine.partitions);
  return records.reduce(
    (clock, record) => (record.partition === partition ? Math.max(clock, record.at) : clock),
    0,
  );
}

function isNear(a: Json, b: Json): boolean {
  if (typeof a === "number" && typeof b === "number")
    return a === b || Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b));
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return a === b;
  if (Array.isArray(a)) return JSON.stringify(a) === JSON.stringify(b);
  const [x, y] = [a as { [key: string]: Json }, b as { [key: string]: Json }];
  const keys = Object.keys(x).sort();
  return (
    JSON.stringify(keys) === JSON.stringify(Object.keys(y).sort()) &&
    keys.every((key) => isNear(x[key] ?? null, y[key] ?? null))
  );
}
