import type { Expression } from "../expression/type.ts";
import { dependenciesOf, walk } from "../expression/walk.ts";
import { featureTypes } from "../feature/index.ts";
import { checkVersions } from "./check-versions.ts";
import type {
  FeatureDefinition,
  ImportDefinition,
  PlacementDefinition,
  PlanDefinition,
  Selection,
} from "./definition.ts";
import { nearest, originOf, PlanError } from "./error.ts";

/** Everything that a definition may name. */
interface Names {
  readonly events: ReadonlySet<string>;
  readonly tables: ReadonlyMap<string, ReadonlySet<string>>;
  readonly features: ReadonlyMap<string, FeatureDefinition>;
  readonly segments: ReadonlySet<string>;
}

/** Throws PlanError at the first definition that cannot work, with a hint and where it was made. */
export function checkPlan(plan: PlanDefinition): void {
  if (plan.name === "")
    throw new PlanError("the plan has no name", 'give it one: definePlan({ name: "shop", ... })');
  const names = collectNames(plan);
  checkDurations(plan);
  for (const event of plan.events) checkVersions(event, plan.functions);
  for (const join of plan.joins) checkJoin(join, names);
  for (const filter of plan.filters) {
    if (filter.events !== "all")
      for (const event of filter.events)
        requireEvent(event, `filter "${filter.name}"`, names, filter);
    if (filter.where)
      checkExpression(filter.where, `filter "${filter.name}"`, names, filter, "event");
  }
  for (const feature of plan.features) checkFeature(feature, names);
  for (const segment of plan.segments)
    checkExpression(segment.when, `segment "${segment.name}"`, names, segment, "profile");
  checkSegmentCycles(plan);
  for (const trigger of plan.triggers) checkTrigger(trigger, names);
  for (const placement of plan.placements) checkPlacement(placement, names);
  for (const definition of plan.imports) checkImport(definition, names);
}

function collectNames(plan: PlanDefinition): Names {
  unique(plan.events, "event");
  unique(plan.tables, "table");
  unique(plan.features, "feature");
  unique(plan.segments, "segment");
  unique(plan.triggers, "trigger");
  unique(plan.placements, "placement");
  unique(plan.imports, "import");
  return {
    events: new Set([
      ...plan.events.map((event) => event.name),
      "Page",
      "Screen",
      "Identify",
      "Group",
      "Alias",
    ]),
    tables: new Map(plan.tables.map((table) => [table.name, new Set(Object.keys(table.columns))])),
    features: new Map(plan.features.map((feature) => [feature.name, feature])),
    segments: new Set(plan.segments.map((segment) => segment.name)),
  };
}

function unique(definitions: readonly { readonly name: string }[], kind: string): void {
  const seen = new Set<string>();
  for (const definition of definitions) {
    if (definition.name === "")
      throw new PlanError(
        `a ${kind} has an empty name`,
        "names are non-empty texts",
        originOf(definition),
      );
    if (seen.has(definition.name))
      throw new PlanError(
        `${kind} "${definition.name}" is defined twice`,
        "rename one of the two",
        originOf(definition),
      );
    seen.add(definition.name);
  }
}

function checkDurations(plan: PlanDefinition): void {
  for (const [name, ms] of [["sessionGap", plan.sessionGapMs]] as const)
    if (!Number.isSafeInteger(ms) || ms <= 0)
      throw new PlanError(
        `${name} is ${ms}, not a whole number of milliseconds above 0`,
        "use minutes(30)",
      );
}

function unknown(
  kind: string,
  name: string,
  user: string,
  known: Iterable<string>,
  origin: object,
): PlanError {
  const near = nearest(name, known);
  const hint =
    near === null ? `define the ${kind} first and list it in the plan` : `did you mean "${near}"?`;
  return new PlanError(
    `${user} uses ${kind} "${name}", which is not defined`,
    hint,
    originOf(origin),
  );
}

function requireEvent(name: string, user: string, names: Names, origin: object): void {
  if (!names.events.has(name)) throw unknown("event", name, user, names.events, origin);
}

/** `scope`: what is at hand where the expression runs. */
function checkExpression(
  expression: Expression,
  user: string,
  names: Names,
  origin: object,
  scope: "event" | "profile" | "both",
): void {
  walk(expression, (part) => {
    if ("feature" in part) {
      const feature = names.features.get(part.feature);
      if (feature === undefined)
        throw unknown("feature", part.feature, user, names.features.keys(), origin);
      if (feature.of !== "profile")
        throw new PlanError(
          `${user} uses feature "${part.feature}" of entity "${feature.of.entity}"`,
          "conditions read features of the profile; entities fill placements through fromEntity",
          originOf(origin),
        );
      if (part.at !== undefined && feature.by === undefined)
        throw new PlanError(
          `${user} picks an entry of "${part.feature}", which has none`,
          "give the feature a `by`",
          originOf(origin),
        );
    } else if ("segment" in part && !names.segments.has(part.segment)) {
      throw unknown("segment", part.segment, user, names.segments, origin);
    } else if ("joined" in part) {
      const columns = names.tables.get(part.joined[0]);
      if (columns === undefined)
        throw unknown("table", part.joined[0], user, names.tables.keys(), origin);
      if (!columns.has(part.joined[1]))
        throw unknown("column", part.joined[1], user, columns, origin);
    }
    checkScope(part, user, origin, scope);
  });
  if (scope === "profile") checkLive(expression, user, names, origin);
}

function checkScope(
  part: Expression,
  user: string,
  origin: object,
  scope: "event" | "profile" | "both",
): void {
  const ofProfile = "feature" in part || "trait" in part || "segment" in part;
  const ofEvent =
    "prop" in part ||
    "eventTrait" in part ||
    "joined" in part ||
    "context" in part ||
    "field" in part;
  if (scope === "event" && ofProfile)
    throw new PlanError(
      `${user} looks at the profile where only the event is known`,
      "use properties of the event",
      originOf(origin),
    );
  if (scope === "profile" && (ofEvent || "now" in part))
    throw new PlanError(
      `${user} looks at ${"now" in part ? "the clock" : "an event"}, but it must hold between events too`,
      "count the events in a feature with a window and compare that",
      originOf(origin),
    );
}

const comparators: ReadonlySet<string> = new Set(["eq", "ne", "lt", "lte", "gt", "gte"]);

/** A decaying score changes all the time: only a direct comparison with a constant has a next flip (L4). */
function checkLive(expression: Expression, user: string, names: Names, origin: object): void {
  const direct = new Set<Expression>();
  walk(expression, (part) => {
    if ("op" in part && comparators.has(part.op)) {
      const [left, right] = part.args as readonly [Expression, Expression];
      if ("feature" in left && "const" in right) direct.add(left);
    }
    if (
      "feature" in part &&
      names.features.get(part.feature)?.type === "decayingScore" &&
      !direct.has(part)
    )
      throw new PlanError(
        `${user} uses the decaying score "${part.feature}" in a calculation`,
        "compare it with a constant directly: gte(score, 3)",
        originOf(origin),
      );
  });
}

function checkFeature(feature: FeatureDefinition, names: Names): void {
  const user = `feature "${feature.name}"`;
  if (!(feature.type in featureTypes))
    throw unknown("feature type", feature.type, user, Object.keys(featureTypes), feature);
  const selections = feature.inputs.flat();
  if (selections.length === 0)
    throw new PlanError(`${user} has no events`, "name at least one event", originOf(feature));
  for (const selection of selections) checkSelection(selection, user, names, feature);
  if (feature.by) checkExpression(feature.by, user, names, feature, "event");
  if (feature.of !== "profile") {
    checkExpression(feature.of.key, user, names, feature, "event");
    // The name is part of a key, `entity:<name>:<key>`, and the colon ends it.
    if (!/^[A-Za-z][\w-]{0,63}$/.test(feature.of.entity))
      throw new PlanError(
        `${user} is of entity "${feature.of.entity}"`,
        "entities are named with at most 64 letters, digits, _ and -",
        originOf(feature),
      );
  }
  checkFeatureNumbers(feature, user);
}

function checkFeatureNumbers(feature: FeatureDefinition, user: string): void {
  const { window, options } = feature;
  if (window.kind === "sliding" && (!Number.isSafeInteger(window.ms) || window.ms < 1000))
    throw new PlanError(
      `${user} has a window of ${window.ms} ms`,
      "use at least 1000 ms: hours(1), days(7)",
      originOf(feature),
    );
  if (window.kind === "session" && feature.of !== "profile")
    throw new PlanError(
      `${user} asks for the session of an entity`,
      "sessions belong to profiles",
      originOf(feature),
    );
  if (!Number.isSafeInteger(options.scale) || options.scale < 1 || options.scale > 1e9)
    throw new PlanError(
      `${user} has scale ${options.scale}`,
      "use a whole number from 1 to 1e9; 100 gives cents",
      originOf(feature),
    );
  if (!Number.isSafeInteger(options.n) || options.n < 1 || options.n > 64)
    throw new PlanError(
      `${user} has n ${options.n}`,
      "use a whole number from 1 to 64",
      originOf(feature),
    );
  const { keysMax = 1 } = options;
  if (!Number.isSafeInteger(keysMax) || keysMax < 1 || keysMax > 16_384)
    throw new PlanError(
      `${user} has keysMax ${keysMax}`,
      "use a whole number from 1 to 16384; each key takes memory in every profile",
      originOf(feature),
    );
  if (!(options.halfLifeMs >= 1000))
    throw new PlanError(
      `${user} has a half-life of ${options.halfLifeMs} ms`,
      "use at least 1000 ms: days(7)",
      originOf(feature),
    );
}

function checkSelection(selection: Selection, user: string, names: Names, origin: object): void {
  requireEvent(selection.event, user, names, origin);
  if (selection.where) checkExpression(selection.where, user, names, origin, "event");
  if (selection.value) checkExpression(selection.value, user, names, origin, "event");
}

function checkJoin(join: PlanDefinition["joins"][number], names: Names): void {
  const user = `the join with "${join.table}"`;
  const columns = names.tables.get(join.table);
  if (columns === undefined)
    throw unknown("table", join.table, "a join", names.tables.keys(), join);
  for (const column of join.pick)
    if (!columns.has(column)) throw unknown("column", column, user, columns, join);
  for (const event of join.events) requireEvent(event, user, names, join);
  checkExpression(join.on, user, names, join, "event");
}

/** What every effect carries beside the plan's fields. */
const ownFields: ReadonlySet<string> = new Set([
  "effectId",
  "rule",
  "profileId",
  "cause",
  "at",
  "topic",
]);

function checkTrigger(trigger: PlanDefinition["triggers"][number], names: Names): void {
  const user = `trigger "${trigger.name}"`;
  if (trigger.on.kind === "event") {
    for (const selection of trigger.on.selections) checkSelection(selection, user, names, trigger);
  } else if (!names.segments.has(trigger.on.segment)) {
    throw unknown("segment", trigger.on.segment, user, names.segments, trigger);
  }
  if (trigger.when) checkExpression(trigger.when, user, names, trigger, "both");
  if (trigger.actions.length === 0)
    throw new PlanError(
      `${user} does nothing`,
      'give it an action: do: [push("banner")]',
      originOf(trigger),
    );
  for (const action of trigger.actions)
    for (const name of Object.keys(action.fields))
      if (ownFields.has(name))
        throw new PlanError(
          `${user} sends a field "${name}", which Freshet sends itself`,
          "rename the field",
          originOf(trigger),
        );
  for (const action of trigger.actions)
    for (const field of Object.values(action.fields))
      checkExpression(field, user, names, trigger, "both");
}

/** Expressions of an import see a row and nothing else; an event that it names outright must exist. */
function checkImport(definition: ImportDefinition, names: Names): void {
  const user = `import "${definition.name}"`;
  if (definition.name.includes("/") || definition.name.includes(":"))
    throw new PlanError(
      `${user} has "/" or ":" in its name`,
      "the name becomes part of message ids: use letters, digits and dashes",
      originOf(definition),
    );
  const { event, userId, anonymousId, fallbackAnonymousId, time, where, properties } = definition;
  if ("const" in event && typeof event.const === "string")
    requireEvent(event.const, user, names, definition);
  if (userId === undefined && anonymousId === undefined && fallbackAnonymousId === undefined)
    throw new PlanError(
      `${user} does not say whose events its rows are`,
      'name a column: userId: column("customer")',
      originOf(definition),
    );
  for (const part of [event, userId, anonymousId, fallbackAnonymousId, time, where])
    if (part !== undefined) checkExpression(part, user, names, definition, "event");
  for (const property of Object.values(properties))
    checkExpression(property, user, names, definition, "event");
}

function checkPlacement(placement: PlacementDefinition, names: Names): void {
  const user = `placement "${placement.name}"`;
  unique(placement.variants, `variant of ${user}:`);
  for (const variant of placement.variants) {
    checkExpression(variant.when, user, names, variant, "both");
    for (const field of Object.values(variant.fields))
      checkExpression(field, user, names, variant, "both");
  }
  const { items } = placement;
  if (items === undefined) return;
  if (!names.tables.has(items.table))
    throw unknown("table", items.table, user, names.tables.keys(), placement);
  for (const name of items.exclude) requireList(name, user, names, placement);
  for (const source of items.from) {
    requireList(source.feature, user, names, placement);
    if (source.kind === "entity") checkExpression(source.key, user, names, placement, "both");
  }
}

function requireList(name: string, user: string, names: Names, origin: object): void {
  const feature = names.features.get(name);
  if (feature === undefined) throw unknown("feature", name, user, names.features.keys(), origin);
  const isList =
    feature.type === "topK" ||
    ((feature.type === "last" || feature.type === "first") && feature.options.n > 1);
  if (!isList)
    throw new PlanError(
      `${user} takes items from "${name}", which is no list`,
      "use recent(...) or topK(...)",
      originOf(origin),
    );
}

function checkSegmentCycles(plan: PlanDefinition): void {
  const edges = new Map(
    plan.segments.map((segment) => [segment.name, dependenciesOf(segment.when).segments]),
  );
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): void => {
    if (done.has(name)) return;
    if (trail.includes(name)) {
      const definition = plan.segments.find((segment) => segment.name === name);
      throw new PlanError(
        `segments depend on each other in a circle: ${[...trail, name].join(" -> ")}`,
        "put the shared condition into a segment of its own",
        definition && originOf(definition),
      );
    }
    for (const next of edges.get(name) ?? []) visit(next, [...trail, name]);
    done.add(name);
  };
  for (const name of edges.keys()) visit(name, []);
}
