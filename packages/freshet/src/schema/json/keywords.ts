/** Where the subschemas of a schema are. Names are unique over all drafts; each draft ignores what it does not know. */
export const oneSchema = [
  "additionalProperties",
  "additionalItems",
  "contains",
  "propertyNames",
  "not",
  "if",
  "then",
  "else",
  "unevaluatedProperties",
  "unevaluatedItems",
] as const;

export const listOfSchemas = ["allOf", "anyOf", "oneOf", "prefixItems"] as const;

export const mapOfSchemas = ["properties", "patternProperties", "dependentSchemas"] as const;

export const definitions = ["definitions", "$defs"] as const;

/** Subschemas that look at the very value that the schema looks at. */
export const inPlaceOne = ["not", "if", "then", "else"] as const;
export const inPlaceList = ["allOf", "anyOf", "oneOf"] as const;

export const references = ["$ref", "$dynamicRef", "$recursiveRef"] as const;
