import type { Json, JsonObject } from "@freshet/protocol";
import type { EventProposal, Property, Proposed, RecordType, Type } from "./proposal.ts";
import { observations } from "./words.ts";

/** A proposal as a JSON Schema of draft 7. Properties that it does not name are allowed. */
export function jsonProposal({ name, content }: EventProposal): JsonObject {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: name,
    ...recordSchema(content),
  };
}

export function recordSchema({ properties }: RecordType): JsonObject {
  const required = properties.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  return {
    type: "object",
    ...(properties.length === 0
      ? {}
      : {
          properties: Object.fromEntries(properties.map((one) => [one.name, propertySchema(one)])),
        }),
    ...(required.length === 0 ? {} : { required }),
  };
}

function propertySchema(property: Property): JsonObject {
  const said = observations(property);
  const schema = valueSchema(property.value);
  return said.length === 0 ? schema : { $comment: said.join("; "), ...schema };
}

function valueSchema({ types, isNullable, isOpen }: Proposed): JsonObject {
  // What was only ever null may be anything.
  if (isOpen || types.length === 0) return {};
  const names = types.map(typeName);
  const type: Json = isNullable ? [...names, "null"] : names;
  const [first] = names;
  return {
    type: names.length === 1 && !isNullable ? (first ?? "null") : type,
    // One keyword holds for one kind of value only, so that those of several types stand side by side.
    ...Object.assign({}, ...types.map((one) => keywords(one, types.length === 1 && !isNullable))),
  };
}

function typeName({ kind }: Type): string {
  switch (kind) {
    case "list":
      return "array";
    case "map":
    case "record":
      return "object";
    case "boolean":
    case "integer":
    case "number":
    case "string":
      return kind;
  }
}

/** `enum` holds for values of any type. */
function keywords(type: Type, isAlone: boolean): JsonObject {
  switch (type.kind) {
    case "boolean":
    case "integer":
    case "number":
      return {};
    case "string":
      if (type.format !== undefined) return { format: type.format };
      return isAlone && isEnumeration(type.values) ? { enum: type.values } : {};
    case "list":
      return withSchema("items", type.items);
    case "map":
      return withSchema("additionalProperties", type.values);
    case "record": {
      const { type: _object, ...rest } = recordSchema(type);
      return rest;
    }
  }
}

/** One text that all have is told, not demanded: the second currency comes some day. */
export function isEnumeration(values: readonly string[] | undefined): values is readonly string[] {
  return values !== undefined && values.length > 1;
}

function withSchema(keyword: string, inside: Proposed): JsonObject {
  const schema = valueSchema(inside);
  return Object.keys(schema).length === 0 ? {} : { [keyword]: schema };
}
