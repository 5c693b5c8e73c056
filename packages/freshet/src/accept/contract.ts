import type { Json, JsonObject } from "@freshet/protocol";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { EventDefinition, PropertyDefinition, PropertyKind } from "../core/plan/definition.ts";
import { type Issue, pointer, show } from "./issue.ts";

/** The event schemas of a plan, compiled. Events that the plan does not name pass. */
export interface Contracts {
  /**
   * The first breach, or undefined. `content` is the event's properties (traits for Identify and Group) and
   * `field` the name under which the client sent them.
   */
  check(name: string, content: JsonObject, field: string): Issue | undefined;
}

export function compileContracts(events: readonly EventDefinition[]): Contracts {
  const schemas = new Map(events.map((event) => [event.name, schemaOf(event)]));
  const quick = new Map<string, ValidateFunction>();
  const ajv = new Ajv(options);
  for (const [name, schema] of schemas) quick.set(name, ajv.compile(schema));
  const thorough = new Map<string, ValidateFunction>();
  return {
    check(name, content, field) {
      const validate = quick.get(name);
      if (validate === undefined || validate(content)) return undefined;
      const explain = thorough.get(name) ?? compileThorough(schemas.get(name) ?? {});
      thorough.set(name, explain);
      explain(content);
      return breach(name, explain.errors ?? [], { content, field });
    },
  };
}

/** `ownProperties`: a property named like one of `Object.prototype` must really be there. */
const options = { ownProperties: true, messages: false, allowUnionTypes: true } as const;

/** All errors take longer to find than the first, so only a breach is asked for them. */
function compileThorough(schema: JsonObject): ValidateFunction {
  return new Ajv({ ...options, allErrors: true }).compile(schema);
}

function schemaOf(event: EventDefinition): JsonObject {
  const entries = Object.entries(event.properties);
  const properties = entries.map(([name, property]) => [name, propertySchema(property)] as const);
  const required = entries.filter(([, property]) => !property.optional).map(([name]) => name);
  return { type: "object", properties: Object.fromEntries(properties), required };
}

/** Null in place of an optional property is how many clients say that it is absent. */
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

const typeWords: ReadonlyMap<string, string> = new Map([
  ["string", "text"],
  ["number", "a number"],
  ["integer", "a whole number"],
  ["boolean", "true or false"],
  ["array", "a list"],
  ["object", "an object"],
]);

interface Sent {
  readonly content: JsonObject;
  readonly field: string;
}

/** Breaches that a message spells out; the rest is counted. */
const toldMax = 3;

function breach(name: string, errors: readonly ErrorObject[], sent: Sent): Issue {
  const first = errors[0];
  const told = errors.slice(0, toldMax).map((error) => sentence(error, sent.content));
  const more = errors.length > toldMax ? `, and ${errors.length - toldMax} more` : "";
  return {
    code: "contractViolated",
    schema: name,
    message: `event "${name}": ${told.join(", ")}${more}`,
    bare: `event "${name}": ${errors.slice(0, toldMax).map(expectation).join(", ")}${more}`,
    path: pointer([sent.field, ...(first === undefined ? [] : [propertyOf(first)])]),
  };
}

function sentence(error: ErrorObject, content: JsonObject): string {
  if (error.keyword === "required") return expectation(error);
  return `${expectation(error)}, but came as ${show(content[propertyOf(error)])}`;
}

/** Names of the plan and nothing that was sent. */
function expectation(error: ErrorObject): string {
  const property = propertyOf(error);
  if (error.keyword === "required") return `"${property}" should be there, but is missing`;
  const types: Json = error.params.type;
  const word = typeWords.get(String(Array.isArray(types) ? types[0] : types)) ?? "of its type";
  return `"${property}" should be ${word}`;
}

function propertyOf(error: ErrorObject): string {
  if (error.keyword === "required") return String(error.params.missingProperty);
  return error.instancePath.slice(1).replaceAll("~1", "/").replaceAll("~0", "~");
}
