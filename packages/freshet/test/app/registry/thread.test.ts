import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { smallCharsMax } from "../../../src/app/registry/small.ts";
import { SchemaThread } from "../../../src/app/registry/thread.ts";
import { createSchemaTypes } from "../../../src/app/registry/types.ts";
import {
  RegistryError,
  type SchemaJob,
  type SchemaText,
  type SchemaWork,
  workHere,
} from "../../../src/core/registry/index.ts";
import type { SchemaJobMeasure } from "../../../src/telemetry/index.ts";
import { type Random, randomOf } from "../../../src/testing/random.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { fieldNames, randomText, recordOf, textOf } from "./schemas.ts";

let threads: SchemaThread[] = [];
afterEach(async () => {
  await Promise.all(threads.map((thread) => thread.close()));
  threads = [];
});

function open(options: ConstructorParameters<typeof SchemaThread>[0] = {}): SchemaThread {
  const thread = new SchemaThread(options);
  threads.push(thread);
  return thread;
}

const small = recordOf("AVRO", ["f0"]);
/** One that the thread is needed for. */
const medium = recordOf("JSON", ["f0"]);
const write = (text: SchemaText): SchemaJob & { kind: "write" } => ({
  ...{ kind: "write", isNormal: false },
  text,
});
/** A million comparisons in one piece: many seconds of work on any machine. */
const slow: SchemaJob & { kind: "compare" } = {
  kind: "compare",
  next: medium,
  previous: Array.from({ length: 1_000_000 }, () => medium),
  directions: ["backward", "forward"],
};
const onePiece = { checkPieceCharsMax: Number.POSITIVE_INFINITY };

it("answers as if the work was done here, piece by piece, whatever the schemas are", () =>
  withSeed(import.meta.url, async (seed) => {
    const random = randomOf(seed);
    const here = workHere(createSchemaTypes());
    const thread = open({ limits: { checkPieceCharsMax: 300, writtenCharsMax: 2000 } });
    const seen = new Set<string>();
    for (let round = 0; round < 300; round++) {
      const job = randomJob(random);
      const [found, wanted] = [await outcomeOf(thread, job), await outcomeOf(here, job)];
      expect(found, JSON.stringify(job)).toEqual(wanted);
      seen.add(`${job.kind} ${Object.keys(wanted)[0]}`);
      if (job.kind === "compare" && "answer" in wanted)
        seen.add(`compare ${wanted.answer === null ? "fits" : "differs"}`);
    }
    expect([...seen].sort()).toEqual([
      ...["compare answer", "compare differs", "compare error", "compare fits"],
      ...["format answer", "format error", "write answer", "write error"],
    ]);
  }));

function randomJob(random: Random): SchemaJob {
  const text = randomText(random);
  const roll = random.below(10);
  if (roll < 4) return { kind: "write", text, isNormal: random.chance(0.5) };
  if (roll < 6) return { kind: "format", text, format: "serialized" };
  const previous = Array.from({ length: random.below(12) }, () =>
    random.chance(0.05) ? randomText(random) : recordOf(text.schemaType, ["f1", "f2"]),
  );
  return { kind: "compare", next: text, previous, directions: ["backward", "forward"] };
}

async function outcomeOf(work: SchemaWork, job: SchemaJob) {
  try {
    return { answer: await work.run(job) };
  } catch (error) {
    if (error instanceof RegistryError) return { error: `${error.errorCode} ${error.message}` };
    throw error;
  }
}

it("T1 lets the loop go round while a thousand fields are held against a hundred versions", async () => {
  // However busy the machine is.
  const thread = open({ limits: { checkMsMax: 60_000 } });
  const previous = Array.from({ length: 100 }, (_, at) => recordOf("AVRO", fieldNames(900 + at)));
  const next = recordOf("AVRO", fieldNames(1000));
  const job = { kind: "compare", next, previous, directions: ["backward"] } as const;
  const checked = { isOver: false };
  const end = () => {
    checked.isOver = true;
  };
  const answer = thread.run(job);
  answer.then(end, end);
  let turns = 0;
  for (; !checked.isOver; turns++) await turn();
  expect(await answer).toBe(null);
  // Done here it is one turn.
  expect(turns).toBeGreaterThan(100);
});

describe("T2 a job that takes too much", () => {
  it("is ended and refused, and the next one has a thread again", async () => {
    const measures: SchemaJobMeasure[] = [];
    const limits = { checkMsMax: 1000, ...onePiece };
    const thread = open({ limits, onJob: (measure) => void measures.push(measure) });
    const [refused, answered] = await Promise.allSettled([
      thread.run(slow),
      thread.run(write(medium)),
    ]);
    expect(refused).toMatchObject({
      reason: {
        errorCode: 42209,
        message: expect.stringMatching(/^Schema is too large: .* took more than 1000 ms$/),
      },
    });
    expect(answered).toMatchObject({ value: medium.schema });
    expect(measures.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ["compare", "tooLong"],
      ["write", "done"],
    ]);
  });

  it("is refused where its pieces take too long together, each of which does not", async () => {
    const thread = open({ limits: { checkMsMax: 2000, checkPieceCharsMax: 1 } });
    const previous = Array.from({ length: 100_000 }, () => small);
    const job = { kind: "compare", next: small, previous, directions: ["backward"] } as const;
    await expect(thread.run(job)).rejects.toMatchObject({ errorCode: 42209 });
  });

  it("is refused where the memory ends, and the next one has a thread again", async () => {
    const thread = open({ limits: { checkMemoryMbMax: 16 } });
    await expect(thread.run(write(recordOf("AVRO", fieldNames(18_000))))).rejects.toMatchObject({
      errorCode: 42209,
      message: expect.stringContaining("took more than 16 MB"),
    });
    expect(await thread.run(write(medium))).toBe(medium.schema);
  });
});

it("T3 does jobs in the order in which they come, and refuses those that find no room", async () => {
  const thread = open({ limits: { checksWaitingMax: 3 } });
  const order: number[] = [];
  const jobs = Array.from({ length: 6 }, async (_, at) => {
    await thread.run(write(recordOf("JSON", fieldNames(at + 1))));
    order.push(at);
  });
  const found = await Promise.allSettled(jobs);
  expect(order).toEqual([0, 1, 2, 3]);
  expect(found.slice(4)).toMatchObject(
    Array.from({ length: 2 }, () => ({ reason: { errorCode: 50002 } })),
  );
});

describe("T4 the thread", () => {
  const isRunning = () => process.getActiveResourcesInfo().includes("MessagePort");

  it("ends when nothing was asked for a while, and comes back", async () => {
    const thread = open({ limits: { checkIdleMs: 1, writtenCharsMax: 0 } });
    for (let round = 0; round < 3; round++) {
      expect(await thread.run(write(medium))).toBe(medium.schema);
      while (isRunning()) await turn();
    }
  });

  it("ends with what it has to do when it is closed", async () => {
    const thread = open({ limits: onePiece });
    const asked = Promise.allSettled([thread.run(slow), thread.run(write(medium))]);
    await thread.close();
    for (const one of await asked) expect(one).toMatchObject({ reason: { errorCode: 50002 } });
    expect(isRunning()).toBe(false);
    await expect(thread.run(write(medium))).rejects.toMatchObject({ errorCode: 50002 });
  });
});

describe("a small schema", () => {
  it.each([
    [true, small],
    [true, textOf("AVRO", "{")],
    [
      true,
      textOf("JSON", '{"type":"object","properties":{"a":{"type":["string","null"]},"b":{}}}'),
    ],
    [false, medium],
    [false, textOf("JSON", "{")],
    [false, textOf("JSON", '{"properties":{"a":{"pattern":"x"}}}')],
    [false, textOf("JSON", '{"properties":[1]}')],
    [false, textOf("AVRO", `"${"x".repeat(smallCharsMax)}"`)],
    [false, textOf("PROTOBUF", 'syntax = "proto3";')],
    [false, { ...small, references: [{ name: "a", schema: '"int"' }] }],
  ])("is understood without a thread: %s for %j", async (isHere, text) => {
    const measures: SchemaJobMeasure[] = [];
    const thread = open({ onJob: (measure) => void measures.push(measure) });
    expect(await outcomeOf(thread, write(text))).toEqual(
      await outcomeOf(workHere(createSchemaTypes()), write(text)),
    );
    expect(measures).toHaveLength(isHere ? 0 : 1);
  });
});

it("asks once for what a text is kept as, and again where that failed", async () => {
  const measures: SchemaJobMeasure[] = [];
  const thread = open({ onJob: (measure) => void measures.push(measure) });
  const blank = textOf("JSON", ` ${medium.schema} `);
  for (let round = 0; round < 3; round++)
    expect(await thread.run(write(blank))).toBe(medium.schema);
  for (let round = 0; round < 2; round++)
    await expect(thread.run(write(textOf("JSON", "{")))).rejects.toMatchObject({
      errorCode: 42201,
    });
  expect(measures.map(({ outcome }) => outcome)).toEqual(["done", "refused", "refused"]);
});
