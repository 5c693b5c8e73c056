import type { Json } from "@freshet/protocol";
import type { Slot } from "../plan/compile.ts";
import type { ProfileView } from "../view.ts";
import { compileExpression, keyText, type Scope } from "./evaluate.ts";
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
  const leaves = flipLeaves(expression);
  if (leaves.length === 0) return () => null;
  return (view) => {
    let earliest: number | null = null;
    for (const leaf of leaves) {
      const time = leaf(view);
      if (time !== null && (earliest === null || time < earliest)) earliest = time;
    }
    return earliest;
  };
}

type FlipLeaf = (view: ProfileView) => number | null;

function flipLeaves(expression: Expression): FlipLeaf[] {
  if ("feature" in expression) return [valueFlip(expression)];
  if (!("op" in expression)) return [];
  const direct = directComparison(expression);
  if (direct !== null) {
    const key = direct.feature.at === undefined ? [] : flipLeaves(direct.feature.at);
    return [comparisonFlip(direct), ...key];
  }
  return expression.args.flatMap(flipLeaves);
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

function comparisonFlip({ feature, comparator, constant }: DirectComparison): FlipLeaf {
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
function valueFlip(feature: FeatureExpression): FlipLeaf {
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
  const end = session[1] + view.plan.plan.definition.sessionGapMs + 1;
  return flip === null ? end : Math.min(flip, end);
}
