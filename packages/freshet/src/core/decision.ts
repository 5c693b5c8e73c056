import type { DecisionAnswer, Json, JsonObject } from "@freshet/protocol";
import {
  compileCondition,
  compileExpression,
  type EventScope,
  keyText,
  type Scope,
} from "./expression/evaluate.ts";
import { type ExplainedLeaf, explain } from "./expression/explain.ts";
import { boundedKey } from "./feature/order.ts";
import type { CompiledPlan } from "./plan/compile.ts";
import type {
  ItemSource,
  ItemsDefinition,
  PlacementDefinition,
  VariantDefinition,
} from "./plan/definition.ts";
import type { EntityState } from "./profile.ts";
import type { ProfileView } from "./view.ts";

export interface DecisionInput {
  readonly view: ProfileView;
  /** The context of the request as a scope, for conditions over the page at hand. */
  readonly event: EventScope | null;
  entity(name: string, key: string): EntityState | null;
  table(name: string): ReadonlyMap<string, JsonObject> | null;
  readonly now: number;
  readonly explain: boolean;
}

/** Decides one placement: pure, so a decision can be computed again and explained. */
export function decide(
  plan: CompiledPlan,
  placementName: string,
  input: DecisionInput,
): DecisionAnswer {
  const placement = plan.plan.definition.placements.find(({ name }) => name === placementName);
  if (placement === undefined) throw new Error(`placement "${placementName}" is not in the plan`);
  const scope: Scope = { event: input.event, profile: input.view, now: input.now };
  const chosen = placement.variants.find((variant) => isEligible(variant, scope));
  const { items } = placement;
  return {
    variant: chosen?.name ?? "fallback",
    content: chosen === undefined ? placement.fallback : fillContent(chosen, scope),
    ...(items === undefined ? {} : { items: fillItems(plan, items, scope, input) }),
    reason: chosen === undefined ? "fallback" : "eligible",
    propensity: 1,
    ...(input.explain ? { why: whyOf(placement, chosen, scope) } : {}),
  };
}

/** Compiled once a definition; plans are frozen, so a definition never changes. */
const compiled = new WeakMap<object, unknown>();

function once<T>(key: object, make: () => T): T {
  const known = compiled.get(key);
  if (known !== undefined) return known as T;
  const made = make();
  compiled.set(key, made);
  return made;
}

function isEligible(variant: VariantDefinition, scope: Scope): boolean {
  return once(variant, () => compileCondition(variant.when))(scope);
}

function fillContent(variant: VariantDefinition, scope: Scope): Json {
  const fields = once(variant.fields, () =>
    Object.entries(variant.fields).map(
      ([name, field]) => [name, compileExpression(field)] as const,
    ),
  );
  if (fields.length === 0) return variant.content;
  const values = new Map(fields.map(([name, evaluate]) => [name, evaluate(scope)]));
  return fillTexts(variant.content, values);
}

/** Puts values into {{name}}; a text that is nothing but one takes the value as it is. */
function fillTexts(value: Json, values: ReadonlyMap<string, Json>): Json {
  if (typeof value === "string") {
    const whole = /^\{\{(\w+)\}\}$/.exec(value)?.[1];
    if (whole !== undefined && values.has(whole)) return values.get(whole) ?? null;
    return value.replace(/\{\{(\w+)\}\}/g, (text, name: string) =>
      values.has(name) ? asText(values.get(name) ?? null) : text,
    );
  }
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((entry) => fillTexts(entry as Json, values));
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [name, fillTexts(entry ?? null, values)]),
  );
}

function asText(value: Json): string {
  if (value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Candidates source by source, each item once, nothing that is excluded or not in the table. */
function fillItems(
  plan: CompiledPlan,
  definition: ItemsDefinition,
  scope: Scope,
  input: DecisionInput,
): Json[] {
  const rows = input.table(definition.table);
  const key = plan.plan.definition.tables.find(({ name }) => name === definition.table)?.key;
  if (rows === null || key === undefined) return [];
  const taken = new Set<string>();
  for (const name of definition.exclude)
    for (const id of listOf(input.view.feature(name))) taken.add(id);
  const items: Json[] = [];
  for (const source of definition.from)
    for (const id of candidates(plan, source, scope, input)) {
      if (items.length >= definition.count) return items;
      const row = rows.get(id);
      if (row === undefined || taken.has(id)) continue;
      taken.add(id);
      items.push({ ...row, reason: source.reason });
    }
  return items;
}

function candidates(
  plan: CompiledPlan,
  source: ItemSource,
  scope: Scope,
  input: DecisionInput,
): readonly string[] {
  if (source.kind === "profile") return listOf(input.view.feature(source.feature));
  const key = keyText(once(source.key, () => compileExpression(source.key))(scope));
  const slot = plan.entities
    .get(source.entity)
    ?.slots.find((entry) => entry.definition.name === source.feature);
  if (key === null || slot === undefined) return [];
  const state = input.entity(source.entity, boundedKey(key));
  return state === null
    ? []
    : listOf(slot.feature.read(state.features[slot.index] ?? null, input.now));
}

function listOf(value: Json): readonly string[] {
  if (!Array.isArray(value)) return typeof value === "string" ? [value] : [];
  return value.map(String);
}

/** Each variant in order with every leaf of its condition: why this one, and why not the others. */
function whyOf(
  placement: PlacementDefinition,
  chosen: VariantDefinition | undefined,
  scope: Scope,
): Json {
  return {
    chosen: chosen?.name ?? "fallback",
    variants: placement.variants.map((variant) => ({
      name: variant.name,
      eligible: isEligible(variant, scope),
      leaves: explain(variant.when, scope).map(leafJson),
    })),
  };
}

function leafJson(leaf: ExplainedLeaf): JsonObject {
  const { text, value, expected, holds, reads } = leaf;
  return { text, value, expected, holds, reads: [...reads] };
}
