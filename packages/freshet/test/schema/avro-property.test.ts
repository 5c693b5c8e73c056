import avsc from "avsc";
import { expect, test } from "vitest";
import { avroDifferences } from "../../src/schema/avro/compatible.ts";
import { parseAvro } from "../../src/schema/avro/parse.ts";
import type { AvroSchema } from "../../src/schema/avro/schema.ts";
import { codecOf } from "../../src/schema/index.ts";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { avroValue, changedAvro, randomAvro } from "./avro-generator.ts";

const pairs = Number(process.env.FRESHET_RUNS ?? 3000);
const values = 12;

function parsed(schema: unknown): AvroSchema {
  return parseAvro(JSON.stringify(schema), []);
}

test("any value comes back from its bytes", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    for (let run = 0; run < pairs / 3; run++) {
      const schema = parsed(randomAvro(random));
      const codec = codecOf(schema);
      for (let count = 0; count < values; count++) {
        const value = avroValue(schema.root, random);
        expect(codec.explain(value), schema.text).toEqual([]);
        expect(codec.validate(value)).toBe(true);
        expect(codec.decode(codec.encode(value)), schema.text).toStrictEqual(value);
      }
    }
  });
});

/** What the old version wrote that the new one cannot read, if any is found. */
function counterexample(older: AvroSchema, newer: AvroSchema, random: Random, tries: number) {
  const writer = codecOf(older);
  const reader = codecOf(newer, { writer: older });
  const own = codecOf(newer);
  for (let count = 0; count < tries; count++) {
    const value = avroValue(older.root, random);
    try {
      const read = reader.decode(writer.encode(value));
      if (!own.validate(read)) return { value, read };
    } catch (error) {
      return { value, error: String(error) };
    }
  }
  return undefined;
}

test("what is called backward compatible reads, and what is not has a counterexample", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    let compatible = 0;
    let shown = 0;
    const unshown: string[] = [];
    for (let run = 0; run < pairs; run++) {
      const schema = randomAvro(random);
      const older = parsed(schema);
      const newer = changedAvro(random, schema);
      const differences = avroDifferences(newer.root, older.root);
      const tries = differences.length === 0 ? values : 400;
      const found = counterexample(older, newer, random, tries);
      if (differences.length === 0) {
        compatible++;
        expect(found, `${older.text} -> ${newer.text}`).toBe(undefined);
      } else if (found !== undefined) shown++;
      else
        unshown.push(
          `${older.text} -> ${newer.text}: ${differences.map(({ kind, path }) => `${kind}${path}`)}`,
        );
    }
    expect(compatible).toBeGreaterThan(pairs / 10);
    expect(shown).toBeGreaterThan(pairs / 10);
    expect(unshown).toEqual([]);
  });
}, 300_000);

test("bytes are the ones that another implementation writes", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    let compared = 0;
    for (let run = 0; run < pairs / 3; run++) {
      const schema = randomAvro(random);
      // Its numbers end at 2^53, and its unions are told apart by another rule.
      if (/"long"|\[|logicalType|constructor/.test(JSON.stringify(schema["fields"]).slice(1)))
        continue;
      const own = parsed(schema);
      const other = avsc.Type.forSchema(schema as never);
      const value = avroValue(own.root, random);
      const bytes = codecOf(own).encode(value);
      const native = other.fromBuffer(Buffer.from(bytes)) as unknown;
      expect(Buffer.from(other.toBuffer(native))).toEqual(Buffer.from(bytes));
      compared++;
    }
    expect(compared).toBeGreaterThan(10);
  });
});
