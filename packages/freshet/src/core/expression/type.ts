/**
 * Conditions and values are data (DESIGN 5): plain JSON that one evaluator runs, that explains itself, and
 * that a console can edit. Builders in `core/plan` make them with types.
 */
export type Scalar = string | number | boolean | null;

export type Expression =
  | { readonly const: Scalar | readonly Scalar[] }
  /** A property of the event at hand, as a path: "price", "cart.total". */
  | { readonly prop: string }
  /** A trait carried by the identify event at hand (not the profile's). */
  | { readonly eventTrait: string }
  /** A column that accept joined from a reference table. */
  | { readonly joined: readonly [table: string, column: string] }
  /** A path into the event's context: "page.path", "campaign.source". */
  | { readonly context: string }
  /** "name" | "type" | "source" | "time" of the event at hand. */
  | { readonly field: "name" | "type" | "source" | "time" }
  /** A feature of the profile; `at` picks the entry of a feature that is kept by a property. */
  | { readonly feature: string; readonly at?: Expression }
  | { readonly trait: string }
  | { readonly segment: string }
  /** Seconds, minutes ... do not exist here: now is milliseconds since 1970. */
  | { readonly now: true }
  | { readonly op: ArithmeticOperator; readonly args: readonly Expression[] }
  | { readonly op: Comparator; readonly args: readonly [Expression, Expression] }
  | { readonly op: "and" | "or"; readonly args: readonly Expression[] }
  | { readonly op: "not" | "exists"; readonly args: readonly [Expression] }
  /** First argument among the second, a constant list or a feature that reads as a list. */
  | { readonly op: "in"; readonly args: readonly [Expression, Expression] };

/** `div` by zero and any operand that is not a number give null. */
export type ArithmeticOperator = "add" | "sub" | "mul" | "div" | "coalesce";
export type Comparator = "eq" | "ne" | "lt" | "lte" | "gt" | "gte";
