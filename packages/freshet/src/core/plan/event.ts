import type { JsonObject } from "@freshet/protocol";
import type {
  EventDefinition,
  FilterDefinition,
  JoinDefinition,
  PropertyDefinition,
  PropertyKind,
  Selection,
  TableDefinition,
} from "./definition.ts";
import { withOrigin } from "./error.ts";
import { type Condition, type Value, value } from "./value.ts";

/** `"string"`, or `"string?"` for a property that may be absent. */
export type KindText = PropertyKind | `${PropertyKind}?`;
export type Shape = { readonly [name: string]: KindText };

type KindType<Kind extends string> = Kind extends "string"
  ? string
  : Kind extends "number" | "integer"
    ? number
    : Kind extends "boolean"
      ? boolean
      : unknown;
type TypeOf<Text extends string> = Text extends `${infer Kind}?` ? KindType<Kind> : KindType<Text>;
export type ValuesOf<S extends Shape> = { readonly [Name in keyof S]: Value<TypeOf<S[Name]>> };

/** Events of one name, or those of them that meet a condition. */
export interface EventSelection {
  readonly selection: Selection;
}

export interface EventRef<S extends Shape> extends EventSelection {
  readonly definition: EventDefinition;
  /** The declared properties as values for conditions and features. */
  readonly prop: ValuesOf<S>;
  where(condition: Condition): EventSelection;
}

/** Declares an event by its name and the properties that the plan relies on; others are kept unchecked. */
export function event<const S extends Shape>(name: string, properties: S): EventRef<S> {
  const prop: Record<string, Value<unknown>> = {};
  for (const key of Object.keys(properties)) prop[key] = value({ prop: key });
  return {
    definition: withOrigin({ name, properties: toProperties(properties) }),
    selection: { event: name },
    prop: prop as ValuesOf<S>,
    where: (condition) => ({ selection: { event: name, where: condition.expression } }),
  };
}

function toProperties(shape: Shape): { [name: string]: PropertyDefinition } {
  const properties: { [name: string]: PropertyDefinition } = {};
  for (const [name, text] of Object.entries(shape)) {
    const optional = text.endsWith("?");
    properties[name] = { kind: (optional ? text.slice(0, -1) : text) as PropertyKind, optional };
  }
  return properties;
}

export interface TableRef<S extends Shape> {
  readonly definition: TableDefinition;
  /** Columns as values: what accept joined into the event. */
  readonly column: ValuesOf<S>;
}

export interface TableSource {
  readonly key: string;
  /** JSON, JSONL or CSV, relative to the plan's file. */
  readonly file?: string;
  readonly rows?: readonly JsonObject[];
}

/** A reference table: looked up when an event is accepted, reloaded when its file changes. */
export function table<const S extends Shape>(
  name: string,
  columns: S,
  source: TableSource,
): TableRef<S> {
  const values: Record<string, Value<unknown>> = {};
  for (const key of Object.keys(columns)) values[key] = value({ joined: [name, key] });
  return {
    definition: withOrigin({ name, columns: toProperties(columns), ...source }),
    column: values as ValuesOf<S>,
  };
}

/** Writes columns of a table's row into the events named, found by `on`. */
export function join<S extends Shape>(
  table: TableRef<S>,
  options: {
    readonly events: readonly EventRef<Shape>[];
    readonly on: Value<unknown>;
    readonly pick: readonly (keyof S & string)[];
  },
): JoinDefinition {
  return withOrigin({
    table: table.definition.name,
    events: options.events.map((ref) => ref.definition.name),
    on: options.on.expression,
    pick: options.pick,
  });
}

/** Keeps only the events for which `where` holds; the others are applied with outcome `filtered`. */
export function filter(
  name: string,
  events: readonly EventRef<Shape>[] | "all",
  where: Condition,
): FilterDefinition {
  return withOrigin({ name, events: eventNames(events), where: where.expression });
}

/** What a transform sees; it returns the new properties, or null to filter the event out. */
export interface TransformInput {
  readonly name: string;
  readonly time: number;
  readonly properties: JsonObject;
}
export type Transform = (input: TransformInput) => JsonObject | null;

export interface TransformRef {
  readonly definition: FilterDefinition;
  readonly name: string;
  readonly run: Transform;
}

/** Changes properties with a pure TypeScript function: same input, same output, no clock and no I/O. */
export function transform(
  name: string,
  events: readonly EventRef<Shape>[] | "all",
  run: Transform,
): TransformRef {
  const definition = withOrigin({ name, events: eventNames(events), transform: name });
  return { definition, name, run };
}

function eventNames(events: readonly EventRef<Shape>[] | "all"): readonly string[] | "all" {
  return events === "all" ? "all" : events.map((ref) => ref.definition.name);
}
