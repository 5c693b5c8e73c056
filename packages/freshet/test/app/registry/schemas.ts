import type { SchemaText, SchemaTypeName } from "../../../src/core/registry/index.ts";
import type { Random } from "../../../src/testing/random.ts";

export const textOf = (schemaType: SchemaTypeName, schema: string): SchemaText => ({
  ...{ schemaType, schema },
  references: [],
});

/** A record whose fields all have a default: each follows each, in every language. */
export function recordOf(type: SchemaTypeName, names: readonly string[]): SchemaText {
  switch (type) {
    case "AVRO": {
      const fields = names.map((name) => ({ name, type: ["null", "string"], default: null }));
      return textOf(type, JSON.stringify({ type: "record", name: "Large", fields }));
    }
    case "JSON": {
      const properties = Object.fromEntries(names.map((name) => [name, { type: "string" }]));
      const closed = { additionalProperties: false };
      return textOf(type, JSON.stringify({ type: "object", properties, ...closed }));
    }
    case "PROTOBUF": {
      const fields = names.map((name) => `string ${name} = ${numberOf(name)};`);
      return textOf(type, `syntax = "proto3"; message Large { ${fields.join(" ")} }`);
    }
  }
}

/** The same number for a field's name in every version. */
const numberOf = (name: string) => Number(name.replace(/\D/g, "")) + 1;

export const fieldNames = (count: number) => Array.from({ length: count }, (_, at) => `f${at}`);

/** Choices that share nothing, each of which has to be held against each: the comparison's limit of steps ends it. */
export function manyChoices(count: number, word: string): string {
  const anyOf = Array.from({ length: count }, (_, at) => ({
    properties: { [`a${at}`]: { enum: [at, word] } },
    required: [`a${at}`],
  }));
  return JSON.stringify({ anyOf });
}

/** Small, and now and then wrong. */
export function randomText(random: Random): SchemaText {
  const type = random.pick(["AVRO", "JSON", "PROTOBUF"] as const);
  if (random.chance(0.2)) return textOf(type, random.pick(["", "{", "message", '{"type":"x"}']));
  const names = fieldNames(6).filter(() => random.chance(0.6));
  const { schema } = recordOf(type, names);
  const isStrict = type === "AVRO" && random.chance(0.4);
  const strict = isStrict ? schema.replaceAll(',"default":null', "") : schema;
  return textOf(type, random.chance(0.3) ? ` ${strict} ` : strict);
}
