import type { Json } from "@freshet/protocol";
import type { Slot } from "../plan/compile.ts";
import type { ProfileView } from "../view.ts";
import { compileCondition, compileExpression, keyText, type Scope } from "./evaluate.ts";
import type { Comparator, Expression } from "./type.ts";

const mirrored: { readonly [C in Comparator]: Comparator } = {
  eq: "eq",
  ne: "ne",
  lt: "gt",
  lte: "gte",
  gt: "lt",
  gte: "lte",
};

/**
 * Compiles L4 for a condition: the earliest time after the view's now at which the answer may change without
 * an event. Null: never. Features compared with a constant know it themselves; any other feature may change
 * the answer when its own value changes.
 */
export function compileFlip(expression: Expression): (view: ProfileView) => number | null {
  if ("feature" in expression) return valueFlip(expression);
  if (!("op" in expression)) return never;
  if (expression.op === "and" || expression.op === "or") return logicFlip(expression);
  const direct = directComparison(expression);
  if (direct === null) return earliestOf(expression.args.map(compileFlip));
  const { at } = direct.feature;
  return earliestOf([comparisonFlip(direct), ...(at === undefined ? [] : [compileFlip(at)])]);
}

type Flip = (view: ProfileView) => number | null;

const never: Flip = () => null;

function earliestOf(flips: readonly Flip[]): Flip {
  const live = flips.filter((flip) => flip !== never);
  const [first] = live;
  if (first === undefined) return never;
  if (live.length === 1) return first;
  return (view) => {
    let earliest: number | null = null;
    for (const flip of live) {
      const time = flip(view);
      if (time !== null && (earliest === null || time < earliest)) earliest = time;
    }
    return earliest;
  };
}

/**
 * An `and` that fails holds again at the earliest when each operand that fails now has flipped, so the latest of
 * them bounds it, and one that time does not flip settles it; likewise an `or` that holds. Segments and traits
 * among the operands never flip by themselves: what looks at them is looked at again when they change.
 */
function logicFlip(expression: {
  readonly op: "and" | "or";
  readonly args: readonly Expression[];
}): Flip {
  const decisive = expression.op === "or";
  const operands = expression.args.map((arg) => ({
    holds: compileCondition(arg),
    flip: compileFlip(arg),
  }));
  const all = earliestOf(operands.map(({ flip }) => flip));
  if (all === never) return never;
  return (view) => {
    const scope: Scope = { event: null, profile: view, now: view.now };
    let latest: number | null = null;
    for (const { holds, flip } of operands) {
      if (holds(scope) !== decisive) continue;
      const time = flip(view);
      if (time === null) return null;
      if (latest === null || time > latest) latest = time;
    }
    return latest ?? all(view);
  };
}

type FeatureExpression = Extract<Expression, { feature: string }>;

interface DirectComparison {
  readonly feature: FeatureExpression;
  readonly comparator: Comparator;
  readonly constant: Json;
}

function directComparison(
  expression: Extract<Expression, { op: string }>,
): DirectComparison | null {
  if (!(expression.op in mirrored)) return null;
  const comparator = expression.op as Comparator;
  const [left, right] = expression.args as readonly [Expression, Expression];
  if ("feature" in left && "const" in right)
    return { feature: left, comparator, constant: right.const as Json };
  if ("const" in left && "feature" in right)
    return { feature: right, comparator: mirrored[comparator], constant: left.const as Json };
  return null;
}

function comparisonFlip({ feature, comparator, constant }: DirectComparison): Flip {
  const locate = compileLocation(feature);
  return (view) => {
    const place = locate(view);
    if (place === null) return null;
    const { slot, state, key } = place;
    return orSessionEnd(
      slot,
      view,
      slot.feature.nextFlip(state, view.now, comparator, constant, key),
    );
  };
}

/** The value itself must stay: it flips when it stops being equal to what it is now. */
function valueFlip(feature: FeatureExpression): Flip {
  const locate = compileLocation(feature);
  return (view) => {
    const place = locate(view);
    if (place === null) return null;
    const { slot, state, key } = place;
    const value = slot.feature.read(state, view.now, key);
    return orSessionEnd(slot, view, slot.feature.nextFlip(state, view.now, "eq", value, key));
  };
}

function compileLocation(expression: FeatureExpression) {
  const key = expression.at === undefined ? null : compileExpression(expression.at);
  return (view: ProfileView) => {
    const slot = view.plan.slotOf.get(expression.feature);
    if (slot === undefined) return null;
    const scope: Scope = { event: null, profile: view, now: view.now };
    const text = key === null ? undefined : keyText(key(scope));
    if (text === null) return null;
    return { slot, state: view.featureState(slot), key: text };
  };
}

/** What a feature of the session reads goes back to empty when the session ends by inactivity. */
function orSessionEnd(slot: Slot, view: ProfileView, flip: number | null): number | null {
  const session = slot.session ? view.session() : null;
  if (session === null) return flip;
  const end = session.end + view.plan.plan.definition.sessionGapMs + 1;
  return flip === null ? end : Math.min(flip, end);
}
