import { expect, test } from "vitest";
import { codecOf, payloadCodecOf } from "../../src/schema/index.ts";
import { protobufDifferences } from "../../src/schema/protobuf/compatible.ts";
import { parseProtobuf } from "../../src/schema/protobuf/parse.ts";
import { randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { changedFile, protobufValue, protoText, randomFile } from "./protobuf-generator.ts";

const pairs = Number(process.env.FRESHET_RUNS ?? 600);

test("what is called backward compatible reads what the old version wrote", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    let compatible = 0;
    for (let run = 0; run < pairs; run++) {
      const file = randomFile(random);
      const older = parseProtobuf(protoText(file), []);
      const newer = parseProtobuf(protoText(changedFile(random, file)), []);
      if (protobufDifferences(newer, older).length > 0) continue;
      compatible++;
      const writer = payloadCodecOf(older);
      const reader = payloadCodecOf(newer, { writer: older });
      const [type] = older.messages;
      if (type === undefined) throw new Error("a file without messages");
      for (let count = 0; count < 5; count++) {
        const value = protobufValue(type, random);
        const read = reader.decode(writer.encode(value));
        expect(
          codecOf(newer).explain(read),
          `${older.text}\n${newer.text}\n${JSON.stringify([value, read])}`,
        ).toEqual([]);
      }
    }
    expect(compatible).toBeGreaterThan(pairs / 10);
  });
}, 120_000);

test("any value comes back from its bytes, and a normalised file is the same file", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    for (let run = 0; run < pairs / 2; run++) {
      const schema = parseProtobuf(protoText(randomFile(random)), []);
      const again = parseProtobuf(schema.normalized(), []);
      expect(again.normalized()).toBe(schema.normalized());
      expect(protobufDifferences(schema, again)).toEqual([]);
      expect(protobufDifferences(again, schema)).toEqual([]);
      for (const type of schema.messages) {
        const codec = payloadCodecOf(schema, { message: type.name });
        const value = protobufValue(type, random);
        const bytes = codec.encode(value);
        expect(codec.encode(codec.decode(bytes))).toEqual(bytes);
        expect(payloadCodecOf(again, { message: type.name }).decode(bytes)).toEqual(
          codec.decode(bytes),
        );
      }
    }
  });
}, 120_000);
