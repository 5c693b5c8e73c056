import { expect, it } from "vitest";
import { createSchemaTypes } from "../../../src/app/registry/types.ts";
import { type SchemaText, workHere } from "../../../src/core/registry/index.ts";
import { type Random, randomOf } from "../../../src/testing/random.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { randomAvro } from "../../schema/avro-generator.ts";
import { randomJsonSchema } from "../../schema/json-generator.ts";
import { protoText, randomFile } from "../../schema/protobuf-generator.ts";
import { textOf } from "./schemas.ts";

const generators: { readonly [type: string]: (random: Random) => SchemaText } = {
  AVRO: (random) => textOf("AVRO", pretty(randomAvro(random))),
  JSON: (random) => textOf("JSON", pretty(randomJsonSchema(random, { hasChoices: true }))),
  PROTOBUF: (random) => textOf("PROTOBUF", `\n${protoText(randomFile(random))}\n\n`),
};

const pretty = (schema: unknown) => JSON.stringify(schema, null, 2);

/** What is kept is taken for what it would be kept as (`candidateOf`), and `freshet verify` asks the same of it. */
it.each(Object.keys(generators))("a text of %s that is kept would be kept as it is", (type) =>
  withSeed(import.meta.url, async (seed) => {
    const random = randomOf(seed);
    const work = workHere(createSchemaTypes());
    let changed = 0;
    for (let round = 0; round < 300; round++) {
      const text = generators[type]?.(random) ?? textOf("AVRO", "");
      for (const isNormal of [false, true]) {
        const schema = await work.run({ kind: "write", text, isNormal });
        const kept = { ...text, schema };
        expect(await work.run({ kind: "write", text: kept, isNormal: false })).toBe(schema);
        expect(await work.run({ kind: "write", text: kept, isNormal })).toBe(schema);
        if (schema !== text.schema) changed++;
      }
    }
    expect(changed).toBeGreaterThan(300);
  }),
);
