import { type CompiledPlan, compilePlan, type Layout } from "../core/plan/compile.ts";
import type { PlanDefinition } from "../core/plan/definition.ts";
import type { Plan } from "../core/plan/plan.ts";

/** One entry of the plan manifest: from `fromOffset` on, this plan holds (DESIGN 3, rule 10). */
export interface ManifestEntry {
  /** Grows by one with each change of plan. */
  readonly epoch: number;
  readonly fromOffset: number;
  readonly hash: string;
  readonly at: number;
  readonly definition: PlanDefinition;
  readonly layout: Layout;
  /** When each feature began to count, by its layout hash: features of a first plan count from the start. */
  readonly since: { readonly [featureHash: string]: number };
  /** The state at `fromOffset` was made by reducing everything before it under this plan. */
  readonly backfilled?: true;
}

export interface PlanChange {
  readonly epoch: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** The entry for a plan that takes over at `fromOffset`. Features whose definition is the same keep counting. */
export function nextEntry(
  manifest: readonly ManifestEntry[],
  compiled: CompiledPlan,
  when: { readonly fromOffset: number; readonly at: number },
): ManifestEntry {
  const last = manifest[manifest.length - 1];
  const since: { [hash: string]: number } = {};
  const { layout } = compiled;
  const hashes = [
    ...layout.features,
    ...layout.sessionFeatures,
    ...Object.values(layout.entities).flat(),
  ];
  for (const hash of hashes) since[hash] = last === undefined ? 0 : (last.since[hash] ?? when.at);
  return {
    epoch: (last?.epoch ?? 0) + 1,
    fromOffset: when.fromOffset,
    at: when.at,
    hash: compiled.plan.hash,
    definition: compiled.plan.definition,
    layout,
    since,
  };
}

const kinds = ["tables", "features", "segments", "triggers", "placements", "imports"] as const;

/** What a reader wants to know after saving a plan, as "kind name". */
export function comparePlans(
  before: PlanDefinition,
  after: PlanDefinition,
): Omit<PlanChange, "epoch"> {
  const [old, fresh] = [entriesOf(before), entriesOf(after)];
  return {
    added: [...fresh.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !fresh.has(name)),
    changed: [...fresh]
      .filter(([name, text]) => old.has(name) && old.get(name) !== text)
      .map(([name]) => name),
  };
}

function entriesOf(plan: PlanDefinition): Map<string, string> {
  const entries = new Map<string, string>();
  for (const event of plan.events) {
    const code = (event.earlier ?? []).flatMap(({ upCast }) =>
      upCast.flatMap((step) => (step.op === "run" ? [plan.functions[step.function] ?? null] : [])),
    );
    entries.set(`event ${event.name}`, JSON.stringify([event, code]));
  }
  for (const kind of kinds)
    for (const definition of plan[kind])
      entries.set(`${kind.slice(0, -1)} ${definition.name}`, JSON.stringify(definition));
  for (const filter of plan.filters)
    entries.set(
      `filter ${filter.name}`,
      JSON.stringify([filter, plan.functions[filter.transform ?? ""] ?? null]),
    );
  return entries;
}

/**
 * A plan of the manifest whose functions are not at hand: every function it names throws, so a record that needs
 * one becomes a dead letter instead of being reduced by other code than it was accepted under.
 */
export function planWithoutCode(entry: ManifestEntry): CompiledPlan {
  const functions: Plan["functions"] = Object.fromEntries(
    Object.keys(entry.definition.functions).map((name) => [
      name,
      () => {
        throw new Error(
          `the code of function "${name}" of plan ${entry.hash} is not in the data folder`,
        );
      },
    ]),
  );
  return compilePlan({ definition: entry.definition, functions, hash: entry.hash });
}
