import type { Json, JsonObject } from "@freshet/protocol";
import { multiplyExact } from "../decimal.ts";
import type { AcceptedEvent } from "../event.ts";
import type { ArithmeticOperator, Comparator, Expression, Scalar } from "./type.ts";

/** What an expression may look at. Absent halves read as null, so one expression serves several places. */
export interface Scope {
  readonly event: EventScope | null;
  readonly profile: ProfileScope | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The part of an event that expressions reach; import rows are scopes too, with their columns as properties. */
export type EventScope = Pick<AcceptedEvent, "properties"> &
  Partial<
    Pick<AcceptedEvent, "name" | "type" | "source" | "time" | "traits" | "context" | "joined">
  >;

export interface ProfileScope {
  feature(name: string, key?: string): Json;
  trait(name: string): Json;
  segment(name: string): boolean;
}

export type Evaluate = (scope: Scope) => Json;

/** Turns an expression into a closure, once per plan; the closure is what runs per event. */
export function compileExpression(expression: Expression): Evaluate {
  if ("const" in expression) {
    const value = expression.const as Json;
    return () => value;
  }
  if ("op" in expression) return compileOperator(expression);
  if ("feature" in expression) return compileFeatureRead(expression.feature, expression.at);
  if ("trait" in expression) {
    const name = expression.trait;
    return (scope) => scope.profile?.trait(name) ?? null;
  }
  if ("segment" in expression) {
    const name = expression.segment;
    return (scope) => scope.profile?.segment(name) ?? false;
  }
  if ("now" in expression) return (scope) => scope.now;
  return compileEventRead(expression);
}

/** True only for `true`: null and every other value do not hold. */
export function compileCondition(expression: Expression): (scope: Scope) => boolean {
  const evaluate = compileExpression(expression);
  return (scope) => evaluate(scope) === true;
}

function compileFeatureRead(name: string, at: Expression | undefined): Evaluate {
  if (at === undefined) return (scope) => scope.profile?.feature(name) ?? null;
  const key = compileExpression(at);
  return (scope) => {
    const text = keyText(key(scope));
    return text === null ? null : (scope.profile?.feature(name, text) ?? null);
  };
}

type EventExpression = Extract<
  Expression,
  | { prop: string }
  | { eventTrait: string }
  | { joined: readonly [string, string] }
  | { context: string }
  | { field: string }
>;

function compileEventRead(expression: EventExpression): Evaluate {
  if ("prop" in expression) {
    const read = compilePath(expression.prop);
    return (scope) => (scope.event === null ? null : read(scope.event.properties));
  }
  if ("eventTrait" in expression) {
    const read = compilePath(expression.eventTrait);
    return (scope) => read(scope.event?.traits);
  }
  if ("context" in expression) {
    const read = compilePath(expression.context);
    return (scope) => read(scope.event?.context);
  }
  if ("joined" in expression) {
    const [table, column] = expression.joined;
    return (scope) => own(scope.event?.joined?.[table] ?? undefined, column);
  }
  const field = expression.field;
  return (scope) => scope.event?.[field] ?? null;
}

/** Reads "a.b.c"; own properties only, so that no path reaches a prototype. */
function compilePath(path: string): (root: JsonObject | undefined) => Json {
  if (!path.includes(".")) return (root) => own(root, path);
  const steps = path.split(".");
  return (root) => {
    let value: Json = (root as Json | undefined) ?? null;
    for (const step of steps) {
      if (value === null || typeof value !== "object") return null;
      value = own(value as JsonObject, step);
    }
    return value;
  };
}

function own(object: JsonObject | undefined, name: string): Json {
  if (object === undefined || !Object.hasOwn(object, name)) return null;
  return object[name] ?? null;
}

type Operator = Extract<Expression, { op: string }>;

function compileOperator(expression: Operator): Evaluate {
  switch (expression.op) {
    case "and":
    case "or":
      return compileLogic(expression.op, expression.args.map(compileExpression));
    case "not": {
      const inner = compileCondition(expression.args[0]);
      return (scope) => !inner(scope);
    }
    case "exists": {
      const inner = compileExpression(expression.args[0]);
      return (scope) => inner(scope) !== null;
    }
    case "in": {
      const [member, list] = [
        compileExpression(expression.args[0]),
        compileExpression(expression.args[1]),
      ];
      return (scope) => contains(list(scope), member(scope));
    }
    case "eq":
    case "ne":
    case "lt":
    case "lte":
    case "gt":
    case "gte": {
      const operator = expression.op;
      const [left, right] = [
        compileExpression(expression.args[0]),
        compileExpression(expression.args[1]),
      ];
      return (scope) => compare(operator, left(scope), right(scope));
    }
    default:
      return compileArithmetic(expression.op, expression.args.map(compileExpression));
  }
}

function compileLogic(op: "and" | "or", args: readonly Evaluate[]): Evaluate {
  const decisive = op === "or";
  return (scope) => {
    for (const arg of args) if ((arg(scope) === true) === decisive) return decisive;
    return !decisive;
  };
}

/** Order comparisons hold only between two numbers or two texts; `eq` and `ne` compare scalars as they are. */
export function compare(operator: Comparator, left: Json, right: Json): boolean {
  if (operator === "eq") return left === right;
  if (operator === "ne") return left !== right;
  if (typeof left !== typeof right || (typeof left !== "number" && typeof left !== "string"))
    return false;
  const a = left as string | number;
  const b = right as string | number;
  switch (operator) {
    case "lt":
      return a < b;
    case "lte":
      return a <= b;
    case "gt":
      return a > b;
    case "gte":
      return a >= b;
  }
}

function contains(list: Json, member: Json): boolean {
  if (member === null || list === null || typeof list !== "object") return false;
  if (Array.isArray(list)) return list.includes(member);
  return Object.hasOwn(list, String(member));
}

function compileArithmetic(op: ArithmeticOperator, args: readonly Evaluate[]): Evaluate {
  if (op === "coalesce") {
    return (scope) => {
      for (const arg of args) {
        const value = arg(scope);
        if (value !== null) return value;
      }
      return null;
    };
  }
  return (scope) => {
    let result: number | null = null;
    for (const arg of args) {
      const value = arg(scope);
      if (typeof value !== "number") return null;
      result = result === null ? value : combine(op, result, value);
      if (result === null) return null;
    }
    return result;
  };
}

/** Finite or null; + 0 turns -0 into 0, which the state codec refuses. */
function combine(op: "add" | "sub" | "mul" | "div", a: number, b: number): number | null {
  const result =
    op === "add" ? a + b : op === "sub" ? a - b : op === "mul" ? multiplyExact(a, b) : a / b;
  return Number.isFinite(result) ? result + 0 : null;
}

/** Keys of maps are texts: numbers and booleans by their JSON text, everything else has no key. */
export function keyText(value: Json): string | null {
  if (typeof value === "string") return value === "" ? null : value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return null;
}

export function isScalar(value: Json): value is Scalar {
  return value === null || typeof value !== "object";
}
