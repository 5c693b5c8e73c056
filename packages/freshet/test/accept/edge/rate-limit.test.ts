import { FreshetError } from "@freshet/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Activity } from "../../../src/accept/edge/activity.ts";
import { BoundedCache } from "../../../src/accept/edge/cache.ts";
import { createRateGate, TokenBuckets } from "../../../src/accept/edge/rate-limit.ts";
import { acceptEvents } from "../../../src/accept/index.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { now } from "../fixture.ts";
import { quiet, siteWith } from "./fixture.ts";

/** Seconds to wait, or 0 where it passed. */
function wait(run: () => unknown): number {
  try {
    run();
    return 0;
  } catch (error) {
    if (error instanceof FreshetError && error.code === "rateLimited")
      return error.retryAfterSeconds ?? -1;
    throw error;
  }
}

describe("a rate limit", () => {
  it("lets a burst pass, then as much as comes back", () => {
    const gate = createRateGate({ eventsPerSecond: 2, burst: 4 }, "web");
    const take = (events: number, ms: number) =>
      wait(() => gate.take({ events, address: undefined, now: now + ms }));
    expect(take(4, 0)).toBe(0);
    expect(take(1, 0)).toBe(1);
    expect(take(1, 499)).toBe(1);
    expect(take(1, 500)).toBe(0);
    expect(take(4, 500)).toBe(2);
    expect(take(4, 2500)).toBe(0);
  });

  it("lets a request larger than the burst pass when the bucket is full, and has it paid back (R2)", () => {
    const gate = createRateGate({ eventsPerSecond: 1, burst: 5 }, "web");
    const take = (events: number, ms: number) =>
      wait(() => gate.take({ events, address: undefined, now: now + ms }));
    expect(take(8, 0)).toBe(0);
    expect(take(1, 0)).toBe(4);
    expect(take(1, 4000)).toBe(0);
  });

  it("has ten seconds' worth as burst unless said, and at least one event", () => {
    expect(new TokenBuckets({ eventsPerSecond: 3 }).waitMs("a", 30, now)).toBe(0);
    const slow = new TokenBuckets({ eventsPerSecond: 0.01 });
    expect(slow.waitMs("a", 1, now)).toBe(0);
    slow.take("a", 1, now);
    expect(slow.waitMs("a", 1, now)).toBe(100_000);
  });

  it("holds for each address apart, and takes nothing where the other bucket is empty (R3)", () => {
    const policy = { eventsPerSecond: 10, burst: 10, perAddress: { eventsPerSecond: 1, burst: 2 } };
    const gate = createRateGate(policy, "web");
    const take = (events: number, address: string) =>
      wait(() => gate.take({ events, address, now }));
    expect(take(2, "a")).toBe(0);
    expect(take(1, "a")).toBe(1);
    expect(take(2, "b")).toBe(0);
    for (const address of ["c", "d", "e"]) expect(take(2, address)).toBe(0);
    expect(take(1, "f")).toBe(1);
  });

  it("never takes more than burst and rate allow, whatever comes when (R1)", () => {
    withSeed(import.meta.url, (seed) => {
      const step = fc.record({ ms: fc.nat(3000), events: fc.integer({ min: 1, max: 5 }) });
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 20 }),
          fc.integer({ min: 5, max: 40 }),
          fc.array(step, { minLength: 1, maxLength: 60 }),
          (rate, burst, steps) => {
            const buckets = new TokenBuckets({ eventsPerSecond: rate, burst });
            let at = now;
            const taken: { at: number; events: number }[] = [];
            for (const { ms, events } of steps) {
              at += ms;
              const waitMs = buckets.waitMs("a", events, at);
              if (waitMs > 0) {
                expect(buckets.waitMs("a", events, at + waitMs - 1)).toBeGreaterThan(0);
                expect(buckets.waitMs("a", events, at + waitMs)).toBe(0);
                // Asking ahead moved the bucket's clock; the next step starts from there.
                at += waitMs;
                continue;
              }
              buckets.take("a", events, at);
              taken.push({ at, events });
            }
            for (const [from, first] of taken.entries()) {
              let sum = 0;
              for (const { at, events } of taken.slice(from)) {
                sum += events;
                expect(sum).toBeLessThanOrEqual(burst + (rate * (at - first.at)) / 1000 + 1e-6);
              }
            }
          },
        ),
        { seed, numRuns: 500 },
      );
    });
  });

  it("remembers a bounded number of addresses (R4)", () => {
    const buckets = new TokenBuckets({ eventsPerSecond: 1, burst: 1 }, 3);
    for (const key of ["a", "b", "a", "c", "a", "d"]) buckets.take(key, 0.4, now);
    expect(buckets.size).toBe(3);
    buckets.take("a", 1, now);
    expect(buckets.waitMs("a", 1, now)).toBeGreaterThan(0);
    expect(buckets.waitMs("b", 1, now)).toBe(0);
  });

  it("is not disturbed by a clock that was set back", () => {
    const buckets = new TokenBuckets({ eventsPerSecond: 1, burst: 2 });
    buckets.take("a", 2, now);
    expect(buckets.waitMs("a", 1, now - 60_000)).toBe(1000);
  });

  it("refuses the whole request before anything is written, counts its events, and spares history", () => {
    const site = siteWith({ ...quiet, rateLimit: { eventsPerSecond: 1, burst: 2 } });
    site.send();
    site.send();
    expect(() => site.send()).toThrow('this source sends more events than "web" allows; wait 1 s');
    const source = site.context.sources.byKey.get("WK");
    expect(Object.fromEntries(source?.edge?.counts.entries() ?? [])).toEqual({ rateLimited: 1 });
    if (source === undefined) throw new Error("no source");
    const events = Array.from({ length: 50 }, () => ({ event_type: "E", user_id: "u" }));
    const taken = acceptEvents({ shape: "import-rows", events, source }, site.context);
    expect(taken.accepted).toBe(50);
  });
});

describe("a bounded cache", () => {
  it("keeps what is in use, and at most two generations", () => {
    const cache = new BoundedCache<number, number>(10);
    for (let at = 0; at < 1000; at++) {
      cache.set(at, at);
      expect(cache.get(0)).toBe(0);
      expect(cache.size).toBeLessThanOrEqual(20);
    }
    expect(cache.get(500)).toBeUndefined();
  });
});

describe("a count of activity", () => {
  it("is never less than what happened in the second, and mostly exact (A1)", () => {
    withSeed(import.meta.url, (seed) => {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(30), fc.nat(1500)), { maxLength: 200 }),
          (happened) => {
            const exact = new Activity();
            const small = new Activity(8);
            const truth = new Map<string, number>();
            let at = now;
            for (const [key, ms] of happened) {
              at += ms;
              const cell = `${key} ${Math.floor(at / 1000)}`;
              truth.set(cell, (truth.get(cell) ?? 0) + 1);
              expect(exact.add(String(key), at)).toBe(truth.get(cell));
              expect(small.add(String(key), at)).toBeGreaterThanOrEqual(truth.get(cell) ?? 0);
            }
          },
        ),
        { seed, numRuns: 300 },
      );
    });
  });
});
