import { expect, it } from "vitest";
import * as p from "../../src/core/plan/index.ts";
import { ana, bob, keen, phone, planWith, recentViews, viewed, views, World } from "./fixture.ts";

const both = { userId: "ana", anonymousId: "phone" };
const bobOnPhone = { userId: "bob", anonymousId: "phone" };

it("moves what an anonymous visitor did to the user who logs in, once", async () => {
  const world = await World.open();
  await world.send(world.event("a", phone), world.event("b", phone));
  await world.send(world.event("c", both));
  expect(world.value("user:ana", "views")).toBe(3);
  expect(world.engine.profile("anon:phone")?.profileId).toBe("user:ana");
  await world.send(world.event("d", both), world.event("b", phone));
  expect(world.value("user:ana", "views")).toBe(4);
});

it("shows the first records of a large write before it has reduced the last", async () => {
  const world = await World.open(planWith(), { sliceRecordsMax: 2 });
  const { engine, log } = world;
  const first = log.next;
  const records = Array.from({ length: 10 }, (_, index) => world.event(`e${index}`, ana));
  const reducedWhenSeen = async () => {
    await engine.append(records);
    await engine.waitFor(first, 1000);
    return engine.status().reducedOffset;
  };
  expect(await world.clock.run(reducedWhenSeen())).toBeLessThan(first + records.length);
  await world.send();
  expect(world.value("user:ana", "views")).toBe(10);
});

it("forwards late anonymous events to the owner, in a receipt's time", async () => {
  const world = await World.open();
  await world.send(world.event("a", both));
  await world.clock.advance(5000);
  await world.send(world.event("late", phone, {}, 4000));
  expect(world.value("user:ana", "views")).toBe(2);
  expect(world.engine.ledger()).toMatchObject({ received: 2, applied: 2, inFlight: 0 });
});

it("leaves with each owner of a shared device what was done under that owner", async () => {
  const world = await World.open();
  await world.send(world.event("a", phone), world.event("b", both));
  await world.send(world.event("c", phone));
  await world.send(world.event("d", bobOnPhone));
  await world.send(world.event("e", phone), world.event("f", phone));
  expect(world.value("user:ana", "views")).toBe(3);
  expect(world.value("user:bob", "views")).toBe(3);
  expect(world.engine.profile("user:bob")?.state.parts.map(({ id }) => id)).toEqual([
    "anon:phone#2",
    "user:bob",
  ]);
});

it("takes a device back to an earlier owner who logs in again after the release", async () => {
  const world = await World.open();
  await world.send(world.event("a", both));
  await world.send(world.event("b", bobOnPhone));
  await world.send(world.event("c", both));
  await world.send(world.event("d", phone));
  expect(world.value("user:ana", "views")).toBe(3);
  expect(world.engine.profile("user:ana")?.state.parts.map(({ id }) => id)).toEqual([
    "anon:phone#3",
    "user:ana",
  ]);
});

it("shows a part to readers also while it is on its way to its owner", async () => {
  const world = await World.open();
  await world.send(world.event("a", phone), world.event("b", phone));
  world.disk.faults = { ...world.disk.faults, delayMsMin: 40, delayMsMax: 40 };
  await world.clock.run(world.engine.append([world.event("c", both)]));
  for (let step = 0; step < 400; step++) {
    await world.clock.advance(1);
    const [anonymous, user] = [
      world.value("anon:phone", "views"),
      world.value("user:ana", "views"),
    ];
    if (anonymous !== 2) expect([anonymous, user], `after ${step} ms`).toEqual([3, 3]);
  }
  expect(world.value("user:ana", "views")).toBe(3);
});

it("counts what another device set off for a cooldown", async () => {
  const plan = planWith({
    triggers: [p.trigger("once", { on: viewed, cooldown: p.hours(1), do: [p.send("hook")] })],
  });
  const world = await World.open(plan);
  await world.send(world.event("a", phone));
  await world.send(world.event("b", both));
  await world.send(world.event("c", phone), world.event("d", ana));
  await world.clock.run(world.engine.checkpoint());
  // Before the link nothing connects the two; from then on the phone's firing counts for both.
  expect(world.effects().map(({ cause }) => cause)).toEqual(["a", "b"]);
});

it("refuses a forwarded event whose function throws, and counts one that is filtered", async () => {
  const plan = planWith({
    filters: [
      p.transform("strict", [viewed], ({ properties }) => {
        if (properties["product"] === "bad") throw new Error("bad product");
        return properties["product"] === "dull" ? null : properties;
      }),
    ],
  });
  const world = await World.open(plan);
  await world.send(world.event("a", both));
  await world.send(
    world.event("b", phone, { product: "bad" }),
    world.event("c", phone, { product: "dull" }),
  );
  expect(world.engine.ledger()).toMatchObject({ received: 3, applied: 2, rejected: 1 });
  expect(world.engine.counters.filtered).toBe(1);
  expect(world.engine.journey("b")).toMatchObject({ status: "rejected" });
  expect(world.value("user:ana", "views")).toBe(1);
});

it("leaves a segment by time alone, through a tick, and says at which time", async () => {
  const world = await World.open();
  await world.send(world.event("a", ana), world.event("b", ana));
  await world.clock.advance(9000);
  expect(world.segments("user:ana")).toEqual(["keen"]);
  await world.clock.advance(2000);
  expect(world.segments("user:ana")).toEqual([]);
  const left = world.heard.at(-1)?.split(" ") ?? [];
  expect(left.slice(0, 3)).toEqual(["user:ana", "left", "keen"]);
  expect(Number(left[3])).toBeLessThanOrEqual(10_001);
});

it("fires timers that lie beyond what is held in memory", async () => {
  const world = await World.open(undefined, { timerHorizonMs: 1500 });
  await world.send(world.event("a", ana), world.event("b", ana));
  await world.clock.advance(12_000);
  expect(world.segments("user:ana")).toEqual([]);
});

it("fires a timer beyond the horizon also when a checkpoint is under way as the horizon moves", async () => {
  const world = await World.open(undefined, { timerHorizonMs: 1500, checkpointMs: 1e9 });
  await world.send(world.event("a", ana), world.event("b", ana));
  // The key is encoded, and its commit takes longer than everything that follows.
  const commit = world.store.commit.bind(world.store);
  world.store.commit = (changes) =>
    new Promise((resolve) => {
      world.clock.after(18_000, () => resolve(commit(changes)));
    });
  void world.engine.checkpoint();
  await world.clock.advance(15_000);
  expect(world.segments("user:ana")).toEqual([]);
});

it("fires after a restart what fell due while nothing ran, at the time at which it was due", async () => {
  const world = await World.open();
  await world.send(world.event("a", ana), world.event("b", ana));
  await world.close();
  await world.clock.advance(p.hours(3));
  await world.open();
  await world.clock.advance(1000);
  expect(world.segments("user:ana")).toEqual([]);
  expect(Number(world.heard.at(-1)?.split(" ")[3])).toBeLessThanOrEqual(10_001);
});

it("makes a record for another key again when the crash came before it was in the log", async () => {
  const world = await World.open();
  await world.send(world.event("a", phone));
  world.disk.faults = { ...world.disk.faults, delayMsMin: 50, delayMsMax: 50 };
  await world.clock.run(world.engine.append([world.event("b", both)]));
  world.crash();
  world.disk.faults = { ...world.disk.faults, delayMsMin: 0, delayMsMax: 0 };
  await world.open();
  await world.clock.advance(1000);
  expect(world.value("user:ana", "views")).toBe(2);
  expect(world.engine.profile("anon:phone")?.profileId).toBe("user:ana");
});

it("sends a record for another key once when the crash came after it was in the log", async () => {
  const world = await World.open(undefined, { checkpointMs: 1e9 });
  await world.send(world.event("a", phone));
  await world.send(world.event("b", both));
  const { next } = world.log;
  world.crash();
  await world.open();
  await world.clock.advance(1000);
  expect(world.log.next).toBe(next);
  expect(world.value("user:ana", "views")).toBe(2);
});

it("loses nothing to a checkpoint that fails, and says so", async () => {
  const world = await World.open(undefined, { checkpointMs: 1e9 });
  await world.send(world.event("a", ana), world.event("b", ana), world.event("b", ana));
  world.fill(true);
  await expect(world.clock.run(world.engine.checkpoint())).rejects.toThrow(/could not be written/);
  expect(world.engine.journey("b")?.duplicates.map(({ offset }) => offset)).toEqual([2]);
  world.fill(false);
  await world.clock.run(world.engine.checkpoint());
  world.crash();
  await world.open();
  expect(world.value("user:ana", "views")).toBe(2);
  expect(world.engine.journey("b")?.duplicates.map(({ offset }) => offset)).toEqual([2]);
  expect(world.effects().map(({ rule }) => rule)).toEqual(["hello"]);
});

it("raises an alert when a checkpoint of its own fails, and goes on", async () => {
  const world = await World.open();
  await world.send(world.event("a", ana));
  world.fill(true);
  await world.clock.advance(1000);
  expect(world.alerts).toContain("checkpointFailed");
  world.fill(false);
  await world.clock.advance(1000);
  expect(world.engine.status().checkpointOffset).toBe(1);
});

it("closes also when the disk is full", async () => {
  const world = await World.open(undefined, { checkpointMs: 1e9 });
  await world.send(world.event("a", phone));
  await world.clock.run(world.engine.append([world.event("b", both)]));
  world.fill(true);
  await expect(world.clock.run(world.engine.close())).rejects.toThrow();
  world.fill(false);
  world.crash();
  await world.open();
  await world.clock.advance(1000);
  expect(world.value("user:ana", "views")).toBe(2);
});

it("keeps exactly as many dead letters as it may, across restarts", async () => {
  const world = await World.open(undefined, { deadLettersMax: 3, checkpointMs: 1e9 });
  for (let index = 0; index < 5; index++) {
    const at = world.clock.now();
    const letter = { id: `m${index}`, code: "bad", message: "no", source: "web", at, event: {} };
    await world.send({ kind: "deadLetter", partition: 0, at, letter });
    await world.clock.run(world.engine.checkpoint());
    await world.clock.run(world.engine.checkpoint());
  }
  expect(world.alerts).toContain("deadLettersDropped");
  for (let restart = 0; restart < 3; restart++) {
    world.crash();
    await world.open();
    expect(world.engine.deadLetters.list({ limit: 9 }).map(({ id }) => id)).toEqual([
      "m4",
      "m3",
      "m2",
    ]);
    expect(world.engine.deadLetters.count).toBe(3);
  }
});

it("tells each status of a journey", async () => {
  const world = await World.open(undefined, { checkpointMs: 1e9 });
  const append = world.engine.append([world.event("a", ana)]);
  await world.clock.run(append);
  expect(world.engine.journey("a")?.status).toBe("inFlight");
  await world.send(world.event("b", ana));
  expect(world.engine.journey("a")).toMatchObject({
    status: "applied",
    profileId: "user:ana",
    offset: 0,
  });
  await world.send(world.event("a", ana));
  expect(world.engine.journey("a")).toMatchObject({
    status: "applied",
    duplicates: [{ offset: 2 }],
  });
  const stages = () => world.engine.journey("a")?.steps.map(({ stage }) => stage);
  expect(stages()).not.toContain("checkpointed");
  await world.clock.run(world.engine.checkpoint());
  expect(stages()).toContain("checkpointed");
  expect(world.engine.journey("nobody")).toBeNull();
});

it("covers a receipt only when everything that the event sent on is applied too", async () => {
  const world = await World.open();
  await world.send(world.event("a", phone));
  world.disk.faults = { ...world.disk.faults, delayMsMin: 40, delayMsMax: 40 };
  const receipt = await world.clock.run(world.engine.append([world.event("b", both)]));
  const offset = world.engine.offsetOf(receipt) ?? -1;
  expect(await world.clock.run(world.engine.waitFor(offset, 20))).toBe(false);
  expect(await world.clock.run(world.engine.waitFor(offset, 5000))).toBe(true);
  expect(world.engine.profile("user:ana")?.state.parts.map(({ id }) => id)).toEqual([
    "anon:phone",
    "user:ana",
  ]);
});

it("takes no receipt of another log, and none of what it never wrote", async () => {
  const world = await World.open();
  const receipt = await world.send(world.event("a", ana));
  expect(world.engine.offsetOf(receipt)).toBe(0);
  for (const other of ["", "x.0", `${receipt}.0`, `${world.log.id}.zz`, `${world.log.id}.-7`])
    expect(world.engine.offsetOf(other)).toBeNull();
});

it("begins a changed feature anew, keeps the others, and decides a new segment as of the switch", async () => {
  const loyal = p.segment("loyal", p.gte(views, 2));
  const longer = p.count("recentViews", viewed, { window: p.seconds(60) });
  const next = planWith({ features: [views, longer], segments: [keen, loyal] });
  const world = await World.open();
  await world.send(world.event("a", ana), world.event("b", ana), world.event("c", bob));
  await world.clock.advance(100);
  const switchedAt = world.since(world.clock.now());
  await world.clock.run(world.engine.switchPlan(await compiled(next)));
  await world.clock.advance(1000);
  expect(world.value("user:ana", "views")).toBe(2);
  expect(world.value("user:ana", "recentViews")).toBe(0);
  expect(world.segments("user:ana")).toEqual(["loyal"]);
  expect(world.segments("user:bob")).toEqual([]);
  const times = world.heard
    .filter((line) => line.includes("timer:"))
    .map((line) => Number(line.split(" ")[3]));
  for (const time of times) expect(time).toBeGreaterThanOrEqual(switchedAt);
  await world.send(world.event("d", ana));
  expect(world.value("user:ana", "recentViews")).toBe(1);
});

it("reduces a tail that a crash left by the plan under which it was accepted", async () => {
  const changed = planWith({
    features: [views, p.count("recentViews", viewed, { window: p.seconds(99) })],
  });
  const world = await World.open(undefined, { checkpointMs: 1e9 });
  await world.send(world.event("a", ana), world.event("b", ana));
  world.crash();
  await world.open(changed);
  expect(world.engine.manifest.map(({ fromOffset }) => fromOffset)).toEqual([0, 2]);
  expect(world.value("user:ana", "views")).toBe(2);
  expect(world.value("user:ana", "recentViews")).toBe(0);
});

it("does not bring back under a third plan what the second one dropped", async () => {
  const without = planWith({ features: [recentViews], triggers: [] });
  const world = await World.open(undefined, { liveKeysMax: 2 });
  for (const name of ["a", "b", "c", "d", "e", "f"])
    await world.send(world.event(name, { userId: name }));
  await world.close();
  await world.open(without);
  // One is touched under the plan without the feature, the others are not.
  await world.send(world.event("touched", { userId: "a" }));
  await world.close();
  await world.open();
  for (const name of ["a", "b", "c", "d", "e", "f"])
    expect(world.value(`user:${name}`, "views"), name).toBe(0);
});

it("opens again after a crash in the middle of a change of plan", async () => {
  const next = planWith({ segments: [keen, p.segment("any", p.gte(views, 1))] });
  const world = await World.open();
  await world.send(world.event("a", phone));
  world.fill(true);
  const switching = world.engine.switchPlan(await compiled(next)).catch(() => {});
  await world.clock.run(switching);
  world.fill(false);
  // Its records to other keys name an epoch that no manifest will ever have.
  await world.clock.run(world.engine.append([world.event("b", both)]));
  await world.clock.advance(60);
  world.crash();
  await world.open();
  await world.clock.advance(1000);
  expect(world.value("user:ana", "views")).toBe(2);
});

it("leaves nothing running when it cannot be opened", async () => {
  const world = new World();
  world.fill(true);
  await expect(world.open()).rejects.toThrow(/could not be written/);
  world.fill(false);
  await world.clock.advance(5000);
  expect(world.alerts).toEqual([]);
  world.crash();
  await world.open();
  await world.send(world.event("a", ana));
  expect(world.value("user:ana", "views")).toBe(1);
});

async function compiled(plan: p.Plan) {
  const { compilePlan } = await import("../../src/core/plan/compile.ts");
  return compilePlan(plan);
}

it("spreads a checkpoint over the time that is set, however long the pauses, unless somebody waits for it", async () => {
  const spread = { checkpointMs: 1000, checkpointSpreadMs: 100, sliceKeysMin: 1, sliceRestMs: 10 };
  const world = await World.open(undefined, { ...spread, tickMs: 1e9 });
  const visitors = Array.from({ length: 400 }, (_, index) => ({ anonymousId: `visitor${index}` }));
  const visit = (round: number) =>
    world.send(...visitors.map((who, index) => world.event(`${round}/${index}`, who)));
  await visit(1);
  const { checkpoints } = world.engine.status();
  await world.clock.advance(1300);
  expect(world.engine.status().checkpoints).toBe(checkpoints + 1);
  expect(world.engine.status().lastCheckpointMs).toBeGreaterThanOrEqual(90);
  expect(world.engine.status().lastCheckpointMs).toBeLessThanOrEqual(130);
  await visit(2);
  await world.clock.run(world.engine.checkpoint());
  expect(world.engine.status().checkpoints).toBe(checkpoints + 2);
  expect(world.engine.status().lastCheckpointMs).toBeLessThan(50);
});

it("spreads the ticks of a round where much was gathered, and only there", async () => {
  const viewsOf = p.count("viewsOf", viewed, { of: p.entity("item", viewed.prop.product) });
  const plan = planWith({ features: [views, recentViews, viewsOf] });
  const world = await World.open(plan, { partitions: 4, tickMs: 200, checkpointMs: 1e9 });
  const view = (from: number, count: number) =>
    world.send(
      ...Array.from({ length: count }, (_, index) =>
        world.event(`${from + index}`, { anonymousId: `${index}` }, { product: `${from + index}` }),
      ),
    );
  const tickTimes = () =>
    [...world.log.read(0)].flatMap(({ records }) =>
      records.flatMap((record) => (record.kind === "tick" ? [record.at] : [])),
    );
  await view(0, 20);
  await world.clock.advance(400);
  expect(new Set(tickTimes()).size).toBe(1);
  const before = tickTimes().length;
  await view(1000, 200);
  await world.clock.advance(400);
  const later = tickTimes().slice(before);
  expect(later).toHaveLength(4);
  expect(later.map((at) => at - (later[0] ?? 0))).toEqual([0, 50, 100, 150]);
  const counted = Array.from({ length: 200 }, (_, index) =>
    world.engine.entity("item", `${1000 + index}`),
  );
  expect(counted.every((entity) => entity?.features[0] === 1)).toBe(true);
});
