import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AcceptedEvent } from "../../src/core/event.ts";
import { compileCondition } from "../../src/core/expression/evaluate.ts";
import { compileFlip } from "../../src/core/expression/flip.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import {
  and,
  type Condition,
  constant,
  count,
  decayingScore,
  definePlan,
  eq,
  event,
  gte,
  lt,
  not,
  or,
  seconds,
} from "../../src/core/plan/index.ts";
import { step } from "../../src/core/step.ts";
import { ProfileView } from "../../src/core/view.ts";
import { withSeed } from "../../src/testing/seed.ts";

const seen = event("Seen", {});
const ever = count("ever", seen);
const short = count("short", seen, { window: seconds(2) });
const long = count("long", seen, { window: seconds(5) });
const score = decayingScore("score", seen, constant(1), { halfLife: seconds(1) });
const inSession = count("inSession", seen, { window: "session" });
const plan = compilePlan(
  definePlan({
    name: "test",
    events: [seen],
    features: [ever, short, long, score, inSession],
    sessionGap: seconds(3),
  }),
);

const leaf: fc.Arbitrary<Condition> = fc.oneof(
  fc.integer({ min: 1, max: 5 }).map((least) => gte(ever, least)),
  fc.integer({ min: 1, max: 4 }).map((least) => gte(short, least)),
  fc.integer({ min: 0, max: 3 }).map((value) => eq(long, value)),
  fc.double({ min: 0.2, max: 3, noNaN: true }).map((value) => lt(score, value)),
  fc.integer({ min: 1, max: 3 }).map((least) => gte(inSession, least)),
);
const condition = fc.letrec<{ value: Condition }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { minLength: 2, maxLength: 3 }).map((all) => and(...all)),
    fc.array(tie("value"), { minLength: 2, maxLength: 3 }).map((all) => or(...all)),
    tie("value").map(not),
  ),
})).value;

const start = 1_700_000_000_000;

function stateAfter(times: readonly number[]) {
  let state = null;
  for (const [index, time] of times.toSorted((a, b) => a - b).entries()) {
    const given: AcceptedEvent = {
      id: `m${index}`,
      type: "track",
      name: "Seen",
      userId: "u",
      time: start + time,
      source: "test",
      properties: {},
    };
    const input = { kind: "event", event: given, offset: index, at: start + time } as const;
    state = step(plan, "user:u", state, input).state;
  }
  if (state === null) throw new Error("there is at least one event");
  return state;
}

describe("the next flip of a condition", () => {
  it("is never after the answer has changed, whatever is combined", () =>
    withSeed(import.meta.url, (seed) => {
      fc.assert(
        fc.property(
          condition,
          fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 1, maxLength: 6 }),
          ({ expression }, times) => {
            const state = stateAfter(times);
            const holds = compileCondition(expression);
            const flip = compileFlip(expression);
            const answer = (now: number) =>
              holds({ event: null, profile: new ProfileView(plan, state, now), now });
            let now = start + Math.max(...times);
            for (let round = 0; round < 50; round++) {
              const before = answer(now);
              const next = flip(new ProfileView(plan, state, now));
              const until = next ?? now + 20_000;
              expect(until).toBeGreaterThan(now);
              for (let moment = now; moment < Math.min(until, now + 20_000); moment += 23)
                expect([moment, answer(moment)]).toEqual([moment, before]);
              if (next === null) return;
              now = next;
            }
          },
        ),
        { seed, numRuns: 300 },
      );
    }));

  it("does not wait for windows where something else settles the answer", () => {
    const state = stateAfter([0]);
    const view = new ProfileView(plan, state, start);
    expect(compileFlip(and(gte(ever, 3), gte(short, 1)).expression)(view)).toBe(null);
    expect(compileFlip(or(gte(ever, 1), gte(short, 5)).expression)(view)).toBe(null);
    expect(compileFlip(and(gte(ever, 1), gte(short, 1)).expression)(view)).toBe(start + 2000);
  });
});
