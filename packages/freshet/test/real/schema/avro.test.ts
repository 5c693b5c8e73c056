import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { avroDifferences } from "../../../src/schema/avro/compatible.ts";
import { parseAvro } from "../../../src/schema/avro/parse.ts";
import type { AvroSchema } from "../../../src/schema/avro/schema.ts";
import type { Difference } from "../../../src/schema/difference.ts";
import { codecOf } from "../../../src/schema/index.ts";
import { type Random, randomOf } from "../../../src/testing/random.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { avroValue, changedAvro, randomAvro } from "../../schema/avro-generator.ts";
import { fetchAvro } from "./fetch.ts";

/**
 * Ours against Avro for Java 1.12, over thousands of pairs of schemas: the same pairs are compatible, and data of one
 * version becomes the same bytes of the other. Every disagreement is one of these.
 */
const disagreements: readonly Disagreement[] = [
  {
    // "Two schemas that are decimal logical types match if their scales and precisions match" (Logical Types,
    // Decimal). Java's check looks at the types below only, and would read 12.30 as 1.230.
    name: "decimals of another precision or scale",
    ours: ({ info }) => info === "decimals match if their precisions and scales match",
  },
  {
    // Text is promoted to bytes (Schema Resolution), but its bytes are no two's-complement number (Decimal).
    name: "text read as a decimal",
    ours: ({ kind, reason }, newer) =>
      kind === "TYPE_MISMATCH" && /"string"/.test(reason) && newer.includes("decimal"),
  },
  {
    // The same two clauses, inside a union.
    name: "a branch of decimals",
    ours: ({ kind }, newer, older) =>
      kind === "MISSING_UNION_BRANCH" &&
      newer.includes("decimal") &&
      /decimal|"string"/.test(older),
  },
];

interface Disagreement {
  readonly name: string;
  ours(difference: Difference, newer: string, older: string): boolean;
}

/** Why the same data may end in other bytes. */
const dataDisagreements: readonly DataDisagreement[] = [
  {
    // Bytes are promoted to text (Schema Resolution). Java's text keeps bytes that are not UTF-8 and breaks when it is
    // read; JSON has no such texts, so ours says U+FFFD for them.
    name: "bytes that are not UTF-8 read as text",
    holds: ({ ours }) => ours.includes("efbfbd"),
  },
  {
    // The specification resolves the long below and leaves the logical type to the implementation. Java keeps the
    // number, which moves the instant by a factor of a thousand; ours keeps the instant.
    name: "instants in another unit",
    holds: ({ line }) => {
      const [, newer = "", older = ""] = line.split("\t");
      const units = (text: string) => text.match(/timestamp-\w+/g) ?? [];
      const kinds = new Set([...units(newer), ...units(older)]);
      return kinds.size > 1 && units(newer).join() !== units(older).join();
    },
  },
  {
    // "Two schemas that are decimal logical types match if their scales and precisions match": in a union ours takes
    // another branch for bytes of another scale, Java the branch of the decimal.
    name: "decimals of another precision or scale in a union",
    holds: ({ line }) => {
      const decimals = line.match(/"decimal","precision":\d+,"scale":\d+/g) ?? [];
      return new Set(decimals).size > 1 && line.includes('"type":[');
    },
  },
  {
    // "Default values for union fields correspond to any schema that matches" (Complex Types, Records). Java 1.12.1
    // takes such a default for what is no union, and cannot read the field.
    name: "the default of a union that is a list",
    holds: ({ line, theirs }) =>
      /"type":\[.*"default":\[/.test(line) &&
      /^ERROR AvroRuntimeException Not an? \w+: \[/.test(theirs),
  },
];

interface DataDisagreement {
  readonly name: string;
  holds(round: { readonly line: string; readonly ours: string; readonly theirs: string }): boolean;
}

const pairCount = Number(process.env.FRESHET_RUNS ?? 6000);
let classPath = "";
beforeAll(() => {
  classPath = fetchAvro();
}, 300_000);

function askJava(lines: readonly string[]): string[] {
  const source = fileURLToPath(new URL("AvroOracle.java", import.meta.url));
  const said = execFileSync("java", ["-cp", classPath, source], {
    input: `${lines.join("\n")}\n`,
    maxBuffer: 2 ** 28,
    encoding: "utf8",
  });
  return said.trimEnd().split("\n");
}

interface Pair {
  readonly older: AvroSchema;
  readonly newer: AvroSchema;
}

function randomPairs(random: Random): Pair[] {
  return Array.from({ length: pairCount }, () => {
    const schema = randomAvro(random);
    return { older: parseAvro(JSON.stringify(schema), []), newer: changedAvro(random, schema) };
  });
}

test("the same changes are compatible, with the same differences", () => {
  withSeed(import.meta.url, (seed) => {
    const pairs = randomPairs(randomOf(seed));
    const answers = askJava(pairs.map(({ older, newer }) => `C\t${newer.text}\t${older.text}`));
    expect(answers).toHaveLength(pairs.length);
    const counts = { compatible: 0, incompatible: 0, sameKinds: 0, explained: 0 };
    const unexplained: string[] = [];
    for (const [at, { older, newer }] of pairs.entries()) {
      const differences = avroDifferences(newer.root, older.root);
      const theirs = answers[at] ?? "";
      const ours = differences.map(({ kind, path }) => `${kind}@${path}`).join(",") || "OK";
      if ((ours === "OK") === (theirs === "OK")) {
        counts[ours === "OK" ? "compatible" : "incompatible"]++;
        if (ours !== "OK" && ours.split(",")[0] === theirs.split(",")[0]) counts.sameKinds++;
        continue;
      }
      const isExplained =
        theirs === "OK" &&
        differences.every((one) =>
          disagreements.some((known) => known.ours(one, newer.text, older.text)),
        );
      if (isExplained) counts.explained++;
      else unexplained.push(`${older.text} -> ${newer.text}\n  ours ${ours}\n  Java ${theirs}`);
    }
    expect(unexplained).toEqual([]);
    expect(counts.compatible).toBeGreaterThan(pairCount / 10);
    expect(counts.incompatible).toBeGreaterThan(pairCount / 10);
    // Where both name a first difference, it is mostly the very same: kind and place.
    expect(counts.sameKinds).toBeGreaterThan(counts.incompatible * 0.9);
  });
});

test("data of one version becomes the same data of the next", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    const rounds = randomPairs(random)
      .filter(({ older, newer }) => avroDifferences(newer.root, older.root).length === 0)
      .map(({ older, newer }) => {
        const bytes = codecOf(older).encode(avroValue(older.root, random));
        const read = codecOf(newer, { writer: older }).decode(bytes);
        const again = codecOf(newer).encode(read);
        const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");
        return {
          line: `R\t${newer.text}\t${older.text}\t${hex(bytes)}`,
          ours: hex(again),
        };
      });
    const answers = askJava(rounds.map(({ line }) => line));
    const wrong = rounds.flatMap((round, at) => {
      const { line, ours } = round;
      const theirs = answers[at] ?? "";
      const both = { ...round, theirs };
      if (theirs === ours || dataDisagreements.some((known) => known.holds(both))) return [];
      return [`${line}\n  ours ${ours}\n  Java ${theirs}`];
    });
    expect(rounds.length).toBeGreaterThan(pairCount / 10);
    expect(wrong).toEqual([]);
  });
});
