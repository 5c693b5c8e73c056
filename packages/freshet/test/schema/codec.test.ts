import type { Json } from "@freshet/protocol";
import { describe, expect, it } from "vitest";
import {
  avroParsingForm,
  codecOf,
  encodeIndexes,
  frame,
  parseSchema,
  payloadCodecOf,
  type SchemaReference,
  unframe,
} from "../../src/schema/index.ts";

const avro = (schema: unknown, references: SchemaReference[] = []) =>
  parseSchema("AVRO", JSON.stringify(schema), references);

describe("logical types of Avro are plain JSON", () => {
  const cases: readonly (readonly [schema: object, value: Json, alsoTaken?: Json])[] = [
    [{ type: "int", logicalType: "date" }, "2026-05-04", 20577],
    [{ type: "int", logicalType: "time-millis" }, "11:00:00.005", 39_600_005],
    [{ type: "long", logicalType: "time-micros" }, "11:00:00.000005", "11:00:00.000005"],
    [
      { type: "long", logicalType: "timestamp-millis" },
      "2026-05-04T11:00:00.005Z",
      "2026-05-04T13:00:00.005+02:00",
    ],
    [{ type: "long", logicalType: "timestamp-micros" }, "1969-12-31T23:59:59.999999Z", -1],
    [{ type: "long", logicalType: "timestamp-nanos" }, "2026-05-04T11:00:00.000000001Z"],
    [{ type: "long", logicalType: "local-timestamp-millis" }, "2026-05-04T11:00:00.000"],
    [{ type: "bytes", logicalType: "decimal", precision: 9, scale: 2 }, "-12.30", -12.3],
    [
      { type: "fixed", name: "F", size: 8, logicalType: "decimal", precision: 18, scale: 0 },
      "123456789012345678",
    ],
    [{ type: "string", logicalType: "uuid" }, "123e4567-e89b-12d3-a456-426614174000"],
    [
      { type: "fixed", name: "F", size: 16, logicalType: "uuid" },
      "123e4567-e89b-12d3-a456-426614174000",
    ],
    [{ type: "long" }, "9223372036854775807", "9223372036854775807"],
    [{ type: "double" }, "NaN"],
    [{ type: "bytes" }, "AP8="],
  ];

  it.each(cases.map(([schema, value, other]) => ({ schema, value, other: other ?? value })))(
    "$schema",
    ({ schema, value, other }) => {
      const codec = codecOf(avro(schema));
      expect(codec.decode(codec.encode(value))).toBe(value);
      expect(codec.decode(codec.encode(other))).toBe(value);
    },
  );

  it("refuses what would lose digits, and what is no date", () => {
    const decimal = codecOf(
      avro({ type: "bytes", logicalType: "decimal", precision: 4, scale: 2 }),
    );
    for (const value of ["1.234", "100.00", "1e3", ""]) expect(decimal.validate(value)).toBe(false);
    const timestamp = codecOf(avro({ type: "long", logicalType: "timestamp-millis" }));
    for (const value of [
      "2026-02-30T00:00:00Z",
      "2026-05-04T11:00:00",
      "2026-05-04T11:00:00.0001Z",
    ])
      expect(timestamp.validate(value)).toBe(false);
  });
});

describe("a union of Avro", () => {
  it("has its values as they are where their kind tells the branch", () => {
    const codec = codecOf(avro(["null", "string", "long", { type: "array", items: "int" }]));
    for (const value of [null, "x", 5, [1]])
      expect(codec.decode(codec.encode(value))).toEqual(value);
    const escaped = { long: "9007199254740993" };
    expect(codec.decode(codec.encode(escaped))).toEqual(escaped);
  });

  it("names the branch where it does not", () => {
    const codec = codecOf(avro(["int", "double", { type: "map", values: "int" }]));
    expect(codec.decode(codec.encode({ double: 5 }))).toEqual({ double: 5 });
    expect(codec.decode(codec.encode(5))).toEqual({ int: 5 });
    expect(codec.decode(codec.encode({ a: 5 }))).toEqual({ map: { a: 5 } });
  });
});

it("a value that is not of the schema is refused with its place, and explained whole", () => {
  const schemas = [
    avro({
      type: "record",
      name: "R",
      fields: [{ name: "a/b", type: "int" }].map(() => ({
        name: "a",
        type: { type: "array", items: "int" },
      })),
    }),
    parseSchema("JSON", '{"properties":{"a":{"items":{"type":"integer"}}}}'),
    parseSchema(
      "PROTOBUF",
      'syntax = "proto3"; message M { repeated N a = 1; message N { int32 b = 1; } }',
    ),
  ];
  const [avroSchema, jsonSchema, protobufSchema] = schemas.map((schema) => codecOf(schema));
  for (const codec of [avroSchema, jsonSchema]) {
    expect(codec?.explain({ a: [1, "x", 2.5] }).map(({ path }) => path)).toEqual(["/a/1", "/a/2"]);
    expect(() => codec?.encode({ a: [1, "x"] })).toThrow(
      expect.objectContaining({ code: "schemaValue", message: expect.stringContaining('"/a/1"') }),
    );
  }
  expect(
    protobufSchema?.explain({ a: [{ b: 1 }, { b: "x" }, { c: 1 }] }).map(({ path }) => path),
  ).toEqual(["/a/1/b", "/a/2/c"]);
  expect(() => protobufSchema?.encode({ a: 1 })).toThrow(
    expect.objectContaining({ code: "schemaValue" }),
  );
});

describe("references", () => {
  it("of Avro define types, in any order", () => {
    const references = [
      {
        name: "b",
        text: JSON.stringify({
          type: "record",
          name: "B",
          namespace: "x",
          fields: [{ name: "a", type: "A" }],
        }),
      },
      {
        name: "a",
        text: JSON.stringify({ type: "enum", name: "A", namespace: "x", symbols: ["ONE"] }),
      },
    ];
    const codec = codecOf(avro({ type: "array", items: "x.B" }, references));
    expect(codec.decode(codec.encode([{ a: "ONE" }]))).toEqual([{ a: "ONE" }]);
    expect(() => avro("x.B", references.slice(0, 1))).toThrow(
      /reference "b": the type "x.A" is not defined/,
    );
  });

  it("of JSON Schema are found by name, by address and by anchor", () => {
    const other = JSON.stringify({
      $id: "https://a.b/other.json",
      definitions: { n: { $id: "#n", type: "integer" } },
    });
    const references = [{ name: "other", text: other }];
    for (const ref of ["other#/definitions/n", "https://a.b/other.json#n", "other#n"]) {
      const codec = codecOf(
        parseSchema("JSON", JSON.stringify({ properties: { a: { $ref: ref } } }), references),
      );
      expect([codec.validate({ a: 1 }), codec.validate({ a: "x" })]).toEqual([true, false]);
    }
    expect(() => parseSchema("JSON", '{"$ref":"else"}', references)).toThrow(
      /not among its references/,
    );
  });

  it("of Protobuf are imports; Google's own files need none", () => {
    const text =
      'syntax = "proto3"; import "other.proto"; import "google/protobuf/timestamp.proto"; message M { o.O o = 1; google.protobuf.Timestamp at = 2; }';
    const codec = codecOf(
      parseSchema("PROTOBUF", text, [
        { name: "other.proto", text: 'syntax = "proto3"; package o; message O { int64 n = 1; }' },
      ]),
    );
    const value = { o: { n: "5" }, at: "2026-05-04T11:00:00Z" };
    expect(codec.decode(codec.encode(value))).toEqual(value);
    expect(() => parseSchema("PROTOBUF", text)).toThrow(/"other.proto" is neither a reference/);
  });
});

describe("drafts of JSON Schema", () => {
  const cases = [
    ["http://json-schema.org/draft-04/schema#", { minimum: 1, exclusiveMinimum: true }, 2, 1],
    ["http://json-schema.org/draft-06/schema#", { const: 1 }, 1, 2],
    [
      "http://json-schema.org/draft-07/schema#",
      Object.fromEntries([
        ["if", { type: "string" }] as const,
        ["then", { minLength: 1 }] as const,
      ]),
      "a",
      "",
    ],
    [
      "https://json-schema.org/draft/2019-09/schema",
      { properties: { a: {} }, unevaluatedProperties: false },
      { a: 1 },
      { b: 1 },
    ],
    [
      "https://json-schema.org/draft/2020-12/schema",
      { prefixItems: [{ type: "string" }] },
      ["a"],
      [1],
    ],
  ] as const;

  it.each(cases)("%s", ($schema, rest, right, wrong) => {
    const codec = codecOf(parseSchema("JSON", JSON.stringify({ $schema, ...rest })));
    expect([codec.validate(right), codec.validate(wrong as Json)]).toEqual([true, false]);
  });

  it("ask an empty array what it contains, also beside a list of items", () => {
    const { validate } = codecOf(
      parseSchema(
        "JSON",
        JSON.stringify({
          type: "array",
          items: [{ type: "string" }],
          contains: { type: "number" },
        }),
      ),
    );
    expect([[], ["a"], ["a", 1]].map((value) => validate(value))).toEqual([false, false, true]);
  });

  it("that are unknown, and keywords that a draft does not allow, are refused", () => {
    expect(() => parseSchema("JSON", '{"$schema":"https://a.b/c"}')).toThrow(
      /expected one of drafts/,
    );
    expect(() => parseSchema("JSON", '{"type":"text"}')).toThrow(/not of draft 7/);
  });
});

it("the wire format is the registry's, with the place of a Protobuf message", () => {
  const schema = parseSchema(
    "PROTOBUF",
    'syntax = "proto3"; message A { message B { int32 n = 1; } } message C { }',
  );
  expect([...frame(7, payloadCodecOf(schema, { message: "A" }).encode({}))]).toEqual([
    0, 0, 0, 0, 7, 0,
  ]);
  const payload = payloadCodecOf(schema, { message: "A.B" }).encode({ n: 1 });
  expect([...payload]).toEqual([4, 0, 0, 8, 1]);
  expect(payloadCodecOf(schema).decode(payload)).toEqual({ n: 1 });
  expect([...encodeIndexes([1])]).toEqual([2, 2]);
  expect(unframe(frame(258, payload))).toEqual({ schemaId: 258, payload });
});

it("normalised texts are one for what means the same", () => {
  const one = {
    type: "record",
    name: "R",
    namespace: "a",
    doc: "x",
    fields: [{ type: "R", name: "f" }],
  };
  const other = {
    namespace: "a",
    fields: [{ name: "f", type: "a.R" }],
    doc: "x",
    name: "R",
    type: "record",
  };
  expect(avro(one).normalized()).toBe(avro(other).normalized());
  expect(avro(one).identity()).not.toBe(avro(other).identity());
  expect(avroParsingForm(one)).toBe(
    '{"name":"a.R","type":"record","fields":[{"name":"f","type":"a.R"}]}',
  );
  const json = parseSchema("JSON", '{ "b": 1, "a": { "d": 1, "c": 2 } }');
  expect([json.identity(), json.normalized()]).toEqual([
    '{"b":1,"a":{"d":1,"c":2}}',
    '{"a":{"c":2,"d":1},"b":1}',
  ]);
});
