import type { Expression } from "../../core/expression/type.ts";
import { walk } from "../../core/expression/walk.ts";
import type { PlanDefinition, Selection } from "../../core/plan/definition.ts";
import { nearest, originOf, PlanError } from "../../core/plan/error.ts";

/** The names that events of a name may have; undefined where they may have any. */
type NamesOf = (event: string) => ReadonlySet<string> | undefined;

/**
 * Throws PlanError where the plan looks at a property that an event's schema rules out: it would be null for ever. With
 * the types of a literal the compiler says so; nobody does for the text of a schema.
 */
export function checkNames(plan: PlanDefinition, namesOf: NamesOf): void {
  for (const { expressions, events, user } of looks(plan)) {
    const names = namesOfAll(events, plan, namesOf);
    if (names === undefined) continue;
    for (const one of expressions) walk(one, (part) => checkPart(part, { events, names, user }));
  }
}

/** Expressions over some events: one that is shared is right where any of the events has the property. */
interface Look {
  readonly events: readonly string[];
  readonly expressions: readonly Expression[];
  readonly user: User;
}

function looks({ features, triggers, joins }: PlanDefinition): Look[] {
  return [
    ...features.flatMap((feature) => {
      const { name, of, by, inputs } = feature;
      const keys = [...(by === undefined ? [] : [by]), ...(of === "profile" ? [] : [of.key])];
      return looksOf(inputs.flat(), keys, { what: `feature "${name}"`, origin: feature });
    }),
    ...triggers.flatMap((trigger) => {
      const { name, on, when } = trigger;
      const user = { what: `trigger "${name}"`, origin: trigger };
      return on.kind === "event"
        ? looksOf(on.selections, when === undefined ? [] : [when], user)
        : [];
    }),
    ...joins.map((join) => ({
      events: join.events,
      expressions: [join.on],
      user: { what: `the join with "${join.table}"`, origin: join },
    })),
  ];
}

function looksOf(
  selections: readonly Selection[],
  more: readonly Expression[],
  user: User,
): Look[] {
  const values = selections.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const shared = { events: selections.map(({ event }) => event), user };
  return [
    { ...shared, expressions: [...values, ...more] },
    ...selections.flatMap(({ event, where }) =>
      where === undefined ? [] : [{ events: [event], expressions: [where], user }],
    ),
  ];
}

/** Undefined where one of the events may have any, or a transform gives it others. */
function namesOfAll(
  events: readonly string[],
  { filters }: PlanDefinition,
  namesOf: NamesOf,
): ReadonlySet<string> | undefined {
  const all = new Set<string>();
  for (const event of events) {
    const names = namesOf(event);
    const isTransformed = filters.some(
      ({ transform, events: of }) =>
        transform !== undefined && (of === "all" || of.includes(event)),
    );
    if (names === undefined || isTransformed) return undefined;
    for (const name of names) all.add(name);
  }
  return all;
}

interface User {
  readonly what: string;
  readonly origin: object;
}

interface Place {
  readonly events: readonly string[];
  readonly names: ReadonlySet<string>;
  readonly user: User;
}

function checkPart(part: Expression, { events, names, user }: Place): void {
  if (!("prop" in part)) return;
  const [name = ""] = part.prop.split(".");
  if (names.has(name) || names.has(part.prop)) return;
  const near = nearest(name, names);
  throw new PlanError(
    `${user.what} looks at "${name}", which the schema of event "${events.join('" and "')}" does not have`,
    near === null
      ? "add it to the schema, or use a property that is there"
      : `did you mean "${near}"?`,
    originOf(user.origin),
  );
}
