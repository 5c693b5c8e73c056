import type { Json, JsonObject } from "@freshet/protocol";
import type { HookHeaders } from "./signature.ts";
import { compilePointer, compileValue, type HookValue, type ReadValue } from "./value.ts";

/** What a delivery is turned into events by: rules as data, or a function of the configuration. */
export type HookMap = readonly HookRule[] | HookFunction;

/** One kind of event that a delivery may hold. All rules are asked; each that applies makes its events. */
export interface HookRule {
  /** All of them must hold; without any the rule always applies. */
  readonly when?: readonly HookCondition[];
  /** JSON pointer of a list: one event for each of its items. */
  readonly each?: string;
  /** The event's name. `identify` makes its properties traits. */
  readonly event: HookValue;
  readonly userId?: HookValue;
  readonly anonymousId?: HookValue;
  readonly timestamp?: HookValue;
  readonly properties?: { readonly [name: string]: HookValue };
}

export interface HookCondition {
  readonly value: HookValue;
  /** It is this, or one of these. */
  readonly is: boolean | number | string | readonly (boolean | number | string)[];
}

/** Gets a delivery whose signature was right. What it throws makes the delivery a dead letter. */
export type HookFunction = (delivery: HookDelivery) => readonly HookEvent[];

export interface HookDelivery {
  /** Name of the hook. */
  readonly hook: string;
  readonly body: Json;
  /** By lower-case name. */
  readonly headers: HookHeaders;
}

/** A native event. */
export interface HookEvent {
  readonly event_type: string;
  readonly event_id?: string;
  readonly user_id?: string | number | null;
  readonly anonymous_id?: string | number | null;
  readonly timestamp?: string | number;
  readonly metadata?: object;
  readonly context?: object;
}

/** The same for rules and functions: native events, or whatever a function returned in their place. */
export type MapDelivery = (delivery: HookDelivery) => unknown;

/** Throws where a rule cannot be one. */
export function compileMap(map: HookMap): MapDelivery {
  if (typeof map === "function") return map;
  if (!Array.isArray(map)) throw new Error("its map should be a list of rules, or a function");
  const rules = (map as readonly HookRule[]).map((rule, at) => compileRule(rule, `map[${at}]`));
  return (delivery) => rules.flatMap((rule) => rule(delivery));
}

const ruleKeys = ["when", "each", "event", "userId", "anonymousId", "timestamp", "properties"];

function compileRule(rule: HookRule, place: string): (delivery: HookDelivery) => JsonObject[] {
  for (const key of Object.keys(rule))
    if (!ruleKeys.includes(key))
      throw new Error(`"${key}" in ${place} is none of ${ruleKeys.join(", ")}`);
  if (rule.event === undefined) throw new Error(`${place} should name its event`);
  const conditions = (rule.when ?? []).map((condition, at) => ({
    read: compileValue(condition.value, `${place}.when[${at}].value`),
    allowed: new Set<Json>([condition.is].flat()),
  }));
  const each =
    rule.each === undefined
      ? undefined
      : compilePointer(rule.each, `${place}.each`, (scope) => scope.body);
  const fields = compileFields(rule, place);
  return ({ body, headers }) => {
    const scope = { body, headers, item: body };
    if (!conditions.every(({ read, allowed }) => allowed.has(read(scope) ?? null))) return [];
    const found = each?.(scope);
    const items = each === undefined ? [body] : Array.isArray(found) ? found : [];
    return items.map((item) => fields({ body, headers, item }));
  };
}

const places = {
  event_type: "event",
  user_id: "userId",
  anonymous_id: "anonymousId",
  timestamp: "timestamp",
} as const;

type Fields = (scope: Parameters<ReadValue>[0]) => JsonObject;

function compileFields(rule: HookRule, place: string): Fields {
  const fields = Object.entries(places).flatMap(([field, key]) => {
    const value = rule[key];
    return value === undefined ? [] : [[field, compileValue(value, `${place}.${key}`)] as const];
  });
  const properties = Object.entries(rule.properties ?? {}).map(
    ([name, value]) => [name, compileValue(value, `${place}.properties.${name}`)] as const,
  );
  return (scope) => ({ ...readAll(fields, scope), metadata: readAll(properties, scope) });
}

function readAll(
  entries: readonly (readonly [string, ReadValue])[],
  scope: Parameters<ReadValue>[0],
): JsonObject {
  return Object.fromEntries(
    entries.flatMap(([name, read]) => {
      const value = read(scope);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
