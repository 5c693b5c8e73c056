import { hashHex } from "../hash.ts";
import { checkPlan } from "./check.ts";
import type {
  FeatureDefinition,
  FilterDefinition,
  ImportDefinition,
  JoinDefinition,
  PlacementDefinition,
  PlanDefinition,
  SegmentDefinition,
  TriggerDefinition,
} from "./definition.ts";
import { originOf, PlanError } from "./error.ts";
import type { DeclaredEvent, Shape, TableRef, Transform, TransformRef } from "./event.ts";

/** A plan: all definitions, checked and frozen, and the functions that they name. */
export interface Plan {
  readonly definition: PlanDefinition;
  readonly functions: { readonly [name: string]: Transform };
  /** Hash of the definition: what the manifest, bundles and effects name it by. */
  readonly hash: string;
}

export interface PlanSettings {
  readonly name: string;
  readonly events: readonly DeclaredEvent<unknown>[];
  readonly tables?: readonly TableRef<Shape>[];
  readonly joins?: readonly JoinDefinition[];
  readonly filters?: readonly (FilterDefinition | TransformRef)[];
  readonly features: readonly { readonly definition: FeatureDefinition }[];
  readonly segments?: readonly { readonly definition: SegmentDefinition }[];
  readonly triggers?: readonly TriggerDefinition[];
  readonly placements?: readonly PlacementDefinition[];
  readonly imports?: readonly ImportDefinition[];
  /** Inactivity that ends a session, in milliseconds; 30 minutes unless said. */
  readonly sessionGap?: number;
}

const sessionGapMsDefault = 30 * 60_000;

/** Checks all definitions together and freezes them; throws PlanError at what is wrong. */
export function definePlan(settings: PlanSettings): Plan {
  refuseHoles(settings);
  const functions: { [name: string]: Transform } = {};
  const filters = (settings.filters ?? []).map((entry) => {
    if (!("run" in entry)) return entry;
    functions[entry.name] = entry.run;
    return entry.definition;
  });
  for (const ref of settings.events) addUpCasts(ref, functions);
  const definition: PlanDefinition = {
    name: settings.name,
    events: settings.events.map((ref) => ref.definition),
    tables: (settings.tables ?? []).map((ref) => ref.definition),
    joins: settings.joins ?? [],
    filters,
    features: settings.features.map((ref) => ref.definition),
    segments: (settings.segments ?? []).map((ref) => ref.definition),
    triggers: settings.triggers ?? [],
    placements: settings.placements ?? [],
    imports: settings.imports ?? [],
    sessionGapMs: settings.sessionGap ?? sessionGapMsDefault,
    functions: hashFunctions(functions),
  };
  checkPlan(definition);
  return Object.freeze({
    definition: deepFreeze(definition),
    functions,
    hash: planHash(definition),
  });
}

/** Up-casts and transforms are named in one place: what is kept by name must be one function. */
function addUpCasts(ref: DeclaredEvent<unknown>, functions: { [name: string]: Transform }): void {
  for (const [name, run] of Object.entries(ref.functions)) {
    if (Object.hasOwn(functions, name) && functions[name] !== run)
      throw new PlanError(
        `event "${ref.definition.name}" has an up-cast "${name}", and the plan has another function of that name`,
        "rename one of the two",
        originOf(ref.definition),
      );
    functions[name] = run;
  }
}

/** Two commas in a list, or a definition that is used above the line that makes it. */
function refuseHoles(settings: PlanSettings): void {
  for (const [list, entries] of Object.entries(settings)) {
    if (!Array.isArray(entries)) continue;
    const hole = Array.from(entries as readonly unknown[]).indexOf(undefined);
    if (hole !== -1)
      throw new PlanError(
        `entry ${hole + 1} of "${list}" is missing`,
        "remove the empty entry, or define what it names above",
        new Error("made here").stack,
      );
  }
}

/** Functions are part of a plan's identity: a changed transform is another plan. */
function hashFunctions(functions: { readonly [name: string]: Transform }): {
  [name: string]: string;
} {
  const hashes: { [name: string]: string } = {};
  for (const [name, run] of Object.entries(functions)) hashes[name] = hashHex(run.toString());
  return hashes;
}

export function planHash(definition: PlanDefinition): string {
  return hashHex(JSON.stringify(definition));
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === "object" && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
