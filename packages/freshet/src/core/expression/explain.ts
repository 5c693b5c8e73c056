import type { Json } from "@freshet/protocol";
import { compileExpression, type Scope } from "./evaluate.ts";
import type { Expression } from "./type.ts";

/** One leaf of a condition with what it found: the answer to "why" and to "why not". */
export interface ExplainedLeaf {
  /** The leaf in words: `productViews >= 3`. */
  readonly text: string;
  /** Value of the left side. */
  readonly value: Json;
  /** Value it was compared with; null for leaves without a comparison. */
  readonly expected: Json;
  readonly holds: boolean;
  /** Features, traits and segments that were read. */
  readonly reads: readonly string[];
}

/** All leaves of a condition in reading order; `not` keeps its leaf and turns what must hold. */
export function explain(expression: Expression, scope: Scope): ExplainedLeaf[] {
  if ("op" in expression && (expression.op === "and" || expression.op === "or"))
    return expression.args.flatMap((arg) => explain(arg, scope));
  return [explainLeaf(expression, scope)];
}

function explainLeaf(expression: Expression, scope: Scope): ExplainedLeaf {
  const holds = compileExpression(expression)(scope) === true;
  const [left, right] = sides(expression);
  return {
    text: describe(expression),
    value: left === null ? holds : compileExpression(left)(scope),
    expected: right === null ? null : compileExpression(right)(scope),
    holds,
    reads: readsOf(expression),
  };
}

function sides(expression: Expression): [Expression | null, Expression | null] {
  if (!("op" in expression)) return [expression, null];
  switch (expression.op) {
    case "not":
      return sides(expression.args[0]);
    case "exists":
      return [expression.args[0], null];
    case "eq":
    case "ne":
    case "lt":
    case "lte":
    case "gt":
    case "gte":
    case "in":
      return [expression.args[0], expression.args[1]];
    default:
      return [null, null];
  }
}

function readsOf(expression: Expression): string[] {
  if ("feature" in expression) {
    const key = expression.at === undefined ? [] : readsOf(expression.at);
    return [`feature:${expression.feature}`, ...key];
  }
  if ("trait" in expression) return [`trait:${expression.trait}`];
  if ("segment" in expression) return [`segment:${expression.segment}`];
  if ("op" in expression) return expression.args.flatMap(readsOf);
  return [];
}

const symbols: { readonly [op: string]: string } = {
  eq: "=",
  ne: "≠",
  lt: "<",
  lte: "≤",
  gt: ">",
  gte: "≥",
  add: "+",
  sub: "−",
  mul: "×",
  div: "÷",
  in: "in",
};

/** An expression in the words of the plan. */
export function describe(expression: Expression): string {
  if ("const" in expression) return JSON.stringify(expression.const);
  if ("feature" in expression) {
    if (expression.at === undefined) return expression.feature;
    return `${expression.feature}[${describe(expression.at)}]`;
  }
  if ("trait" in expression) return `trait ${expression.trait}`;
  if ("segment" in expression) return `in segment ${expression.segment}`;
  if ("prop" in expression) return `event.${expression.prop}`;
  if ("eventTrait" in expression) return `event.traits.${expression.eventTrait}`;
  if ("joined" in expression) return expression.joined.join(".");
  if ("context" in expression) return `context.${expression.context}`;
  if ("field" in expression) return `event ${expression.field}`;
  if ("now" in expression) return "now";
  return describeOperator(expression);
}

function describeOperator(expression: Extract<Expression, { op: string }>): string {
  const args = expression.args.map(describe);
  if (expression.op === "not") return `not (${args[0]})`;
  if (expression.op === "exists") return `${args[0]} exists`;
  if (expression.op === "coalesce") return `first of (${args.join(", ")})`;
  if (expression.op === "and" || expression.op === "or") {
    return `(${args.join(` ${expression.op} `)})`;
  }
  return args.join(` ${symbols[expression.op] ?? expression.op} `);
}
