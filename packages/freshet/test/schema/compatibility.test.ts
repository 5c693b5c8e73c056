import { describe, expect, it } from "vitest";
import { type CompatibilityLevel, compatibilityLevels } from "../../src/core/registry/index.ts";
import {
  checkCompatibility,
  parseSchema,
  type SchemaType,
  schemaDifferences,
} from "../../src/schema/index.ts";

/** A case by hand: what the old version is, what the new one is, and the differences of a backward check. */
type Case = readonly [older: unknown, newer: unknown, ...differences: string[]];

function differences(type: SchemaType, older: unknown, newer: unknown): string[] {
  const text = (schema: unknown) =>
    typeof schema === "string" && type === "PROTOBUF" ? schema : JSON.stringify(schema);
  return schemaDifferences(parseSchema(type, text(newer)), parseSchema(type, text(older))).map(
    ({ kind, path }) => `${kind} ${path}`,
  );
}

const record = (...fields: object[]) => ({ type: "record", name: "R", fields });
const field = (type: unknown, more: object = {}) => ({ name: "f", type, ...more });
const letters = (symbols: string[], more: object = {}) => ({
  type: "enum",
  name: "E",
  symbols,
  ...more,
});
const fixed = (size: number) => ({ type: "fixed", name: "F", size });
const decimal = (scale: number) => ({ type: "bytes", logicalType: "decimal", precision: 9, scale });

const avro: { readonly [name: string]: Case } = {
  "a field without default": [
    record(),
    record(field("int")),
    "READER_FIELD_MISSING_DEFAULT_VALUE /fields/0",
  ],
  "a field with default": [record(), record(field("int", { default: 1 }))],
  "a field less": [record(field("int")), record()],
  "another type": [record(field("int")), record(field("string")), "TYPE_MISMATCH /fields/0/type"],
  "a wider type": [record(field("int")), record(field("double"))],
  "a narrower type": [record(field("long")), record(field("int")), "TYPE_MISMATCH /fields/0/type"],
  "another name of the record": [record(), { ...record(), name: "S" }, "NAME_MISMATCH /name"],
  "another name with an alias": [record(), { ...record(), name: "S", aliases: ["R"] }],
  "another namespace": [record(), { ...record(), namespace: "a.b" }],
  "a renamed field with an alias": [
    record(field("int")),
    record({ name: "g", type: "int", aliases: ["f"] }),
  ],
  "two sources of one field": [
    record(field("int"), { name: "g", type: "int" }),
    record(field("int", { aliases: ["g"] })),
    "NAME_MISMATCH /fields/0/aliases",
  ],
  "a symbol less": [letters(["A", "B"]), letters(["A"]), "MISSING_ENUM_SYMBOLS /symbols"],
  "a symbol less with a default": [letters(["A", "B"]), letters(["A"], { default: "A" })],
  "another size": [fixed(2), fixed(3), "FIXED_SIZE_MISMATCH /size"],
  "a branch less": [["null", "int", "string"], ["null", "string"], "MISSING_UNION_BRANCH /1"],
  "a branch more": [
    ["null", "int"],
    ["null", "string", "int"],
  ],
  "a union around": ["int", ["null", "int"]],
  "a union taken away": [["null", "int"], "int", "TYPE_MISMATCH /"],
  "items of another type": [
    { type: "array", items: "int" },
    { type: "array", items: "string" },
    "TYPE_MISMATCH /items",
  ],
  "another scale": [decimal(2), decimal(3), "TYPE_MISMATCH /"],
};

const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });
const closed = { additionalProperties: false };
const text = { type: "string" };

const json: { readonly [name: string]: Case } = {
  "a property taken out of an open model": [object({ a: text }), object({})],
  "a property taken out of a closed model": [
    object({ a: text }, closed),
    object({}, closed),
    "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a",
  ],
  "an optional property added to an open model": [
    object({}),
    object({ a: text }),
    "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a",
  ],
  "an optional property added to a closed model": [object({}, closed), object({ a: text }, closed)],
  "a required property added to a closed model": [
    object({}, closed),
    object({ a: text }, { ...closed, required: ["a"] }),
    "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a",
  ],
  "a required property with a default": [
    object({}, closed),
    object({ a: { ...text, default: "x" } }, { ...closed, required: ["a"] }),
  ],
  "a required property with a default that is wrong itself": [
    object({}, closed),
    object({ a: { ...text, default: 1 } }, { ...closed, required: ["a"] }),
    "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a",
  ],
  "a required property with a default that a pattern refuses": [
    object({}, { ...closed, patternProperties: { "^a": { type: "string", minLength: 2 } } }),
    object(
      { a: { ...text, default: "x" } },
      {
        ...closed,
        patternProperties: { "^a": { type: "string", minLength: 2 } },
        required: ["a"],
      },
    ),
    "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a",
  ],
  "a property that becomes required": [
    object({ a: text }),
    object({ a: text }, { required: ["a"] }),
    "REQUIRED_ATTRIBUTE_ADDED #/required/a",
  ],
  "a model that is closed": [
    object({}),
    object({}, closed),
    "ADDITIONAL_PROPERTIES_REMOVED #/additionalProperties",
  ],
  "additional properties of fewer kinds": [
    object({}, { additionalProperties: { type: ["string", "null"] } }),
    object({}, { additionalProperties: text }),
    "ADDITIONAL_PROPERTIES_NARROWED #/additionalProperties",
  ],
  "a type less": [{ type: ["string", "null"] }, text, "TYPE_NARROWED #/type"],
  "a type more": [text, { type: ["string", "null"] }],
  "another type": [text, { type: "integer" }, "TYPE_CHANGED #/type"],
  "integer to number": [{ type: "integer" }, { type: "number" }],
  "number to integer": [{ type: "number" }, { type: "integer" }, "TYPE_NARROWED #/type"],
  "a longer minimum": [
    { ...text, minLength: 1 },
    { ...text, minLength: 2 },
    "MIN_LENGTH_INCREASED #/minLength",
  ],
  "a maximum that is lower": [
    { ...text, maxLength: 5 },
    { ...text, maxLength: 4 },
    "MAX_LENGTH_DECREASED #/maxLength",
  ],
  "a new pattern": [text, { ...text, pattern: "^a" }, "PATTERN_ADDED #/pattern"],
  "another pattern": [
    { ...text, pattern: "a" },
    { ...text, pattern: "^a" },
    "PATTERN_CHANGED #/pattern",
  ],
  "a new format": [text, { ...text, format: "email" }, "FORMAT_ADDED #/format"],
  "a bound of numbers": [
    { type: "number" },
    { type: "number", minimum: 0 },
    "MINIMUM_ADDED #/minimum",
  ],
  "an exclusive bound": [
    { type: "number", maximum: 5 },
    { type: "number", exclusiveMaximum: 5 },
    "EXCLUSIVE_MAXIMUM_DECREASED #/exclusiveMaximum",
  ],
  "a multiple of a multiple": [
    { type: "integer", multipleOf: 2 },
    { type: "integer", multipleOf: 4 },
    "MULTIPLE_OF_EXPANDED #/multipleOf",
  ],
  "an enum with less": [{ enum: ["a", "b"] }, { enum: ["a"] }, "ENUM_ARRAY_NARROWED #/enum"],
  "an enum with more": [{ enum: ["a"] }, { enum: ["a", "b"] }],
  "another enum": [{ enum: ["a", "b"] }, { enum: ["a", "c"] }, "ENUM_ARRAY_CHANGED #/enum"],
  "an enum that becomes free": [{ enum: ["a"] }, text],
  "unique items": [
    { type: "array" },
    { type: "array", uniqueItems: true },
    "UNIQUE_ITEMS_ADDED #/uniqueItems",
  ],
  "a branch less": [
    { anyOf: [text, { type: "null" }] },
    { anyOf: [text] },
    "SUM_TYPE_NARROWED #/anyOf",
  ],
  "a branch more": [
    { oneOf: [text, { type: "null" }] },
    { oneOf: [text, { type: "null" }, { type: "integer" }] },
  ],
  "a product with more": [
    { allOf: [text] },
    { allOf: [text, { minLength: 1 }] },
    "MIN_LENGTH_ADDED #/allOf/1/minLength",
  ],
  "something excluded": [text, { ...text, not: { pattern: "a" } }, "NOT_TYPE_EXTENDED #/not"],
  "a reference that says the same": [
    object({ a: text }),
    { definitions: { t: text }, ...object({ a: { $ref: "#/definitions/t" } }) },
  ],
  "a schema that holds itself": [
    object({ next: { $ref: "#" }, a: { type: "integer" } }, closed),
    object({ next: { $ref: "#" }, a: { type: "number" } }, closed),
  ],
  "an exclusive bound of draft 4": [
    { $schema: "http://json-schema.org/draft-04/schema#", type: "number", minimum: 1 },
    {
      $schema: "http://json-schema.org/draft-04/schema#",
      type: "number",
      minimum: 1,
      exclusiveMinimum: true,
    },
    "EXCLUSIVE_MINIMUM_INCREASED #/exclusiveMinimum",
  ],
  "a tuple of draft 2020-12": [
    {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "array",
      prefixItems: [text],
      items: false,
    },
    { $schema: "https://json-schema.org/draft/2020-12/schema", type: "array", items: false },
    "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/0",
  ],
};

const proto = (body: string, head = "package a;") => `syntax = "proto3"; ${head} ${body}`;
const required = (body: string) => `syntax = "proto2"; message M { ${body} }`;

const protobuf: { readonly [name: string]: Case } = {
  "a field more": [proto("message M { }"), proto("message M { int32 a = 1; }")],
  "a field less": [proto("message M { int32 a = 1; }"), proto("message M { }")],
  "another package": [
    proto("message M {}"),
    proto("message M {}", "package b;"),
    "PACKAGE_CHANGED #/",
  ],
  "a message less": [
    proto("message M {} message N {}"),
    proto("message M {}"),
    "MESSAGE_REMOVED #/N",
  ],
  "a type of the same group": [
    proto("message M { int32 a = 1; }"),
    proto("message M { uint64 a = 1; }"),
  ],
  "a type of another group": [
    proto("message M { int32 a = 1; }"),
    proto("message M { sint32 a = 1; }"),
    "FIELD_SCALAR_KIND_CHANGED #/M/a",
  ],
  "a message for a scalar": [
    proto("message M { int32 a = 1; }"),
    proto("message M { M a = 1; }"),
    "FIELD_KIND_CHANGED #/M/a",
  ],
  "another message": [
    proto("message M { M a = 1; } message N {}"),
    proto("message M { N a = 1; } message N {}"),
    "FIELD_NAMED_TYPE_CHANGED #/M/a",
  ],
  "repeated numbers": [
    proto("message M { int32 a = 1; }"),
    proto("message M { repeated int32 a = 1; }"),
    "FIELD_NUMERIC_LABEL_CHANGED #/M/a",
  ],
  "repeated texts": [
    proto("message M { string a = 1; }"),
    proto("message M { repeated string a = 1; }"),
  ],
  "a required field more": [
    required(""),
    required("required int32 a = 1;"),
    "REQUIRED_FIELD_ADDED #/M/a",
  ],
  "a required field less": [
    required("required int32 a = 1;"),
    required(""),
    "REQUIRED_FIELD_REMOVED #/M/a",
  ],
  "one field into a new oneof": [
    proto("message M { int32 a = 1; }"),
    proto("message M { oneof o { int32 a = 1; } }"),
  ],
  "two fields into a oneof": [
    proto("message M { int32 a = 1; int32 b = 2; }"),
    proto("message M { oneof o { int32 a = 1; int32 b = 2; } }"),
    "MULTIPLE_FIELDS_MOVED_TO_ONEOF #/M/o",
  ],
  "a field into an existing oneof": [
    proto("message M { int32 a = 1; oneof o { int32 b = 2; } }"),
    proto("message M { oneof o { int32 b = 2; int32 a = 1; } }"),
    "FIELD_MOVED_TO_EXISTING_ONEOF #/M/o",
  ],
  "a field out of a oneof": [
    proto("message M { oneof o { int32 a = 1; int32 b = 2; } }"),
    proto("message M { oneof o { int32 a = 1; } }"),
    "ONEOF_FIELD_REMOVED #/M/o/b",
  ],
  "a reserved number": [
    proto("message M { reserved 1; }"),
    proto("message M { int32 a = 1; }"),
    "RESERVED_NUMBER_REUSED #/M/a",
  ],
  "an enum that grows": [proto("enum E { A = 0; }"), proto("enum E { A = 0; B = 1; }")],
};

describe.each([
  ["AVRO", avro],
  ["JSON", json],
  ["PROTOBUF", protobuf],
] as const)("a new version of %s with", (type, cases) => {
  it.each(Object.entries(cases))("%s", (_name, [older, newer, ...expected]) => {
    expect(differences(type, older, newer)).toEqual(expected);
  });
});

describe("a level", () => {
  const version = (version: number, ...fields: object[]) => ({
    version,
    schema: parseSchema("AVRO", JSON.stringify(record(...fields))),
  });
  const optional = field("int", { default: 1 });
  const plain = field("int");
  // The first has nothing, the second an optional field; the new one has the field without a default.
  const earlier = [version(1), version(2, optional)];
  const fits = (level: CompatibilityLevel) =>
    checkCompatibility(level, version(3, plain).schema, earlier).isCompatible;

  it("looks at the versions and in the directions that its name says", () => {
    expect(Object.fromEntries(compatibilityLevels.map((level) => [level, fits(level)]))).toEqual({
      NONE: true,
      BACKWARD: true,
      BACKWARD_TRANSITIVE: false,
      FORWARD: true,
      FORWARD_TRANSITIVE: true,
      FULL: true,
      FULL_TRANSITIVE: false,
    });
  });

  it("says what differs, from which version, in the registry's form", () => {
    const { messages } = checkCompatibility(
      "BACKWARD_TRANSITIVE",
      version(3, plain).schema,
      earlier,
    );
    expect(messages).toEqual([
      "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'field \"f\" of the new schema has no " +
        "default and is missing in the old schema at path '/fields/0'', additionalInfo:'f'}",
      "{oldSchemaVersion: 1}",
      "{compatibility: 'BACKWARD_TRANSITIVE'}",
    ]);
  });

  it("takes no schema of another kind", () => {
    const other = parseSchema("JSON", "{}");
    const { differences } = checkCompatibility("BACKWARD", other, earlier);
    expect(differences.map(({ kind }) => kind)).toEqual(["SCHEMA_TYPE_CHANGED"]);
    expect(checkCompatibility("NONE", other, earlier).isCompatible).toBe(true);
  });
});
