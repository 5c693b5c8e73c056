import type { JsonObject } from "@freshet/protocol";
import type {
  EventDefinition,
  PlanDefinition,
  PropertyDefinition,
  PropertyKind,
  SchemaDefinition,
} from "./definition.ts";

/** One version of one event's contract, as a schema of whatever language declared it. */
export interface PlanContract extends SchemaDefinition {
  readonly event: string;
  readonly version: number;
}

/**
 * Every contract of a plan, oldest version first. A shape is the JSON Schema that it stands for, with the event's name as
 * its title: events of one shape are different schemas, and whoever has the schema knows the event.
 */
export function planContracts(plan: Pick<PlanDefinition, "events">): PlanContract[] {
  return plan.events.flatMap((event) =>
    versionsOf(event).map((one) => ({
      event: event.name,
      version: one.version,
      ...(one.schema ?? { language: "JSON", text: shapeText(event.name, one.properties) }),
    })),
  );
}

function shapeText(event: string, shape: EventVersion["properties"]): string {
  return JSON.stringify({ title: event, ...shapeSchema(shape) });
}

/** A version of an event, whichever it is. */
export interface EventVersion {
  readonly version: number;
  readonly properties: { readonly [name: string]: PropertyDefinition };
  readonly schema?: SchemaDefinition;
}

/** Oldest first; the last one is what the plan's features see. */
export function versionsOf({
  version = 1,
  earlier = [],
  ...newest
}: EventDefinition): EventVersion[] {
  return [...earlier, { ...newest, version }];
}

/** How a version is named to people: `<event>@<version>`. */
export function contractName(event: string, version: number): string {
  return `${event}@${version}`;
}

/** A shape as a JSON Schema. Null in place of an optional property is how many clients say that it is absent. */
export function shapeSchema(shape: EventVersion["properties"]): JsonObject {
  const entries = Object.entries(shape);
  const properties = entries.map(([name, property]) => [name, propertySchema(property)] as const);
  const required = entries.filter(([, property]) => !property.optional).map(([name]) => name);
  return { type: "object", properties: Object.fromEntries(properties), required };
}

function propertySchema(property: PropertyDefinition): JsonObject {
  if (property.kind === "any") return {};
  const type = jsonTypes[property.kind];
  return { type: property.optional ? [type, "null"] : type };
}

const jsonTypes: Readonly<Record<Exclude<PropertyKind, "any">, string>> = {
  string: "string",
  number: "number",
  integer: "integer",
  boolean: "boolean",
  list: "array",
  object: "object",
};
