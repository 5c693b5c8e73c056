import type { Json } from "@freshet/protocol";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/adapters/codec/msgpack.ts";
import type { LetterAction } from "../../src/core/letter.ts";
import * as p from "../../src/core/plan/index.ts";
import type { LogRecord } from "../../src/core/record.ts";
import type { StoredDeadLetter } from "../../src/engine/dead-letter.ts";
import { letterJobsMax } from "../../src/engine/dead-letter-jobs.ts";
import { letterKindsMax } from "../../src/engine/dead-letter-kinds.ts";
import { ana, bob, planWith, viewed, World } from "./fixture.ts";

const quiet = { checkpointMs: 1e9 } as const;

interface Made {
  readonly id: string;
  readonly source?: string;
  readonly code?: string;
  readonly name?: string;
  readonly event?: Json;
}

function letterOf(
  world: World,
  { id, source = "web", code = "bad", event = {}, name }: Made,
): LogRecord {
  const at = world.clock.now();
  const named = name === undefined ? {} : { name };
  const letter = { ...{ id, code, message: "no", source, at, event }, ...named };
  return { kind: "deadLetter", partition: 0, at, letter };
}

/** The event of a letter, corrected. */
function corrected(world: World, letter: number, id: string, who = ana, job?: string): LogRecord {
  const record = world.event(id, who);
  if (record.kind !== "event") throw new Error("it makes events");
  const corrects = { letter, ...(job === undefined ? {} : { job }) };
  return { ...record, event: { ...record.event, corrects } };
}

const act = (world: World, action: LetterAction): LogRecord => ({
  ...{ kind: "letter", partition: 0, at: world.clock.now(), action },
});

const idsOf = (world: World): string[] =>
  world.engine.deadLetters.list({ limit: 1000 }).map(({ id }) => id);
const checkpoint = (world: World) => world.clock.run(world.engine.checkpoint());

describe("room for dead letters", () => {
  it("drops those that were sent or discarded first, then the oldest that wait", async () => {
    const world = await World.open(undefined, { ...quiet, deadLettersMax: 4 });
    for (const id of ["m0", "m1", "m2", "m3"]) await world.send(letterOf(world, { id }));
    await world.send(
      corrected(world, 2, "m2"),
      act(world, { kind: "discard", letters: [3], by: "ana" }),
    );
    await checkpoint(world);
    expect(world.alerts).toEqual([]);
    for (const id of ["m4", "m5"]) await world.send(letterOf(world, { id }));
    await checkpoint(world);
    expect(idsOf(world)).toEqual(["m5", "m4", "m1", "m0"]);
    expect(world.alerts).toEqual(["deadLettersDropped"]);
    await world.send(letterOf(world, { id: "m6" }));
    await checkpoint(world);
    expect(idsOf(world)).toEqual(["m6", "m5", "m4", "m1"]);
    expect(world.engine.deadLetters.summary()).toMatchObject({ waiting: 4, total: 4, dropped: 3 });
    world.crash();
    await world.open();
    expect(world.engine.deadLetters.summary()).toMatchObject({ waiting: 4, total: 4, dropped: 3 });
  });

  it("keeps to its bytes as to its count", async () => {
    const world = await World.open(undefined, { ...quiet, deadLetterBytesMax: 10_000 });
    for (let index = 0; index < 6; index++)
      await world.send(letterOf(world, { id: `m${index}`, event: { text: "x".repeat(2000) } }));
    await checkpoint(world);
    const { total, bytes, dropped } = world.engine.deadLetters.summary();
    expect(bytes).toBeLessThanOrEqual(10_000);
    expect(total + dropped).toBe(6);
    expect(idsOf(world)[0]).toBe("m5");
  });

  it("shows a dropped letter no longer, and takes the same event as a new letter", async () => {
    const world = await World.open(undefined, { ...quiet, deadLettersMax: 1 });
    await world.send(letterOf(world, { id: "m0" }), letterOf(world, { id: "m1" }));
    await checkpoint(world);
    expect(world.engine.deadLetters.ofMessage("m0")).toEqual([]);
    await world.send(letterOf(world, { id: "m0" }));
    expect(world.engine.deadLetters.ofMessage("m0")).toMatchObject([{ offset: 2, count: 1 }]);
  });

  it("has all of them again where the checkpoint that dropped them failed", async () => {
    const world = await World.open(undefined, { ...quiet, deadLettersMax: 2 });
    for (const id of ["m0", "m1", "m2"]) await world.send(letterOf(world, { id }));
    world.fill(true);
    await expect(checkpoint(world)).rejects.toThrow();
    expect(world.engine.deadLetters.summary()).toMatchObject({ total: 3, waiting: 3, dropped: 0 });
    world.fill(false);
    await checkpoint(world);
    expect(idsOf(world)).toEqual(["m2", "m1"]);
    expect(world.engine.deadLetters.summary()).toMatchObject({ total: 2, waiting: 2, dropped: 1 });
  });

  it("tells at most so many kinds apart, and counts the others together", async () => {
    const world = await World.open(undefined, quiet);
    const count = letterKindsMax + 50;
    const records = Array.from({ length: count }, (_, index) =>
      letterOf(world, { id: `m${index}`, name: `Event ${index}` }),
    );
    await world.send(...records);
    const { kinds, waiting } = world.engine.deadLetters.summary();
    expect(waiting).toBe(count);
    expect(kinds).toHaveLength(letterKindsMax + 1);
    expect(kinds[0]).toMatchObject({ source: "web", name: "(other)", waiting: 50 });
    await checkpoint(world);
    world.crash();
    await world.open();
    expect(world.engine.deadLetters.summary().kinds).toEqual(kinds);
  });

  it("forgets the oldest runs that have ended, never one that has not", async () => {
    const world = await World.open(undefined, quiet);
    const started = (id: string) =>
      act(world, {
        kind: "jobStarted",
        job: { id, verb: "retry", filter: {}, before: 0, by: "ana" },
      });
    await world.send(started("running"));
    for (let index = 0; index < letterJobsMax + 5; index++) {
      await world.clock.advance(1);
      const end = { id: `job${index}`, outcome: "done", matched: 0, refused: {} } as const;
      await world.send(started(`job${index}`), act(world, { kind: "jobEnded", end }));
    }
    const { jobs } = world.engine.deadLetters;
    expect(jobs.list().length).toBeLessThanOrEqual(letterJobsMax + 1);
    expect(jobs.get("job0")).toBeNull();
    expect(jobs.running().map(({ id }) => id)).toEqual(["running"]);
  });
});

describe("a correction", () => {
  it("is applied once, whoever it is for the second time", async () => {
    const world = await World.open(undefined, quiet);
    await world.send(letterOf(world, { id: "m0" }));
    await world.send(corrected(world, 0, "m0"), corrected(world, 0, "m0", bob));
    expect([world.value("user:ana", "views"), world.value("user:bob", "views")]).toEqual([1, null]);
    expect(world.engine.ledger()).toEqual({
      ...{ received: 3, applied: 1, duplicate: 1, rejected: 1, inFlight: 0 },
    });
    expect(world.engine.counters.corrected).toBe(1);
  });

  it("stays applied once when a restart has forgotten nothing but memory", async () => {
    const world = await World.open(undefined, quiet);
    await world.send(letterOf(world, { id: "m0" }), corrected(world, 0, "m0"));
    await checkpoint(world);
    world.crash();
    await world.open();
    await world.send(corrected(world, 0, "m0", bob));
    expect(world.value("user:bob", "views")).toBeNull();
    expect(world.engine.deadLetters.get(0)?.state).toMatchObject({ kind: "sent", offset: 1 });
  });

  it("that the plan's function refuses waits again for that reason, and its id is free", async () => {
    const strict = (isStrict: boolean) =>
      planWith({
        filters: [
          p.transform("strict", [viewed], ({ properties }) => {
            if (isStrict) throw new Error("not today");
            return properties;
          }),
        ],
      });
    const world = await World.open(strict(true), quiet);
    await world.send(letterOf(world, { id: "m0", event: { raw: true } }));
    await world.send(corrected(world, 0, "m0"));
    expect(world.engine.deadLetters.get(0)).toMatchObject({
      ...{ code: "planFunctionFailed", count: 2, state: { kind: "waiting" }, event: { raw: true } },
    });
    await world.close();
    await world.open(strict(false));
    await world.send(corrected(world, 0, "m0"));
    expect(world.value("user:ana", "views")).toBe(1);
    expect(world.engine.ledger()).toMatchObject({ received: 3, applied: 1, rejected: 2 });
  });

  it("settles its letter also where that was discarded meanwhile, and not the other way round", async () => {
    const world = await World.open(undefined, quiet);
    const discard = act(world, { kind: "discard", letters: [0], by: "ana" });
    await world.send(letterOf(world, { id: "m0" }), discard, corrected(world, 0, "m0"), discard);
    expect(world.engine.deadLetters.get(0)?.state.kind).toBe("sent");
    const restore = act(world, { kind: "restore", letters: [0], by: "ana" });
    await world.send(restore);
    expect(world.engine.deadLetters.get(0)?.state.kind).toBe("sent");
  });

  it("of a letter that is not there any more is an event like any other", async () => {
    const world = await World.open(undefined, quiet);
    await world.send(corrected(world, 77, "m0"), corrected(world, 77, "m0"));
    expect(world.value("user:ana", "views")).toBe(1);
  });
});

describe("the journey of a corrected event", () => {
  it("begins with why it was refused", async () => {
    const world = await World.open(undefined, quiet);
    await world.send(letterOf(world, { id: "m0" }), corrected(world, 0, "m0", ana, "job1"));
    const journey = world.engine.journey("m0");
    expect(journey).toMatchObject({ status: "applied", offset: 1 });
    expect(journey?.steps.slice(0, 4)).toMatchObject([
      { stage: "received", source: "web" },
      { stage: "rejected", code: "bad" },
      { stage: "deadLetter", letter: "0" },
      { stage: "corrected", letter: "0", job: "job1" },
    ]);
  });
});

it("gives letters of an older folder their state, counts and indexes", async () => {
  const world = await World.open(undefined, quiet);
  await world.send(letterOf(world, { id: "m0" }), letterOf(world, { id: "m1" }));
  await checkpoint(world);
  // As the version before wrote them.
  const position = JSON.parse(utf8.decode(world.store.get("meta", "position") as Uint8Array));
  const { deadLetterBytes: _bytes, deadLettersDropped: _dropped, ...old } = position;
  const changes = [...world.store.scan("deadLetter", {})].map(([key, value]) => {
    if (!/^[0-9a-f]{14}$/.test(key))
      return { table: "deadLetter" as const, key, value: key.startsWith("id/") ? value : null };
    const { id, code, message, source, at, event, offset } = JSON.parse(
      utf8.decode(value),
    ) as StoredDeadLetter;
    const text = JSON.stringify({ id, code, message, source, at, event, offset });
    return { table: "deadLetter" as const, key, value: utf8.encode(text) };
  });
  const meta = { table: "meta", key: "position", value: utf8.encode(JSON.stringify(old)) } as const;
  await world.clock.run(world.store.commit([...changes, meta]));
  world.crash();
  await world.open();
  expect(world.engine.deadLetters.summary()).toMatchObject({ waiting: 2, total: 2, dropped: 0 });
  await world.send(letterOf(world, { id: "m0" }), corrected(world, 1, "m1"));
  expect(world.engine.deadLetters.list({ limit: 9 })).toMatchObject([
    { id: "m1", count: 1, state: { kind: "sent" } },
    { id: "m0", count: 2, state: { kind: "waiting" } },
  ]);
});
