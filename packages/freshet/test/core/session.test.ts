import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assertPlainStrict, roundTrip } from "../../src/core/codec.ts";
import { compileFeature, type FoldDefinition } from "../../src/core/feature/compile.ts";
import type { KeyedItem } from "../../src/core/feature/compiled.ts";
import {
  addToSessions,
  currentSession,
  mergeSessions,
  type SessionList,
  sessionEndsAt,
  sessionId,
  sessionsMax,
} from "../../src/core/session.ts";
import { naiveFeature } from "../../src/testing/oracle.ts";
import { checkIn, epoch } from "./feature-fixture.ts";

const gapMs = 100;
const definitions: readonly FoldDefinition[] = ["count", "sum", "last", "first"].map((type) => ({
  type,
  window: { kind: "session" },
  options: { scale: 100, n: 2, halfLifeMs: 1 },
}));
const features = definitions.map(compileFeature);

describe("sessions", () => {
  it("are the connected components of the events, in whatever order they came", () => {
    check(events(), (items) => {
      expect(build(items)).toEqual(naive(items));
    });
  });

  it("merge to what all events together give, in any grouping and order", () => {
    check(splits(), (parts) => {
      const [a, b, c] = parts.map(build) as [SessionList, SessionList, SessionList];
      const merge = (x: SessionList | null, y: SessionList | null) =>
        mergeSessions(x, y, gapMs, features);
      const all = naive(parts.flat());
      expect(merge(merge(a, b), c)).toEqual(all);
      expect(merge(c, merge(b, a))).toEqual(all);
      expect(merge(null, a)).toEqual(a);
      expect(merge(a, [])).toEqual(a);
    });
  });

  it("add an event as if they merged a list of that event alone", () => {
    check(events(), (items) => {
      const merged = items.reduce<SessionList>(
        (list, item) => mergeSessions(list, build([item]), gapMs, features),
        [],
      );
      expect(build(items)).toEqual(merged);
    });
  });

  it("hold features that read as the oracle says of the session's events", () => {
    check(events(), (items) => {
      for (const session of build(items)) {
        const inside = items.filter(({ time }) => time >= session.start && time <= session.end);
        const read = features.map((feature, i) =>
          feature.read(session.features[i] ?? null, session.end),
        );
        expect(read).toEqual(
          definitions.map((definition) => naiveFeature(definition, inside, session.end)),
        );
      }
    });
  });

  it("are plain data that merging neither changes nor shares", () => {
    check(splits(), ([some = [], rest = []]) => {
      const a = build(some);
      const b = build(rest);
      const before = roundTrip([a, b]);
      const merged = mergeSessions(a, b, gapMs, features);
      assertPlainStrict([a, b, merged]);
      for (const item of [...some, ...rest]) add(merged, item);
      expect([a, b]).toEqual(before);
    });
  });

  it("take an event exactly the gap away, and not one a millisecond farther", () => {
    expect(build([at(0), at(100)])).toHaveLength(1);
    expect(build([at(0), at(101)])).toHaveLength(2);
    expect(build([at(100), at(0)])).toHaveLength(1);
    expect(build([at(101), at(0)])).toHaveLength(2);
  });

  it("become one when a late event bridges them", () => {
    const list = build([at(0), at(200), at(100)]);
    expect(list).toEqual([
      {
        start: epoch,
        end: epoch + 200,
        startId: "m0",
        count: 3,
        features: expect.anything(),
      },
    ]);
    expect(features[0]?.read(list[0]?.features[0] ?? null, epoch)).toBe(3);
  });

  it("are at most 16, the newest, which stay exact", () => {
    const items = Array.from({ length: sessionsMax + 5 }, (_, i) => at(i * 1000));
    const kept = naive(items.slice(5));
    expect(build(items)).toEqual(kept);
    expect(
      mergeSessions(build(items.slice(0, 12)), build(items.slice(12)), gapMs, features),
    ).toEqual(kept);
    expect(build([...items, at(1)])).toEqual(kept);
  });
});

describe("currentSession", () => {
  const list = build([at(0), at(500), at(550)]);

  it("is the one that an event now would join", () => {
    expect(currentSession(list, epoch + 650, gapMs)?.start).toBe(epoch + 500);
    expect(currentSession(list, epoch + 651, gapMs)).toBe(null);
    expect(currentSession(null, epoch, gapMs)).toBe(null);
  });

  it("is not one that has yet to begin", () => {
    expect(currentSession(list, epoch + 90, gapMs)?.start).toBe(epoch);
    expect(currentSession(list, epoch + 450, gapMs)).toBe(null);
  });

  it("ends at the moment that sessionEndsAt names", () => {
    const open = currentSession(list, epoch + 600, gapMs);
    if (open === null) throw new Error("a session was open");
    const end = sessionEndsAt(open, gapMs);
    expect(currentSession(list, end - 1, gapMs)).toBe(open);
    expect(currentSession(list, end, gapMs)).toBe(null);
  });
});

describe("sessionId", () => {
  it("depends on the part and the first event, and not on what comes after", () => {
    const [one] = build([at(0)]);
    const [longer] = build([at(50), at(0)]);
    const [earlier] = build([at(0), at(-10)]);
    if (one === undefined || longer === undefined || earlier === undefined)
      throw new Error("no session");
    expect(sessionId(longer, "user:a")).toBe(sessionId(one, "user:a"));
    expect(sessionId(one, "user:b")).not.toBe(sessionId(one, "user:a"));
    expect(sessionId(earlier, "user:a")).not.toBe(sessionId(one, "user:a"));
  });
});

function at(offset: number): KeyedItem {
  return { time: epoch + offset, id: `m${offset}`, value: offset, input: 0 };
}

function build(items: readonly KeyedItem[]): SessionList {
  return items.reduce<SessionList>(add, []);
}

function add(list: SessionList, item: KeyedItem): SessionList {
  const items = features.map((_, index) => ({ index, item }));
  return addToSessions(list, item, { gapMs, features, items, clock: item.time });
}

/** Sorts the events and cuts where the gap is too wide. */
function naive(items: readonly KeyedItem[]): SessionList {
  const sorted = items.toSorted((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
  const groups: KeyedItem[][] = [];
  for (const item of sorted) {
    const group = groups.at(-1);
    if (group !== undefined && item.time - (group.at(-1)?.time ?? 0) <= gapMs) group.push(item);
    else groups.push([item]);
  }
  return groups.map((group) => {
    const [first] = group;
    const states = features.map((feature) =>
      group.reduce<unknown>((state, item) => feature.add(state, item, item.time), null),
    );
    return {
      start: first?.time ?? 0,
      end: group.at(-1)?.time ?? 0,
      startId: first?.id ?? "",
      count: group.length,
      features: states,
    };
  });
}

/** At most 16 sessions (within 1600 ms at a gap of 100 ms), many of them just connected or just not. */
function events(): fc.Arbitrary<KeyedItem[]> {
  const item = fc.record({
    time: fc
      .oneof(
        fc.integer({ min: 0, max: 1600 }),
        fc.integer({ min: 0, max: 16 }).map((steps) => steps * gapMs),
        fc.integer({ min: 0, max: 15 }).map((steps) => steps * (gapMs + 1)),
      )
      .map((offset) => epoch + offset),
    id: fc.nat({ max: 99 }).map((id) => `m${id}`),
    value: fc.integer({ min: -500, max: 500 }).map((mills) => mills / 1000),
    input: fc.constant(0),
  });
  return fc.uniqueArray(item, { maxLength: 40, selector: (one) => `${one.time} ${one.id}` });
}

function splits(): fc.Arbitrary<KeyedItem[][]> {
  return events().chain((items) =>
    fc
      .array(fc.integer({ min: 0, max: 2 }), { minLength: items.length, maxLength: items.length })
      .map((places) => [0, 1, 2].map((part) => items.filter((_, i) => places[i] === part))),
  );
}

function check<Value>(values: fc.Arbitrary<Value>, judge: (value: Value) => void): void {
  checkIn(import.meta.url, fc.property(values, judge), 200);
}
