import type { Comparator, Expression, Scalar } from "../expression/type.ts";

/** An expression with the type it gives, so that a wrong comparison does not compile. */
export interface Value<T> {
  readonly expression: Expression;
  /** Never set: carries the type only. */
  readonly type?: T;
}

export type Condition = Value<boolean>;
export type Operand<T> = T | Value<T>;

export function value<T>(expression: Expression): Value<T> {
  return { expression };
}

export function toExpression(operand: Operand<Scalar> | readonly Scalar[]): Expression {
  if (operand !== null && typeof operand === "object" && "expression" in operand)
    return operand.expression;
  return { const: operand };
}

function comparison(op: Comparator, left: Value<Scalar>, right: Operand<Scalar>): Condition {
  return value({ op, args: [left.expression, toExpression(right)] });
}

export const eq = <T extends Scalar>(
  left: Value<T>,
  right: Operand<NoInfer<T>> | null,
): Condition => comparison("eq", left, right);
export const ne = <T extends Scalar>(
  left: Value<T>,
  right: Operand<NoInfer<T>> | null,
): Condition => comparison("ne", left, right);
export const lt = <T extends number | string>(
  left: Value<T>,
  right: Operand<NoInfer<T>>,
): Condition => comparison("lt", left, right);
export const lte = <T extends number | string>(
  left: Value<T>,
  right: Operand<NoInfer<T>>,
): Condition => comparison("lte", left, right);
export const gt = <T extends number | string>(
  left: Value<T>,
  right: Operand<NoInfer<T>>,
): Condition => comparison("gt", left, right);
export const gte = <T extends number | string>(
  left: Value<T>,
  right: Operand<NoInfer<T>>,
): Condition => comparison("gte", left, right);

export const and = (...conditions: readonly Condition[]): Condition =>
  value({ op: "and", args: conditions.map((condition) => condition.expression) });
export const or = (...conditions: readonly Condition[]): Condition =>
  value({ op: "or", args: conditions.map((condition) => condition.expression) });
export const not = (condition: Condition): Condition =>
  value({ op: "not", args: [condition.expression] });
export const exists = (operand: Value<unknown>): Condition =>
  value({ op: "exists", args: [operand.expression] });
export const always: Condition = value({ const: true });

/** True where the value is one of the list: a constant one, or a feature that reads as a list. */
export const oneOf = <T extends Scalar>(
  member: Value<T>,
  list: readonly NoInfer<T>[] | Value<readonly T[]>,
): Condition =>
  value({
    op: "in",
    args: [member.expression, "expression" in list ? list.expression : { const: list }],
  });

/** Exact where decimals allow: multiply(price, quantity) rounds to cents as an invoice would. */
export const multiply = (left: Value<number>, right: Operand<number>): Value<number> =>
  value({ op: "mul", args: [left.expression, toExpression(right)] });
export const add = (left: Value<number>, right: Operand<number>): Value<number> =>
  value({ op: "add", args: [left.expression, toExpression(right)] });
export const subtract = (left: Value<number>, right: Operand<number>): Value<number> =>
  value({ op: "sub", args: [left.expression, toExpression(right)] });
export const divide = (left: Value<number>, right: Operand<number>): Value<number> =>
  value({ op: "div", args: [left.expression, toExpression(right)] });
export const coalesce = <T extends Scalar>(left: Value<T>, right: Operand<NoInfer<T>>): Value<T> =>
  value({ op: "coalesce", args: [left.expression, toExpression(right)] });

/** A trait of the profile, as `identify` told it. */
export const trait = <T extends Scalar = string>(name: string): Value<T> => value({ trait: name });
/** A path into the event's context: "page.path", "campaign.source". */
export const context = <T extends Scalar = string>(path: string): Value<T> =>
  value({ context: path });
/** When the event at hand happened, in milliseconds since 1970. */
export const eventTime: Value<number> = value({ field: "time" });
/** The name of the event at hand. */
export const eventName: Value<string> = value({ field: "name" });
/** A property of the event at hand by its path, for what types do not say: "cart.total". */
export const property = <T extends Scalar = string>(path: string): Value<T> =>
  value({ prop: path });
/** A column of an imported row. */
export const column = <T extends Scalar = string>(name: string): Value<T> => value({ prop: name });
export const constant = <T extends Scalar>(scalar: T): Value<T> => value({ const: scalar });

/** Durations in milliseconds. */
export const seconds = (count: number): number => count * 1000;
export const minutes = (count: number): number => count * 60_000;
export const hours = (count: number): number => count * 3_600_000;
export const days = (count: number): number => count * 86_400_000;
