import type { Json, JsonObject } from "@freshet/protocol";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { expect, test } from "vitest";
import { jsonDifferences } from "../../src/schema/json/compatible/covers.ts";
import { compileJson } from "../../src/schema/json/compile.ts";
import { parseJsonSchema } from "../../src/schema/json/parse.ts";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import {
  changedJsonSchema,
  type JsonOptions,
  jsonValue,
  randomJsonSchema,
} from "./json-generator.ts";

const pairs = Number(process.env.FRESHET_RUNS ?? 250);

/** The judge: the validator by itself, which fills in defaults as a reader does where something is missing. */
function judgeOf(schema: JsonObject): (value: Json) => boolean {
  const [plain, filled] = [false, true].map((useDefaults) => {
    const ajv = new Ajv({ strict: false, ownProperties: true, useDefaults, logger: false });
    formats.default(ajv);
    return ajv.compile(schema);
  });
  return (value) => plain?.(value) === true || filled?.(structuredClone(value)) === true;
}

interface Versions {
  readonly older: JsonObject;
  readonly newer: JsonObject;
}

/** What the older version allows and the newer one does not; `tried` counts the values that the older one allows. */
function counterexample({ older, newer }: Versions, random: Random, tries: number) {
  const isOlder = judgeOf(older);
  const isNewer = judgeOf(newer);
  let tried = 0;
  for (let count = 0; count < tries; count++) {
    const from = random.chance(0.8) ? older : newer;
    const value = jsonValue(from, from, random);
    if (!isOlder(value)) continue;
    tried++;
    if (!isNewer(value)) return { tried, value };
  }
  return { tried, value: undefined };
}

function parsed(schema: JsonObject) {
  return parseJsonSchema(JSON.stringify(schema), []);
}

/** Differences that are reported where nothing is decided; the page on schemas names them. */
const conservative: ReadonlySet<string> = new Set([
  ...["COMBINED_TYPE_CHANGED", "NOT_TYPE_EXTENDED", "SUM_TYPE_NARROWED", "PATTERN_CHANGED"],
  ...["PATTERN_ADDED", "MIN_CONTAINS_ADDED", "MIN_CONTAINS_INCREASED"],
]);

function runPairs(random: Random, options: JsonOptions) {
  const counts = { compatible: 0, shown: 0, empty: 0, conservative: 0 };
  const unshown: string[] = [];
  for (let run = 0; run < pairs; run++) {
    const older = randomJsonSchema(random, options);
    const newer = changedJsonSchema(random, older, options);
    const both = `${JSON.stringify(older)}\n-> ${JSON.stringify(newer)}`;
    const differences = jsonDifferences(parsed(newer), parsed(older));
    const tries = differences.length === 0 ? 40 : 1500;
    const { tried, value } = counterexample({ older, newer }, random, tries);
    if (differences.length === 0) {
      counts.compatible++;
      expect(value, both).toBe(undefined);
    } else if (value !== undefined) counts.shown++;
    else if (tried === 0) counts.empty++;
    else if (options.hasChoices || differences.some(({ kind }) => conservative.has(kind)))
      counts.conservative++;
    else unshown.push(`${both}\n${JSON.stringify(differences)}`);
  }
  return { counts, unshown };
}

test("without choices: compatible reads, and what is not has a counterexample", () => {
  withSeed(import.meta.url, (seed) => {
    const { counts, unshown } = runPairs(randomOf(seed), { hasChoices: false });
    expect(counts.compatible).toBeGreaterThan(pairs / 10);
    expect(counts.shown, JSON.stringify(counts)).toBeGreaterThan(pairs / 10);
    // Values of a part that is hard to reach may be missed, in one of twenty-five pairs.
    expect(unshown.length, unshown.join("\n\n")).toBeLessThan(pairs / 25);
  });
}, 300_000);

test("with choices: compatible reads; what is called incompatible mostly has a counterexample", () => {
  withSeed(import.meta.url, (seed) => {
    const { counts } = runPairs(randomOf(seed), { hasChoices: true });
    expect(counts.compatible).toBeGreaterThan(pairs / 10);
    expect(counts.shown, JSON.stringify(counts)).toBeGreaterThan(pairs / 10);
    expect(counts.conservative, JSON.stringify(counts)).toBeLessThan(counts.shown / 3);
  });
}, 300_000);

test("a schema validates as the validator by itself does", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    for (let run = 0; run < pairs / 4; run++) {
      const schema = randomJsonSchema(random, { hasChoices: true });
      const judge = judgeOf(schema);
      const own = compileJson(parsed(schema));
      for (let count = 0; count < 20; count++) {
        const value = jsonValue(schema, schema, random);
        expect(own.validate(value), JSON.stringify([schema, value])).toBe(judge(value));
      }
    }
  });
}, 120_000);
