import type { JsonObject } from "@freshet/protocol";
import type {
  EventDefinition,
  FilterDefinition,
  JoinDefinition,
  PropertyDefinition,
  PropertyKind,
  SchemaDefinition,
  Selection,
  TableDefinition,
} from "./definition.ts";
import { originOf, PlanError, withOrigin } from "./error.ts";
import type { Schema } from "./schema.ts";
import type { EarlierVersion } from "./up-cast.ts";
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

/** What declares an event: the properties that the plan relies on, or a schema. */
export type Contract = Shape | Schema<unknown>;
export type ContractProperties<C extends Contract> =
  C extends Schema<infer Properties>
    ? { readonly [Name in keyof Properties]: Value<Exclude<Properties[Name], null | undefined>> }
    : C extends Shape
      ? ValuesOf<C>
      : never;

/** Events of one name, or those of them that meet a condition. */
export interface EventSelection {
  readonly selection: Selection;
}

/** A declared event; `Properties` are its properties as values for conditions and features. */
export interface DeclaredEvent<Properties> extends EventSelection {
  readonly definition: EventDefinition;
  readonly prop: Properties;
  /** Code of its up-casts, by name. */
  readonly functions: { readonly [name: string]: UpCastFunction };
  where(condition: Condition): EventSelection;
}

export type EventRef<S extends Shape> = DeclaredEvent<ValuesOf<S>>;

export interface EventOptions {
  /** The version that is declared; 1 unless said. */
  readonly version?: number;
  /** Versions that still come or are in the log, oldest first, each made by `earlier`. */
  readonly earlier?: readonly EarlierVersion[];
}

/**
 * Declares an event by its name and the properties that the plan relies on, or by a schema. Properties beside those of
 * a shape are kept unchecked; a schema says itself what it takes.
 */
export function event<const S extends Shape>(
  name: string,
  properties: S,
  options?: EventOptions,
): EventRef<S>;
export function event<Properties>(
  name: string,
  schema: Schema<Properties>,
  options?: EventOptions,
): DeclaredEvent<ContractProperties<Schema<Properties>>>;
export function event(
  name: string,
  contract: Contract,
  { version, earlier = [] }: EventOptions = {},
): DeclaredEvent<unknown> {
  const { properties, schema, prop } = declared(contract);
  const definition: EventDefinition = {
    name,
    properties,
    ...(schema === undefined ? {} : { schema }),
    ...(version === undefined || version === 1 ? {} : { version }),
    ...(earlier.length === 0 ? {} : { earlier: earlier.map((one) => one.definition) }),
  };
  return {
    definition: withOrigin(definition),
    selection: { event: name },
    prop,
    functions: functionsOf(earlier),
    where: (condition) => ({ selection: { event: name, where: condition.expression } }),
  };
}

/** What a contract says, as data, and its properties as values. */
export function declared<C extends Contract>(
  contract: C,
): {
  readonly properties: EventDefinition["properties"];
  readonly schema: SchemaDefinition | undefined;
  readonly prop: ContractProperties<C>;
} {
  const isSchema = isSchemaContract(contract);
  const properties = isSchema ? contract.properties : toProperties(contract as Shape);
  const known: { [name: string]: Value<unknown> } = {};
  for (const key of Object.keys(properties)) known[key] = value({ prop: key });
  const prop = isSchema ? withAnyName(known) : known;
  return {
    properties,
    schema: isSchema ? contract.definition : undefined,
    // Which names there are says the type of the contract; see `ContractProperties`.
    prop: prop as ContractProperties<C>,
  };
}

/** A shape may have a property named "definition", but its kind is a text. */
function isSchemaContract(contract: Contract): contract is Schema<unknown> {
  return typeof contract["definition"] === "object";
}

/** Not every property that a schema allows can be read off it here: what is asked for is there. */
function withAnyName(known: { readonly [name: string]: Value<unknown> }) {
  return new Proxy(known, {
    get: (target, name) =>
      typeof name === "symbol" || Object.hasOwn(target, name)
        ? Reflect.get(target, name)
        : value({ prop: name }),
  });
}

function functionsOf(versions: readonly EarlierVersion[]): { [name: string]: UpCastFunction } {
  const functions: { [name: string]: UpCastFunction } = {};
  for (const version of versions) {
    for (const [name, run] of Object.entries(version.functions)) {
      const other = functions[name];
      if (other !== undefined && other !== run)
        throw new PlanError(
          `two up-casts are named "${name}"`,
          "rename one of the two",
          originOf(version.definition),
        );
      functions[name] = run;
    }
  }
  return functions;
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
    readonly events: readonly DeclaredEvent<unknown>[];
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
  events: readonly DeclaredEvent<unknown>[] | "all",
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
/** The same for an up-cast, which takes nothing out. */
export type UpCastFunction = (input: TransformInput) => JsonObject;

export interface TransformRef {
  readonly definition: FilterDefinition;
  readonly name: string;
  readonly run: Transform;
}

/** Changes properties with a pure TypeScript function: same input, same output, no clock and no I/O. */
export function transform(
  name: string,
  events: readonly DeclaredEvent<unknown>[] | "all",
  run: Transform,
): TransformRef {
  const definition = withOrigin({ name, events: eventNames(events), transform: name });
  return { definition, name, run };
}

function eventNames(events: readonly DeclaredEvent<unknown>[] | "all"): readonly string[] | "all" {
  return events === "all" ? "all" : events.map((ref) => ref.definition.name);
}
