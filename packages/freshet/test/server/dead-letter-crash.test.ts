/**
 * Corrections over a disk that crashes at any step, in virtual time: each letter's event is applied once in the end,
 * however often it was corrected, by whom, and wherever it was cut off (P2).
 */
import type { JsonObject } from "@freshet/protocol";
import { expect, test } from "vitest";
import { resend } from "../../src/accept/index.ts";
import type { LetterAction } from "../../src/core/letter.ts";
import { letterStates, type StoredDeadLetter } from "../../src/engine/dead-letter.ts";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { LetterWorld, paidEvent } from "./letter-world.ts";

const worlds = Number(process.env.FRESHET_WORLDS ?? 40);
const toNumber = [{ op: "convert", path: "/metadata/cents", to: "number" }] as const;
const run = { verb: "correct", filter: {}, by: "a test", changes: toNumber } as const;
const letterCount = 12;

/** Letters m0, m1, ... of ana, a cent more each, durable and reduced. */
async function withLetters(world: LetterWorld): Promise<void> {
  await world.clock.run(world.open());
  const records = Array.from({ length: letterCount }, (_, index) =>
    world.recordOf(paidEvent(`m${index}`, "ana", `${index + 1}`, world.clock.now() - 1000)),
  );
  await world.clock.run(world.engine.append(records));
  await world.clock.run(world.engine.drain());
  await world.clock.run(world.engine.checkpoint());
}

async function untilEnded(world: LetterWorld): Promise<void> {
  for (let round = 0; round < 2000; round++) {
    await world.clock.advance(10);
    if (world.engine.deadLetters.jobs.running().length === 0) return;
  }
  throw new Error("the run does not end");
}

const centsOfAll = (letterCount * (letterCount + 1)) / 2;

test("a run that is cut off at each of its steps goes on, and applies each letter once", async () => {
  await withSeed(import.meta.url, async (seed) => {
    let cut = 0;
    for (let afterMs = 0; afterMs < 60; afterMs++) {
      const random = randomOf(seed + afterMs);
      const world = new LetterWorld(random);
      await withLetters(world);
      void world.runner.start(run);
      // Pressed twice, by two people.
      void world.runner.start({ ...run, by: "another" });
      await world.clock.advance(afterMs);
      world.crash();
      await world.clock.run(world.open());
      if (world.engine.deadLetters.jobs.running().length > 0) cut++;
      await untilEnded(world);
      // Whether the runs were in the log or not: whoever got no answer presses again.
      await world.clock.run(world.runner.start(run));
      const about = `cut off after ${afterMs} ms`;
      expect(world.value("ana", "payments"), about).toBe(letterCount);
      expect(world.value("ana", "cents"), about).toBe(centsOfAll);
      expect(world.engine.deadLetters.summary(), about).toMatchObject({
        waiting: 0,
        sent: letterCount,
      });
      const { received, applied, duplicate, rejected } = world.engine.ledger();
      expect([applied, rejected, received - duplicate], about).toEqual([
        letterCount,
        letterCount,
        2 * letterCount,
      ]);
      world.crash();
    }
    expect(cut, "crashes that found a run under way").toBeGreaterThan(5);
  });
});

/** What became of letters, told from the log alone: one pass, a set for each question. */
class Model {
  readonly counts = { applied: 0, duplicate: 0, rejected: 0, corrected: 0 };
  readonly payments = new Map<string, number>();
  /** Letter -> where its event was applied, and whether it came by itself. */
  readonly sent = new Map<number, string>();
  /** Run -> what became of what it sent. */
  readonly runs = new Map<string, { applied: number; duplicate: number; failed: number }>();
  readonly discarded = new Set<number>();
  readonly #ids = new Map<string, number>();

  constructor(world: LetterWorld) {
    for (let offset = 0; offset < world.engine.status().nextOffset; offset++) {
      const record = world.engine.record(offset);
      if (record?.kind === "deadLetter") this.counts.rejected++;
      if (record?.kind === "letter") this.#act(record.action);
      if (record?.kind !== "event") continue;
      const { event, key } = record;
      const { letter, job = "" } = event.corrects ?? {};
      const id = `${key} ${event.id}`;
      const tally = this.runs.get(job) ?? { applied: 0, duplicate: 0, failed: 0 };
      this.runs.set(job, tally);
      const known = this.#ids.get(id);
      if ((letter !== undefined && this.sent.has(letter)) || known !== undefined) {
        this.counts.duplicate++;
        tally.duplicate++;
        if (letter !== undefined && !this.sent.has(letter))
          this.sent.set(letter, `duplicate ${known}`);
        continue;
      }
      if (event.properties.cents === 13) {
        this.counts.rejected++;
        tally.failed++;
        continue;
      }
      this.counts.applied++;
      tally.applied++;
      this.#ids.set(id, offset);
      this.payments.set(key, (this.payments.get(key) ?? 0) + 1);
      if (letter === undefined) continue;
      this.counts.corrected++;
      this.sent.set(letter, `applied ${offset}`);
    }
  }

  #act(action: LetterAction): void {
    if (action.kind === "jobStarted")
      this.runs.set(action.job.id, { applied: 0, duplicate: 0, failed: 0 });
    if (action.kind === "discard") for (const letter of action.letters) this.discarded.add(letter);
    if (action.kind === "restore")
      for (const letter of action.letters) this.discarded.delete(letter);
  }

  stateOf(letter: number): string {
    const sent = this.sent.get(letter);
    if (sent !== undefined) return `sent: ${sent}`;
    return this.discarded.has(letter) ? "discarded" : "waiting";
  }
}

function check(world: LetterWorld, about: string): void {
  const { engine } = world;
  const model = new Model(world);
  const { received, applied, duplicate, rejected, inFlight } = engine.ledger();
  expect(received, about).toBe(applied + duplicate + rejected + inFlight);
  expect({ applied, duplicate, rejected, corrected: engine.counters.corrected }, about).toEqual(
    model.counts,
  );
  const letters = [...engine.deadLetters.scan({ order: "oldestFirst" })];
  expect(
    letters.map(({ offset, state }) => [
      offset,
      state.kind === "sent" ? `sent: ${state.outcome} ${state.offset}` : state.kind,
    ]),
    about,
  ).toEqual(letters.map(({ offset }) => [offset, model.stateOf(offset)]));
  for (const [id, tally] of model.runs)
    if (id !== "") expect(engine.deadLetters.jobs.get(id), `${about}, ${id}`).toMatchObject(tally);
  for (const user of users)
    expect(world.value(user, "payments"), `${about}, ${user}`).toBe(
      model.payments.get(`user:${user}`) ?? 0,
    );
  checkSummary(world, letters, about);
}

/** What is counted as letters change is what a count of all of them gives. */
function checkSummary(
  { engine }: LetterWorld,
  letters: readonly StoredDeadLetter[],
  about: string,
): void {
  const { kinds, ...summary } = engine.deadLetters.summary();
  expect(summary.total, about).toBe(letters.length);
  expect(summary.bytes, about).toBe(letters.reduce((sum, { bytes }) => sum + bytes, 0));
  for (const state of letterStates) {
    const count = letters.filter((letter) => letter.state.kind === state).length;
    expect(summary[state], `${about}, ${state}`).toBe(count);
    expect(
      kinds.reduce((sum, kind) => sum + kind[state], 0),
      about,
    ).toBe(count);
  }
}

const users = ["ana", "bob"];

/** One of the things that people, clients and the machine do. */
async function act(world: LetterWorld, random: Random, state: { ids: number }): Promise<void> {
  const { engine, runner, clock } = world;
  const some = [...engine.deadLetters.scan({ order: "oldestFirst" })].filter(() =>
    random.chance(0.4),
  );
  const ids = some.map(({ offset }) => offset);
  const send = (...events: JsonObject[]) =>
    void engine.append(events.map((event) => world.recordOf(event))).catch(() => {});
  const broken = () => {
    const isRetry = random.chance(0.3);
    const id = `m${isRetry ? random.below(state.ids + 1) : ++state.ids}`;
    return paidEvent(
      id,
      random.pick(users),
      `${random.below(20)}`,
      clock.now() - random.below(9000),
    );
  };
  const before = engine.status().nextOffset;
  switch (random.below(9)) {
    case 0:
    case 1:
      return send(...Array.from({ length: 1 + random.below(4) }, broken));
    case 2:
      return send(paidEvent(`m${random.below(state.ids + 1)}`, random.pick(users), 5, clock.now()));
    case 3:
      return void runner.start({ ...run, filter: ids.length > 0 ? { ids } : {} }).catch(() => {});
    case 4:
      return void runner.start({ verb: "discard", filter: { ids }, by: "ana" }).catch(() => {});
    case 5:
      return void runner.start({ verb: "restore", filter: { ids }, by: "ana" }).catch(() => {});
    case 6:
      // By hand, for whom it happens to be, and twice.
      for (const letter of some.slice(0, 2))
        for (let time = 0; time < 2; time++) byHand(world, letter, random);
      return;
    case 7: {
      // One that an earlier process left.
      const job = { ...run, id: `left-${before}`, before };
      const record = { kind: "letter", partition: 0, at: clock.now() } as const;
      return void engine
        .append([{ ...record, action: { kind: "jobStarted", job } }])
        .catch(() => {});
    }
    default:
      return void engine.checkpoint().catch(() => {});
  }
}

function byHand(world: LetterWorld, letter: StoredDeadLetter, random: Random): void {
  const event = paidEvent(letter.id, random.pick(users), random.pick([13, 5]), world.clock.now());
  const outcome = resend(letter, world.context(), {
    corrects: { letter: letter.offset },
    event,
    isVouched: false,
  });
  if (outcome.kind === "refused") throw new Error(outcome.message);
  void world.engine.append([outcome.record]).catch(() => {});
}

test(`${worlds} worlds of letters, corrections and crashes come to what the log says, and to the end`, {
  timeout: 300_000,
}, async () => {
  await withSeed(import.meta.url, async (seed) => {
    for (let number = 0; number < worlds; number++) {
      const random = randomOf(seed + number);
      await live(random, `world ${number}`);
    }
  });
});

async function live(random: Random, about: string): Promise<void> {
  const world = new LetterWorld(random.fork(), {
    checkpointMs: random.pick([5, 30, 400]),
    sliceRecordsMax: random.pick([1, 7, 200]),
  });
  const state = { ids: 0 };
  await world.clock.run(world.open());
  for (let step = 0; step < 60; step++) {
    await act(world, random, state);
    await world.clock.advance(random.below(random.pick([2, 20, 90])));
    if (random.chance(0.05)) failFor(world, random);
    if (!random.chance(0.15)) continue;
    world.crash();
    world.disk.faults = { ...world.disk.faults, failureShare: 0 };
    await world.clock.run(world.open());
    await world.clock.run(world.engine.drain());
    check(world, `${about}, step ${step}`);
  }
  world.crash();
  world.disk.faults = { ...world.disk.faults, failureShare: 0 };
  await world.clock.run(world.open());
  await untilEnded(world);
  await settleAll(world, about);
}

function failFor(world: LetterWorld, random: Random): void {
  world.disk.faults = { ...world.disk.faults, failureShare: random.pick([0, 0.3]) };
}

/** In the end everything that waits is corrected: each is sent then, and was applied once. */
async function settleAll(world: LetterWorld, about: string): Promise<void> {
  const { clock } = world;
  await clock.run(world.runner.start({ verb: "restore", filter: {}, by: "ana" }));
  const changes = [{ op: "set", path: "/metadata/cents", value: 7 }] as const;
  await clock.run(world.runner.start({ ...run, changes }));
  await untilEnded(world);
  check(world, `${about}, at the end`);
  expect(world.engine.deadLetters.summary(), about).toMatchObject({ waiting: 0, discarded: 0 });
  world.crash();
  await clock.run(world.open());
  check(world, `${about}, after the end`);
}
