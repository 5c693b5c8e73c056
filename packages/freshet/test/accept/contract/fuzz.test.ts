/** Schemas that were damaged at random, and events of any kind against what is left of them. */
import type { JsonObject } from "@freshet/protocol";
import { expect, it } from "vitest";
import { checkContracts, compileContracts } from "../../../src/accept/index.ts";
import type { SchemaLanguage } from "../../../src/core/plan/definition.ts";
import * as p from "../../../src/core/plan/index.ts";
import { type Random, randomOf } from "../../../src/testing/random.ts";
import { withSeed } from "../../../src/testing/seed.ts";

const texts: { readonly [Language in SchemaLanguage]: readonly string[] } = {
  JSON: [
    '{"type":"object","properties":{"a":{"type":"string","pattern":"^(a|b)*$"},"b":{"$ref":"#/definitions/t"}},"required":["a"],"definitions":{"t":{"type":"array","items":{"$ref":"#/definitions/t"}}}}',
    '{"$schema":"https://json-schema.org/draft/2020-12/schema","properties":{"a":{"enum":[1,"x"]}},"patternProperties":{"^x":{"minimum":3}},"unevaluatedProperties":false,"anyOf":[{"required":["a"]},{"required":["b"]}]}',
  ],
  AVRO: [
    '{"type":"record","name":"A","namespace":"n.s","fields":[{"name":"a","type":"string"},{"name":"b","type":["null",{"type":"array","items":"n.s.A"}],"default":null}]}',
    '{"type":"record","name":"B","fields":[{"name":"a","type":{"type":"enum","name":"E","symbols":["x","y"]}},{"name":"b","type":{"type":"map","values":"long"}},{"name":"c","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}}]}',
  ],
  PROTOBUF: [
    'syntax = "proto3"; package s; import "google/protobuf/timestamp.proto"; message M { string a = 1; repeated M b = 2; map<string, int64> c = 3; google.protobuf.Timestamp at = 4; oneof d { bool x = 5; E y = 6; } enum E { NO = 0; } }',
    'syntax = "proto2"; message M { required string a = 1; optional bytes b = 2 [default = "x"]; }',
  ],
};

const scraps = [
  '"',
  "{",
  "}",
  "[",
  "]",
  ",",
  "null",
  "0",
  "-1",
  "1e999",
  "\\u0000",
  "type",
  "$ref",
  "#/",
  "__proto__",
  "message X {",
  ";",
  "= 1",
];

function damaged(random: Random, text: string): string {
  let result = text;
  for (let hit = random.below(4); hit > 0; hit--) {
    const at = random.below(result.length + 1);
    const end = Math.min(result.length, at + random.below(12));
    const middle = random.pick(["", random.pick(scraps), result.slice(at, end).repeat(2)]);
    result = result.slice(0, at) + middle + result.slice(end);
  }
  return result;
}

function schemaOf(language: SchemaLanguage, text: string): p.Schema<unknown> {
  if (language === "JSON") return p.jsonSchema(text);
  return language === "AVRO" ? p.avroSchema(text) : p.protobufSchema(text);
}

const values = [
  "x",
  "ab",
  "",
  0,
  3,
  -1.5,
  1e300,
  true,
  null,
  [],
  [[["a"]]],
  ["x", 1],
  {},
  { a: "x" },
];

function randomContent(random: Random): JsonObject {
  const names = ["a", "b", "c", "x", "at", "toString", "constructor", "x~/y"];
  return Object.fromEntries(
    names.filter(() => random.chance(0.4)).map((name) => [name, random.pick(values)]),
  ) as JsonObject;
}

it("end in a plan's error or in a judgement, and never in anything else", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    const seen = { refused: 0, met: 0, broken: 0 };
    for (let round = 0; round < 600; round++) {
      const language = random.pick(["JSON", "AVRO", "PROTOBUF"] as const);
      const made = schemaOf(language, damaged(random, random.pick(texts[language])));
      const plan = p.definePlan({ name: "t", events: [p.event("E", made)], features: [] });
      try {
        checkContracts(plan);
      } catch (error) {
        expect(error).toBeInstanceOf(p.PlanError);
        seen.refused++;
        continue;
      }
      const contracts = compileContracts(plan.definition.events);
      for (let turn = 0; turn < 10; turn++) {
        const content = randomContent(random);
        const before = JSON.stringify(content);
        const judged = contracts.judge({
          name: "E",
          content,
          field: "properties",
          said: undefined,
        });
        expect(["met", "broken"]).toContain(judged.kind);
        seen[judged.kind === "met" ? "met" : "broken"]++;
        if (judged.kind === "broken")
          expect(judged.issue).toMatchObject({ code: "contractViolated", schema: "E@1" });
        expect(JSON.stringify(content)).toBe(before);
      }
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20);
  });
});
