import { FreshetError, type Json } from "@freshet/protocol";
import { describe, expect, it } from "vitest";
import {
  codecOf,
  decodeIndexes,
  frame,
  parseSchema,
  payloadCodecOf,
  type SchemaType,
  schemaDifferences,
  schemaLimits,
  unframe,
} from "../../src/schema/index.ts";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { randomAvro } from "./avro-generator.ts";
import { randomJsonSchema } from "./json-generator.ts";

const runs = Number(process.env.FRESHET_RUNS ?? 1500);

function refused(type: SchemaType, text: string): string {
  try {
    parseSchema(type, text);
  } catch (error) {
    if (error instanceof FreshetError && error.code === "schemaInvalid") return error.message;
    throw error;
  }
  return "";
}

const avro = (schema: unknown) => refused("AVRO", JSON.stringify(schema));
const json = (schema: unknown) => refused("JSON", JSON.stringify(schema));

describe("a hostile schema ends in a clear error", () => {
  it("when it is nested too deep, whatever its kind", () => {
    const deep = 100_000;
    expect(refused("AVRO", "[".repeat(deep))).toMatch(/nested more than 200 deep/);
    expect(refused("JSON", '{"not":'.repeat(deep))).toMatch(/nested more than 200 deep/);
    expect(refused("PROTOBUF", "message M {".repeat(deep / 2))).toMatch(
      /nested more than 200 deep/,
    );
  });

  it("when it is too large, alone or with its references", () => {
    const text = JSON.stringify("x".repeat(schemaLimits.textBytesMax));
    for (const type of ["AVRO", "JSON", "PROTOBUF"] as const)
      expect(refused(type, text)).toMatch(/bytes, at most 1048576 are taken/);
    const many = Array.from({ length: 201 }, (_, at) => ({ name: `${at}`, text: '"int"' }));
    expect(() => parseSchema("AVRO", '"int"', many)).toThrow(/201 references/);
  });

  it("when it refers to itself without going deeper", () => {
    expect(json({ $ref: "#" })).toMatch(/refers to itself without going deeper/);
    expect(json({ allOf: [{ anyOf: [{ $ref: "#" }] }] })).toMatch(/refers to itself/);
    const pair = { a: { $ref: "#/definitions/b" }, b: { not: { $ref: "#/definitions/a" } } };
    expect(json({ definitions: pair, $ref: "#/definitions/a" })).toMatch(/refers to itself/);
  });

  it("when its references multiply", () => {
    const definitions: { [name: string]: Json } = { d30: { type: "string" } };
    for (let at = 29; at >= 0; at--) {
      const next = { $ref: `#/definitions/d${at + 1}` };
      definitions[`d${at}`] = { allOf: [next, next] };
    }
    expect(json({ definitions, $ref: "#/definitions/d0" })).toMatch(/references multiply/);
  });

  it("when a default multiplies, or holds itself", () => {
    const record = (at: number): Json => ({
      type: "record",
      name: `R${at}`,
      fields: ["a", "b"].map((name, index) => ({
        name,
        type: at === 30 ? "int" : index === 0 ? record(at + 1) : `R${at + 1}`,
        default: at === 30 ? 1 : {},
      })),
    });
    expect(avro(record(0))).toMatch(/defaults of the schema hold too many values/);
    const self = { type: "record", name: "R", fields: [{ name: "r", type: "R", default: {} }] };
    expect(avro(self)).toMatch(/defaults of the schema hold too many values/);
  });

  it("when it is too much for a compiler or a parser of others", () => {
    const names = (count: number) => Array.from({ length: count }, (_, at) => `p${at}`);
    const properties = Object.fromEntries(names(20_000).map((name) => [name, { minLength: 1 }]));
    expect(json({ properties })).toMatch(/cannot be compiled/);
    const chain = (wrap: (next: Json) => Json) =>
      Object.fromEntries(
        names(9000).map((name, at) => [name, wrap({ $ref: `#/definitions/p${at + 1}` })]),
      );
    const deep = { ...chain((next) => ({ properties: { a: next } })), p9000: {} };
    expect(json({ definitions: deep, $ref: "#/definitions/p0" })).toMatch(/cannot be compiled/);
    const flat = { ...chain((next) => ({ allOf: [next] })), p9000: {} };
    expect(json({ definitions: flat, $ref: "#/definitions/p0" })).toMatch(/nested too deep/);
    const fields = names(3001).map((name, at) => `string ${name} = ${at + 1};`);
    expect(refused("PROTOBUF", `message M {${fields.join("")}}`)).toMatch(/3000 statements/);
  });

  it("when a pattern cannot be run in linear time, or repeats too much", () => {
    expect(json({ pattern: "(?=a)b" })).toMatch(/cannot be run in linear time/);
    expect(json({ pattern: "(a)\\1" })).toMatch(/cannot be run in linear time/);
    expect(json({ pattern: "((a{100}){100}){100}" })).toMatch(/cannot be run in linear time/);
    expect(json({ pattern: "a".repeat(2001) })).toMatch(/2001 characters/);
    const large = (at: number) => `(${"a".repeat(at % 50)}b){${500 + at}}`;
    const patterns = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [large(at), {}]));
    expect(json({ patternProperties: patterns })).toMatch(/repeat too much/);
  });

  it("when it uses the name of every object's prototype", () => {
    expect(refused("JSON", '{"properties":{"__proto__":{}}}')).toMatch(/"__proto__"/);
    expect(refused("JSON", '{"properties":{"\\u005f_proto__":{}}}')).toMatch(/"__proto__"/);
    expect(avro({ type: "record", name: "__proto__", fields: [] })).toMatch(/__proto__/);
    expect(refused("PROTOBUF", "message __proto__ {}")).toMatch(/"__proto__"/);
  });
});

it("names that objects inherit are names like others", () => {
  const names = ["constructor", "toString", "hasOwnProperty", "valueOf"];
  const fields = names.map((name) => ({ name, type: "int" }));
  const schema = parseSchema(
    "AVRO",
    JSON.stringify({ type: "record", name: "constructor", fields }),
  );
  expect(codecOf(schema).validate({})).toBe(false);
  const value = Object.fromEntries(names.map((name, at) => [name, at]));
  expect(codecOf(schema).decode(codecOf(schema).encode(value))).toEqual(value);
  const closed = parseSchema("JSON", JSON.stringify({ required: names }));
  expect(codecOf(closed).validate({})).toBe(false);
});

it("a pattern that backtracks elsewhere takes no time here", () => {
  const schema = parseSchema("JSON", JSON.stringify({ pattern: "^(a+)+$" }));
  expect(codecOf(schema).validate(`${"a".repeat(30_000)}b`)).toBe(false);
});

it("a value that would take too many steps is not valid, and explained", () => {
  const child = { properties: { a: { $ref: "#" } } };
  const schema = parseSchema(
    "JSON",
    JSON.stringify({
      anyOf: [{ ...child, required: ["z"] }, child, child],
      not: { allOf: [child, child] },
    }),
  );
  let value: Json = {};
  for (let depth = 0; depth < 40; depth++) value = { a: value };
  expect(codecOf(schema).validate(value)).toBe(false);
  expect(codecOf(schema).explain(value)[0]?.message).toMatch(/too many steps/);
});

it("schemas that take too long to compare are called different", () => {
  const branch = (minLength: number) => ({ type: "object", properties: { k: { minLength } } });
  // Each is covered, but only by one far down the list.
  const sizes = Array.from({ length: 1500 }, (_, at) => 2000 - at);
  const parsed = (wider: number) =>
    parseSchema("JSON", JSON.stringify({ anyOf: sizes.map((size) => branch(size - wider)) }));
  expect(schemaDifferences(parsed(1), parsed(0)).length).toBeGreaterThan(0);
  const few = (wider: number) =>
    parseSchema("JSON", JSON.stringify({ anyOf: [3, 2, 1].map((size) => branch(size - wider)) }));
  expect(schemaDifferences(few(1), few(0))).toEqual([]);
});

describe("hostile bytes", () => {
  const array = parseSchema("AVRO", '{"type":"array","items":"null"}');
  const list = {
    type: "record",
    name: "L",
    fields: [{ name: "next", type: ["null", "L"] }],
  };

  it("that claim items without bytes are refused", () => {
    const claim = Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0);
    expect(() => codecOf(array).decode(claim)).toThrow(/more than 200000 items/);
  });

  it("that nest without end are refused", () => {
    const schema = parseSchema("AVRO", JSON.stringify(list));
    expect(() => codecOf(schema).decode(new Uint8Array(100_000).fill(2))).toThrow(
      /nested more than/,
    );
  });

  it("that are cut off, too long or too many are refused", () => {
    const text = parseSchema("AVRO", '"string"');
    expect(() => codecOf(text).decode(Uint8Array.of(200, 1, 65))).toThrow(/ends within a value/);
    expect(() => codecOf(text).decode(Uint8Array.of(2, 65, 0))).toThrow(/1 bytes are left/);
    expect(() => codecOf(text).decode(new Uint8Array(schemaLimits.payloadBytesMax + 1))).toThrow(
      /at most/,
    );
    const long = parseSchema("AVRO", '"long"');
    expect(() => codecOf(long).decode(new Uint8Array(12).fill(255))).toThrow(/64 bits/);
  });

  it("in the frame of the registry are refused", () => {
    expect(() => unframe(Uint8Array.of(0, 0))).toThrow(/2 bytes/);
    expect(() => unframe(Uint8Array.of(1, 0, 0, 0, 1, 2))).toThrow(/byte 1/);
    expect(unframe(frame(0xfffffffe, Uint8Array.of(7)))).toEqual({
      schemaId: 0xfffffffe,
      payload: Uint8Array.of(7),
    });
    expect(() => decodeIndexes(Uint8Array.of(254, 255, 255, 15))).toThrow(FreshetError);
    expect(() => decodeIndexes(Uint8Array.of(2))).toThrow(FreshetError);
  });
});

const schemas = [
  parseSchema(
    "AVRO",
    JSON.stringify({
      type: "record",
      name: "R",
      fields: [
        { name: "a", type: ["null", "string", "R", { type: "map", values: "long" }] },
        {
          name: "b",
          type: { type: "array", items: { type: "enum", name: "E", symbols: ["A", "B"] } },
        },
        { name: "c", type: { type: "bytes", logicalType: "decimal", precision: 20, scale: 4 } },
        { name: "d", type: ["null", { type: "long", logicalType: "timestamp-nanos" }] },
        { name: "e", type: { type: "fixed", name: "F", size: 3 } },
      ],
    }),
  ),
  parseSchema(
    "PROTOBUF",
    `syntax = "proto3"; import "google/protobuf/struct.proto"; import "google/protobuf/any.proto";
    message M { M m = 1; repeated int64 n = 2; map<string, M> o = 3; google.protobuf.Struct s = 4; google.protobuf.Any a = 5; bytes b = 6; oneof c { string d = 7; double e = 8; } }`,
  ),
  parseSchema("JSON", '{"type":"object"}'),
];

function randomBytes(random: Random): Uint8Array {
  return Uint8Array.from({ length: random.below(60) }, () =>
    random.chance(0.5) ? random.below(12) : random.below(256),
  );
}

it("any bytes give a value or a FreshetError, and a value of Avro is of its schema", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    const codecs = schemas.map((schema) => ({
      schema,
      own: codecOf(schema),
      framed: payloadCodecOf(schema),
    }));
    for (let run = 0; run < runs * 4; run++) {
      const { schema, own, framed } = random.pick(codecs);
      const bytes = randomBytes(random);
      try {
        framed.decode(bytes);
        const value = own.decode(bytes);
        if (schema.type === "AVRO") own.explain(value);
      } catch (error) {
        if (!(error instanceof FreshetError)) throw error;
        expect(error.code).toBe("schemaBytes");
      }
    }
  });
}, 60_000);

it("any text, and any damage to a sound one, is a schema or schemaInvalid", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    const seeds = schemas.map(({ type, text }) => ({ type, text }));
    seeds.push({
      type: "JSON",
      text: '{"$id":"x","$ref":"#/definitions/a","definitions":{"a":{"pattern":"^a","items":[{"$ref":"#a"},{"$id":"#a"}],"enum":[1],"if":{},"then":false}}}',
    });
    for (let run = 0; run < runs; run++) {
      const { type, text } = random.pick(seeds);
      const units = [...text];
      for (let count = 1 + random.below(4); count > 0; count--) {
        const at = random.below(units.length);
        const piece = random.pick([
          "",
          "{",
          "}",
          '"',
          "[",
          "]",
          ":",
          ",",
          "0",
          "-",
          "null",
          "#",
          "$ref",
          "type",
          "\u0000",
          "constructor",
          units[random.below(units.length)] ?? "",
        ]);
        units.splice(at, random.below(3), piece);
      }
      try {
        codecOf(parseSchema(type, units.join("")));
      } catch (error) {
        if (!(error instanceof FreshetError))
          throw new Error(`${type}: ${units.join("")}`, { cause: error });
        expect(error.code).toBe("schemaInvalid");
      }
    }
  });
}, 60_000);

/** The schema with one value in it replaced by an odd one. */
function damaged(value: Json, random: Random): Json {
  if (typeof value !== "object" || value === null || random.chance(0.1))
    return random.pick<Json>([
      null,
      true,
      -1,
      1e9,
      "",
      "x",
      "#",
      "R",
      "int",
      [],
      {},
      { type: "R" },
      { $ref: "#" },
      ["null"],
    ]);
  const keys = Object.keys(value);
  const key = keys.length === 0 ? "type" : random.pick(keys);
  const part = (value as { readonly [key: string]: Json })[key] ?? null;
  if (Array.isArray(value) && keys.length === 0) return [0];
  if (Array.isArray(value)) return value.with(Number(key), damaged(part, random)) as Json;
  return { ...value, [random.chance(0.1) ? "default" : key]: damaged(part, random) };
}

it("any odd value in a sound schema leaves a schema or schemaInvalid, which can be compared", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    let sound = 0;
    for (let run = 0; run < runs; run++) {
      const isAvro = random.chance(0.5);
      const type = isAvro ? "AVRO" : "JSON";
      const whole = isAvro ? randomAvro(random) : randomJsonSchema(random, { hasChoices: true });
      const text = JSON.stringify(damaged(damaged(whole, random), random));
      try {
        const schema = parseSchema(type, text);
        const codec = codecOf(schema);
        codec.explain(random.pick<Json>([null, {}, { f0: 1, a: [{}] }, [1], "x"]));
        const original = parseSchema(type, JSON.stringify(whole));
        schemaDifferences(schema, original);
        schemaDifferences(original, schema);
        sound++;
      } catch (error) {
        if (!(error instanceof FreshetError)) throw new Error(`${type}: ${text}`, { cause: error });
        expect(error.code, text).toBe("schemaInvalid");
      }
    }
    expect(sound).toBeGreaterThan(runs / 20);
  });
}, 120_000);
