import type { JsonObject } from "@freshet/protocol";
import type { Expression, Scalar } from "../expression/type.ts";
import type {
  ActionDefinition,
  ImportDefinition,
  ItemSource,
  ItemsDefinition,
  PlacementDefinition,
  SegmentDefinition,
  TriggerDefinition,
  VariantDefinition,
} from "./definition.ts";
import { withOrigin } from "./error.ts";
import type { EventSelection, Shape, TableRef } from "./event.ts";
import type { FeatureRef } from "./feature.ts";
import { type Condition, type Value, value } from "./value.ts";

export interface SegmentRef extends Condition {
  readonly definition: SegmentDefinition;
}

/** A named set of profiles: those for which the condition holds now, also by the passing of time alone. */
export function segment(name: string, when: Condition): SegmentRef {
  return {
    ...value<boolean>({ segment: name }),
    definition: withOrigin({ name, when: when.expression }),
  };
}

export const entered = (of: SegmentRef) =>
  ({ kind: "entered", segment: of.definition.name }) as const;
export const left = (of: SegmentRef) => ({ kind: "left", segment: of.definition.name }) as const;

type Fields = { readonly [name: string]: Value<unknown> };

export interface TriggerSettings {
  readonly on:
    | EventSelection
    | readonly EventSelection[]
    | ReturnType<typeof entered>
    | ReturnType<typeof left>;
  readonly when?: Condition;
  /** Not again within this time, in milliseconds. */
  readonly cooldown?: number;
  /** Also when linking two identifiers caused the entry or exit. */
  readonly onLink?: boolean;
  readonly do: readonly ActionDefinition[];
}

/** When something happens and a condition holds: act. */
export function trigger(name: string, settings: TriggerSettings): TriggerDefinition {
  return withOrigin({
    name,
    on: toCause(settings.on),
    ...(settings.when === undefined ? {} : { when: settings.when.expression }),
    cooldownMs: settings.cooldown ?? 0,
    onLink: settings.onLink ?? false,
    actions: settings.do,
  });
}

function toCause(on: TriggerSettings["on"]): TriggerDefinition["on"] {
  if ("kind" in on) return on;
  const list = Array.isArray(on) ? (on as readonly EventSelection[]) : [on as EventSelection];
  return { kind: "event", selections: list.map(({ selection }) => selection) };
}

/** Through the outbox to a destination of the configuration: a signed webhook. */
export function send(destination: string, fields: Fields = {}): ActionDefinition {
  return { kind: "send", destination, fields: toExpressions(fields) };
}

/** At once to the open pages of the profile. */
export function push(topic: string, fields: Fields = {}): ActionDefinition {
  return { kind: "push", topic, fields: toExpressions(fields) };
}

function toExpressions(fields: Fields): { [name: string]: Expression } {
  const expressions: { [name: string]: Expression } = {};
  for (const [name, field] of Object.entries(fields)) expressions[name] = field.expression;
  return expressions;
}

/** One thing that a placement may show. Texts of `content` may hold {{name}} of `fields`. */
export function variant(
  name: string,
  settings: { readonly when: Condition; readonly content: JsonObject; readonly fields?: Fields },
): VariantDefinition {
  return withOrigin({
    name,
    when: settings.when.expression,
    content: settings.content,
    fields: toExpressions(settings.fields ?? {}),
  });
}

export interface PlacementSettings {
  /** The first eligible variant wins. */
  readonly variants?: readonly VariantDefinition[];
  readonly fallback: JsonObject;
  readonly items?: ItemsDefinition;
}

/** A place on a page or in a message that is decided for each profile. */
export function placement(name: string, settings: PlacementSettings): PlacementDefinition {
  return withOrigin({
    name,
    variants: settings.variants ?? [],
    fallback: settings.fallback,
    ...(settings.items === undefined ? {} : { items: settings.items }),
  });
}

/** Fills a placement with rows of a table, from the sources in their order. */
export function items(
  from: TableRef<Shape>,
  settings: {
    readonly count: number;
    readonly from: readonly ItemSource[];
    readonly exclude?: readonly FeatureRef<readonly string[]>[];
  },
): ItemsDefinition {
  return {
    count: settings.count,
    table: from.definition.name,
    from: settings.from,
    exclude: (settings.exclude ?? []).map((feature) => feature.definition.name),
  };
}

/** Items of a list feature of the profile. */
export function fromProfile(feature: FeatureRef<readonly string[]>, reason: string): ItemSource {
  return { kind: "profile", feature: feature.definition.name, reason };
}

/** Items of a list feature of an entity; `key` says which one, taken from the profile. */
export function fromEntity(
  feature: FeatureRef<readonly string[]>,
  key: Value<unknown>,
  reason: string,
): ItemSource {
  const { of, name } = feature.definition;
  return {
    kind: "entity",
    entity: of === "profile" ? "" : of.entity,
    feature: name,
    key: key.expression,
    reason,
  };
}

export interface ImportSettings {
  readonly event: Value<string>;
  readonly userId?: Value<Scalar>;
  readonly anonymousId?: Value<Scalar>;
  /** Whose rows those are that have neither: links nothing, unlike `anonymousId` beside `userId`. */
  readonly fallbackAnonymousId?: Value<Scalar>;
  readonly time: Value<string | number>;
  readonly properties?: Fields;
  /** Columns of text that hold numbers; an id that was written as `17850.0` reads as 17850. */
  readonly numbers?: readonly string[];
  readonly where?: Condition;
}

/** How rows of a CSV or JSONL file become events; `column("Name")` reads one. */
export function importer(name: string, settings: ImportSettings): ImportDefinition {
  return withOrigin({
    name,
    event: settings.event.expression,
    ...(settings.userId === undefined ? {} : { userId: settings.userId.expression }),
    ...(settings.anonymousId === undefined ? {} : { anonymousId: settings.anonymousId.expression }),
    ...(settings.fallbackAnonymousId === undefined
      ? {}
      : { fallbackAnonymousId: settings.fallbackAnonymousId.expression }),
    time: settings.time.expression,
    properties: toExpressions(settings.properties ?? {}),
    numbers: settings.numbers ?? [],
    ...(settings.where === undefined ? {} : { where: settings.where.expression }),
  });
}
