/**
 * The laws of the queue over random inputs, answers and restarts. A restart forgets the queue and gives a new one what
 * was kept, as a page does that is loaded again.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { withSeed } from "../../freshet/src/testing/seed.ts";
import { browserLimits } from "../src/browser/limits.ts";
import {
  emptyQueue,
  type Outcome,
  type QueueCommand,
  type QueuedEvent,
  type QueueInput,
  type QueueLimits,
  type QueueState,
  step,
  unsettled,
} from "../src/queue/index.ts";

const limits: QueueLimits = {
  ...browserLimits,
  batchEventsMax: 4,
  batchBytesMax: 60,
  eventBytesMax: 40,
  eventsMax: 12,
  bytesMax: 250,
  openMax: 1,
};

type Act =
  | { readonly kind: "add"; readonly chars: number }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "flush" | "reach" | "lend" | "withdraw" }
  | { readonly kind: "restart" }
  | { readonly kind: "leave"; readonly bytesMax: number }
  | {
      readonly kind: "answer";
      readonly which: number;
      readonly outcome: Outcome;
      readonly random: number;
    };

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constant<Outcome>({ kind: "accepted", rejected: [] }),
  fc.integer({ min: 0, max: 3 }).map(
    (index): Outcome => ({
      kind: "accepted",
      rejected: [{ index, messageId: "", code: "eventTooDeep", message: "" }],
    }),
  ),
  fc.constantFrom<Outcome>(
    { kind: "refused", status: 400 },
    { kind: "refused", status: 413 },
    { kind: "returned" },
  ),
  fc
    .option(fc.integer({ min: 0, max: 400_000 }))
    .map((retryAfterMs): Outcome => ({ kind: "failed", retryAfterMs })),
);

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("add" as const), chars: fc.nat(50) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(2000) }) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(
        "flush" as const,
        "reach" as const,
        "lend" as const,
        "restart" as const,
        "withdraw" as const,
      )
      .map((kind) => ({ kind })),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("leave" as const), bytesMax: fc.nat(200) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("answer" as const),
      which: fc.nat(5),
      outcome,
      random: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
);

/** The queue in a world that keeps what it is told to keep, and knows what became of each event. */
class World {
  state: QueueState = emptyQueue(limits);
  now = 0;
  added = 0;
  /** Kept events that a new queue was not given yet. */
  restoring = 0;
  readonly kept = new Map<string, QueuedEvent>();
  /** How each event ended, by its id. */
  readonly ended = new Map<string, string>();
  readonly texts = new Map<string, string>();

  add(chars: number): void {
    const id = `m${this.added++}`;
    const text = JSON.stringify(`${id}${"x".repeat(chars)}`);
    this.texts.set(id, text);
    this.tell({ kind: "add", now: this.now, id, text });
  }

  tell(input: QueueInput): void {
    const before = this.state;
    const { state, commands } = step(before, input, limits);
    this.state = state;
    for (const command of commands) this.obey(command);
    this.check(before, commands);
  }

  obey(command: QueueCommand): void {
    if (command.kind === "keep") this.kept.set(command.event.id, command.event);
    if (command.kind !== "settle") return;
    for (const { id } of command.events) {
      expect(this.ended.has(id), `${id} ended once`).toBe(false);
      this.ended.set(id, command.end.kind);
      this.kept.delete(id);
    }
  }

  /** The page is gone, with all it knew but what was kept. */
  restart(): void {
    const kept = [...this.kept.values()];
    this.kept.clear();
    this.state = emptyQueue(limits);
    this.restoring = kept.length;
    for (const { id, text } of kept) {
      this.restoring--;
      this.tell({ kind: "add", now: this.now, id, text });
    }
  }

  check(before: QueueState, commands: readonly QueueCommand[]): void {
    const { waiting, open, retryAt, isHeld } = this.state;
    const inside = unsettled(this.state).map(({ id }) => id);
    // Q1: nothing is twice in the queue, and what was added is inside or has ended.
    expect(new Set(inside).size).toBe(inside.length);
    expect(inside.length + this.ended.size + this.restoring).toBe(this.added);
    // Q6.
    expect([...this.kept.keys()].sort()).toEqual([...inside].sort());
    // Q2: what waits, and what is in each request, is in order.
    for (const events of [waiting, ...open.map((request) => request.events)])
      expect(
        events.every((one, at) => at === 0 || (events[at - 1]?.number ?? 0) < one.number),
      ).toBe(true);
    // Q4.
    const bytes = waiting.reduce((sum, one) => sum + one.bytes, 0);
    const openBytes = open.flatMap(({ events }) => events).reduce((sum, one) => sum + one.bytes, 0);
    if (waiting.length > 0) {
      expect(inside.length).toBeLessThanOrEqual(limits.eventsMax);
      expect(bytes + openBytes).toBeLessThanOrEqual(limits.bytesMax);
    }
    for (const command of commands) {
      if (command.kind !== "send" && command.kind !== "lend") continue;
      const { events } = command.request;
      expect(events.length).toBeGreaterThan(0);
      expect(events.length).toBeLessThanOrEqual(limits.batchEventsMax);
      // Q3.
      if (before.isHeld && isHeld) expect(this.now).toBeGreaterThanOrEqual(retryAt);
      // Q5.
      for (const { id, text } of events) expect(text).toBe(this.texts.get(id));
    }
  }

  perform(one: Act): void {
    if (one.kind === "wait") this.now += one.ms;
    if (one.kind === "add") this.add(one.chars);
    else if (one.kind === "restart") this.restart();
    else this.tell(this.inputOf(one));
  }

  inputOf(one: Exclude<Act, { kind: "add" | "restart" }>): QueueInput {
    const { now } = this;
    if (one.kind === "wait") return { kind: "tick", now };
    if (one.kind !== "answer") return { ...one, now };
    const { open } = this.state;
    const request = open[one.which % Math.max(1, open.length)]?.number ?? 999;
    return { kind: "answer", now, request, outcome: one.outcome, random: one.random };
  }

  /** From now on every request is accepted, and time passes. */
  drain(): void {
    for (let turn = 0; turn < 200 && unsettled(this.state).length > 0; turn++) {
      const [request] = this.state.open;
      const accepted: Outcome = { kind: "accepted", rejected: [] };
      if (request !== undefined)
        this.tell({
          kind: "answer",
          now: this.now,
          request: request.number,
          outcome: accepted,
          random: 0,
        });
      else {
        this.now += limits.retryAfterMsMax;
        this.tell({ kind: "tick", now: this.now });
      }
    }
  }
}

it("loses nothing, sends nothing twice at once, keeps its order and its bounds, and drains", () =>
  withSeed(import.meta.url, (seed) => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 80, size: "max" }), (acts) => {
        const world = new World();
        for (const one of acts) world.perform(one);
        world.drain();
        expect(unsettled(world.state)).toEqual([]);
        expect(world.ended.size).toBe(world.added);
        expect(world.kept.size).toBe(0);
      }),
      { seed, numRuns: 3000 },
    );
  }));

it("wakes whenever something waits and no answer is awaited", () =>
  withSeed(import.meta.url, (seed) => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40, size: "max" }), (acts) => {
        const world = new World();
        let at: number | null = null;
        const obey = world.obey.bind(world);
        world.obey = (command) => {
          if (command.kind === "wake") at = command.at;
          obey(command);
        };
        for (const one of acts) world.perform(one);
        const { waiting, open } = world.state;
        if (waiting.length > 0 && open.length === 0) expect(at).not.toBeNull();
      }),
      { seed, numRuns: 1000 },
    );
  }));
