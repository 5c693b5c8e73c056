import { type Json, type JsonObject, reviveJson } from "@freshet/protocol";
import type { AcceptedEvent } from "./event.ts";
import { compileExpression } from "./expression/evaluate.ts";
import type { Expression } from "./expression/type.ts";
import type { EventDefinition, UpCastStep } from "./plan/definition.ts";
import type { Transform } from "./plan/event.ts";

/** Makes the properties of an event those of the newest version. */
export interface UpCaster {
  /** The event itself where it is of the newest version, or of one that the plan does not list. */
  upCast(event: AcceptedEvent): UpCasted;
}

export type UpCasted =
  | { readonly event: AcceptedEvent }
  /** The plan's function threw, or gave no object. */
  | { readonly failure: { readonly name: string; readonly message: string } };

type Functions = { readonly [name: string]: Transform };

interface Step {
  /** Of the plan's own function, which is the only thing here that may throw. */
  readonly name?: string;
  apply(content: JsonObject, event: AcceptedEvent): JsonObject;
}

/** Undefined for an event without earlier versions, which costs nothing then. */
export function compileUpCasts(
  definition: EventDefinition,
  functions: Functions,
): UpCaster | undefined {
  const { earlier = [] } = definition;
  if (earlier.length === 0) return undefined;
  const chains = new Map<number, readonly Step[]>();
  let chain: readonly Step[] = [];
  for (const { version, upCast } of earlier.toReversed()) {
    chain = [...upCast.map((step) => compileStep(step, functions)), ...chain];
    chains.set(version, chain);
  }
  return {
    upCast(event) {
      const steps = chains.get(event.version ?? 1);
      return steps === undefined ? { event } : run(steps, event);
    },
  };
}

/** What contracts are about: the traits of an identify, the properties of any other event. */
export function contentOf({ type, traits, properties }: AcceptedEvent): JsonObject {
  return type === "identify" ? (traits ?? {}) : properties;
}

function run(steps: readonly Step[], event: AcceptedEvent): UpCasted {
  let content = contentOf(event);
  for (const step of steps) {
    try {
      content = step.apply(content, event);
    } catch (error) {
      if (step.name === undefined) throw error;
      const message = error instanceof Error ? error.message : String(error);
      return { failure: { name: step.name, message } };
    }
  }
  if (event.type === "identify") return { event: { ...event, traits: content } };
  return { event: { ...event, properties: content } };
}

function compileStep(step: UpCastStep, functions: Functions): Step {
  switch (step.op) {
    case "rename": {
      const [from, to] = [step.from.split("."), step.to.split(".")];
      return {
        apply(content) {
          const value = valueAt(content, from);
          return value === undefined ? content : withValue(without(content, from), to, value);
        },
      };
    }
    case "default": {
      const path = step.property.split(".");
      return {
        apply: (content) =>
          (valueAt(content, path) ?? null) === null
            ? withValue(content, path, plain(step.value))
            : content,
      };
    }
    case "drop": {
      const path = step.property.split(".");
      return { apply: (content) => without(content, path) };
    }
    case "compute":
      return compileCompute(step.property.split("."), step.value);
    case "run":
      return compileFunction(step.function, functions[step.function]);
  }
}

/** `prop` reads what is up-cast, also where that is the traits of an identify. */
function compileCompute(path: readonly string[], expression: Expression): Step {
  const evaluate = compileExpression(expression);
  return {
    apply(content, event) {
      const scope = { event: { ...event, properties: content }, profile: null, now: event.time };
      const value = evaluate(scope);
      if (value === null) return without(content, path);
      return withValue(content, path, plain(value));
    },
  };
}

/** The function gets a copy, since the log keeps the original. */
function compileFunction(name: string, run: Transform | undefined): Step {
  return {
    name,
    apply(content, { name: event, time }) {
      if (run === undefined) throw new Error("the plan has no such function");
      const made: unknown = plain(run({ name: event, time, properties: plain(content) }));
      if (!isObject(made)) throw new Error("an up-cast gives an object, which are the properties");
      return made;
    },
  };
}

/** A copy as it would come back from JSON: without `undefined`, NaN, -0 and objects of other kinds. */
function plain<Value extends Json | null>(value: Value): Value {
  if (typeof value === "string" || typeof value === "boolean") return value;
  const text: string | undefined = JSON.stringify(value);
  return (text === undefined ? null : reviveJson(text, mended)) as Value;
}

/** JSON reads -0, which the state codec refuses, and a key that would set a prototype. */
function mended(key: string, value: unknown): unknown {
  if (key === "__proto__") return undefined;
  return value === 0 ? 0 : value;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Own properties only, so that no path reaches a prototype. */
function valueAt(root: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = root;
  for (const step of path) {
    if (!isObject(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}

/** Copies what changes and nothing else. What stands in the way and is no object gives way. */
function withValue(
  root: JsonObject,
  [step = "", ...rest]: readonly string[],
  value: Json,
): JsonObject {
  if (rest.length === 0) return { ...root, [step]: value };
  const inner = Object.hasOwn(root, step) ? root[step] : undefined;
  return { ...root, [step]: withValue(isObject(inner) ? inner : {}, rest, value) };
}

function without(root: JsonObject, [step = "", ...rest]: readonly string[]): JsonObject {
  if (!Object.hasOwn(root, step)) return root;
  const { [step]: inner, ...others } = root;
  if (rest.length === 0) return others;
  return isObject(inner) ? { ...root, [step]: without(inner, rest) } : root;
}
