import { expect, it } from "vitest";
import { DedupWindow } from "../../src/engine/dedup.ts";
import { randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { ana, World } from "./fixture.ts";

const day = 24 * 3_600_000;

it("knows exactly the ids that a set knows, while none has expired", () =>
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    const window = new DedupWindow({ windowMs: 7 * day, idsMax: 1e6 });
    const seen = new Map<string, number>();
    for (let offset = 0; offset < 60_000; offset++) {
      const [scope, id] = [`s${random.below(3)}`, `m${random.below(40_000)}`];
      const name = `${scope} ${id}`;
      expect(window.take(scope, id, { clock: 1000 + offset, offset })).toBe(seen.get(name) ?? null);
      if (!seen.has(name)) seen.set(name, offset);
    }
    expect(window.size).toBe(seen.size);
  }));

it("keeps an id for the whole window and lets it go at most a slice later", () => {
  const window = new DedupWindow({ windowMs: 28_000, idsMax: 1e6 });
  const slices = 28;
  let offset = 0;
  expect(window.take("s", "a", { clock: 500, offset: offset++ })).toBeNull();
  // Others keep the clock moving, as they would.
  for (let clock = 1500; clock <= 28_500; clock += 1000)
    window.take("s", `x${clock}`, { clock, offset: offset++ });
  expect(window.take("s", "a", { clock: 28_500, offset: offset++ })).toBe(0);
  for (let clock = 29_500; clock <= 28_500 + 28_000 / slices + 1000; clock += 1000)
    window.take("s", `x${clock}`, { clock, offset: offset++ });
  expect(window.take("s", "a", { clock: 30_500, offset })).toBeNull();
});

it("does not renew an id that comes again", () => {
  const window = new DedupWindow({ windowMs: 28_000, idsMax: 1e6 });
  let offset = 0;
  for (let clock = 0; clock <= 28_000; clock += 500)
    expect(window.take("s", "a", { clock, offset: offset++ })).toBe(clock === 0 ? null : 0);
  expect(window.take("s", "a", { clock: 40_000, offset })).toBeNull();
});

it("takes a forgotten id as new", () => {
  const window = new DedupWindow({ windowMs: day, idsMax: 100 });
  expect(window.take("s", "a", { clock: 1, offset: 0 })).toBeNull();
  window.forget();
  expect(window.take("s", "a", { clock: 2, offset: 1 })).toBeNull();
  expect(window.take("s", "a", { clock: 3, offset: 2 })).toBe(1);
});

it("says so when it has to shrink, and still knows the newest ids", () => {
  const window = new DedupWindow({ windowMs: 28_000, idsMax: 60_000 });
  const count = 200_000;
  for (let offset = 0; offset < count; offset++)
    window.take("s", `m${offset}`, { clock: Math.floor(offset / 10), offset });
  expect(window.shrunk).toBeGreaterThan(0);
  expect(window.reachMs(20_000)).toBeLessThan(28_000);
  expect(window.take("s", `m${count - 1}`, { clock: 20_000, offset: count })).toBe(count - 1);
});

it("finds the offsets of a message id whatever its scope", () => {
  const window = new DedupWindow({ windowMs: day, idsMax: 1e6 });
  window.take("a", "m", { clock: 1, offset: 4 });
  window.take("b", "m", { clock: 2, offset: 9 });
  window.take("b", "other", { clock: 2, offset: 10 });
  expect(window.offsetsOf("m")).toEqual([4, 9]);
  expect(window.offsetsOf("nobody")).toEqual([]);
});

it("knows after a crash what it knew before, checkpointed or not", async () => {
  const world = await World.open();
  const early = Array.from({ length: 30 }, (_, index) => world.event(`early${index}`, ana));
  await world.send(...early);
  await world.clock.run(world.engine.checkpoint());
  await world.send(world.event("late", ana));
  world.crash();
  await world.open();
  await world.send(...early, world.event("late", ana), world.event("new", ana));
  expect(world.engine.ledger()).toMatchObject({ applied: 32, duplicate: 31 });
  expect(world.value("user:ana", "views")).toBe(32);
});

it("forgets an id after the stated window, and not before", async () => {
  const world = await World.open(undefined, { deduplicationMs: 60_000 });
  await world.send(world.event("m", ana));
  await world.clock.advance(60_000);
  await world.send(world.event("m", ana));
  expect(world.engine.ledger()).toMatchObject({ applied: 1, duplicate: 1 });
  await world.clock.advance(5000);
  await world.send(world.event("x", ana));
  await world.send(world.event("m", ana));
  expect(world.engine.ledger()).toMatchObject({ applied: 3, duplicate: 1 });
});
