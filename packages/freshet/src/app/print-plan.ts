import { describe } from "../core/expression/explain.ts";
import type {
  ActionDefinition,
  FeatureDefinition,
  PlacementDefinition,
  TriggerDefinition,
} from "../core/plan/definition.ts";
import type { Plan } from "../core/plan/plan.ts";
import { eventLines } from "./print-events.ts";

/** The plan in words, one line a definition. */
export function printPlan(plan: Plan): string {
  const { definition } = plan;
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ["events", definition.events.map((event) => eventLines(event).join("\n  "))],
    [
      "tables",
      definition.tables.map(
        (table) => `${table.name} by ${table.key} { ${Object.keys(table.columns).join(", ")} }`,
      ),
    ],
    ["features", definition.features.map(featureLine)],
    [
      "segments",
      definition.segments.map((segment) => `${segment.name}: ${describe(segment.when)}`),
    ],
    ["triggers", definition.triggers.map(triggerLine)],
    ["placements", definition.placements.map(placementLine)],
    ["imports", definition.imports.map((entry) => entry.name)],
  ];
  const body = sections
    .filter(([, lines]) => lines.length > 0)
    .map(
      ([title, lines]) =>
        `${title} (${lines.length})\n${lines.map((line) => `  ${line}\n`).join("")}`,
    );
  return `plan "${definition.name}" ${plan.hash.slice(0, 12)}\n\n${body.join("\n")}`;
}

function featureLine(feature: FeatureDefinition): string {
  const events = feature.inputs
    .map((group) => [...new Set(group.map(({ event }) => event))].join(" or "))
    .join(" per ");
  const value = feature.inputs[0]?.[0]?.value;
  const parts = [
    `${feature.name}: ${feature.type}`,
    value === undefined ? "" : `of ${describe(value)}`,
    `over ${events}`,
    feature.by === undefined ? "" : `by ${describe(feature.by)}`,
    windowText(feature),
    feature.of === "profile" ? "" : `for each ${feature.of.entity} ${describe(feature.of.key)}`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}

function windowText({ window }: FeatureDefinition): string {
  switch (window.kind) {
    case "lifetime":
      return "";
    case "session":
      return "in the session";
    case "sliding":
      return `in ${durationText(window.ms)}`;
  }
}

/** The largest unit that gives a whole number. */
export function durationText(ms: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1000],
  ] as const;
  for (const [unit, size] of units)
    if (ms >= size && ms % size === 0) return `${ms / size} ${unit}`;
  return `${ms} ms`;
}

function triggerLine(trigger: TriggerDefinition): string {
  const cause =
    trigger.on.kind === "event"
      ? `on ${trigger.on.selections.map(({ event }) => event).join(" or ")}`
      : `on ${trigger.on.kind} ${trigger.on.segment}`;
  const when = trigger.when === undefined ? "" : ` when ${describe(trigger.when)}`;
  const cooldown =
    trigger.cooldownMs === 0 ? "" : `, at most every ${durationText(trigger.cooldownMs)}`;
  return `${trigger.name}: ${cause}${when}${cooldown} -> ${trigger.actions.map(actionText).join(", ")}`;
}

function actionText(action: ActionDefinition): string {
  return action.kind === "send" ? `send to ${action.destination}` : `push "${action.topic}"`;
}

function placementLine(placement: PlacementDefinition): string {
  const variants = placement.variants.map(
    (variant) => `${variant.name} if ${describe(variant.when)}`,
  );
  return `${placement.name}: ${[...variants, "fallback"].join(" | ")}`;
}
