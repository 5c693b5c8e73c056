import { describe, expect, it } from "vitest";
import { deliver, failing, hang, type Respond } from "../../src/adapters/sink/memory.ts";
import type { SendEffect } from "../../src/core/effect.ts";
import { retryDelayMs } from "../../src/engine/dispatcher-limits.ts";
import { effectOf } from "../../src/testing/contract/sink.ts";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { Rig, type RigOptions } from "./dispatcher-fixture.ts";

const hour = 3_600_000;
const to = (destination: string, id: string, profileId = id, at?: number) =>
  effectOf(id, profileId, { destination, ...(at === undefined ? {} : { at }) });
const many = (count: number, destination = "crm") =>
  Array.from({ length: count }, (_, index) => to(destination, `${destination}${index}`));
const ids = (effects: readonly SendEffect[]) => effects.map(({ id }) => id);
const busyFor =
  (retryAfterMs: number): Respond =>
  () => ({ kind: "retry", reason: "busy", retryAfterMs });

describe("dispatcher", () => {
  it("sends what a checkpoint holds, at once, and counts it", async () => {
    const rig = await Rig.open(["crm"]);
    rig.add(to("crm", "e1"));
    await rig.clock.advance(1000);
    expect(rig.sink("crm").received).toEqual([]);
    await rig.deliver();
    expect(ids(rig.sink("crm").delivered)).toEqual(["e1"]);
    expect(rig.status("crm")).toMatchObject({
      waiting: 0,
      inFlight: 0,
      delivered: 1,
      lastError: null,
      oldestMs: null,
    });
  });

  it("never sends what was sent, over restarts, but sends again with the same id what a crash left open", async () => {
    const rig = await Rig.open(["crm"]);
    await rig.deliver(to("crm", "e1"));
    await rig.checkpoint();
    await rig.deliver(to("crm", "e2"));
    // The process dies between the delivery and the checkpoint that would have held it.
    await rig.crash();
    await rig.run(1000);
    await rig.crash();
    await rig.run(1000);
    expect(ids(rig.sink("crm").delivered)).toEqual(["e1", "e2", "e2"]);
  });

  it("D1 sends at most the named number at once, and one of a profile, in order", async () => {
    const rig = await Rig.open(["crm"], { limits: { concurrencyMax: 3 } });
    const answers: (() => void)[] = [];
    rig
      .sink("crm")
      .respondWith(
        () => new Promise((resolve) => answers.push(() => resolve({ kind: "delivered" }))),
      );
    await rig.deliver(
      to("crm", "a1", "ana"),
      to("crm", "a2", "ana"),
      to("crm", "b1", "bo"),
      to("crm", "c1", "cy"),
      to("crm", "d1", "di"),
    );
    expect(ids(rig.sink("crm").received)).toEqual(["a1", "b1", "c1"]);
    expect(rig.status("crm").inFlight).toBe(3);
    answers[1]?.();
    await rig.clock.advance(0);
    expect(ids(rig.sink("crm").received)).toEqual(["a1", "b1", "c1", "d1"]);
    answers[0]?.();
    await rig.clock.advance(0);
    expect(ids(rig.sink("crm").received)).toEqual(["a1", "b1", "c1", "d1", "a2"]);
  });

  it("D1 holds later effects of a profile behind one that fails, and nobody else's", async () => {
    const rig = await Rig.open(["crm"]);
    let isFailing = true;
    rig
      .sink("crm")
      .respondWith(({ id }) =>
        id === "a1" && isFailing ? { kind: "retry", reason: "no" } : { kind: "delivered" },
      );
    await rig.deliver(to("crm", "a1", "ana"), to("crm", "a2", "ana"), to("crm", "b1", "bo"));
    expect(ids(rig.sink("crm").delivered)).toEqual(["b1"]);
    isFailing = false;
    await rig.run(2000);
    expect(ids(rig.sink("crm").delivered)).toEqual(["b1", "a1", "a2"]);
    expect(rig.status("crm")).toMatchObject({
      delivered: 3,
      retried: 1,
      lastError: { message: "no" },
    });
  });

  it("D2 a destination that hangs or fails does not delay another", async () => {
    for (const respond of [hang, failing]) {
      const rig = await Rig.open(["dead", "crm"]);
      rig.sink("dead").respondWith(respond);
      const began = rig.clock.now();
      const times: number[] = [];
      rig.sink("crm").respondWith(() => {
        times.push(rig.clock.now() - began);
        return { kind: "delivered" };
      });
      await rig.deliver(...many(50, "dead"), ...many(50));
      expect(times).toEqual(Array.from({ length: 50 }, () => 0));
    }
  });

  it("D2 cancels a send that does not end, and tries again, though the sink goes on regardless", async () => {
    const rig = await Rig.open(["crm"]);
    rig.sink("crm").respondWith(() => new Promise(() => {}));
    await rig.deliver(to("crm", "e1"));
    await rig.clock.advance(29_999);
    expect(rig.status("crm")).toMatchObject({ inFlight: 1, lastError: null });
    await rig.clock.advance(1);
    expect(rig.status("crm")).toMatchObject({
      inFlight: 0,
      retried: 1,
      lastError: { message: "no answer after 30000 ms" },
    });
    rig.sink("crm").respondWith(deliver);
    await rig.run(1000);
    expect(rig.status("crm")).toMatchObject({ delivered: 1, waiting: 0 });
  });

  it("D3 takes a sink that rejects or throws for one that could not", async () => {
    const rig = await Rig.open(["crm"]);
    rig.sink("crm").respondWith(() => {
      throw new Error("a bug");
    });
    await rig.deliver(to("crm", "e1"));
    expect(rig.status("crm")).toMatchObject({
      retried: 1,
      waiting: 1,
      lastError: { message: "the sink failed: a bug" },
    });
  });

  it("D3 backs off exponentially with full jitter up to the limit", () => {
    const limits = { retryMs: 1000, retryMsMax: 600_000 };
    const most = (attempts: number) => retryDelayMs(attempts, limits, () => 1 - 2 ** -32);
    expect([1, 2, 3, 10, 11, 2000].map(most)).toEqual([999, 1999, 3999, 511_999, 599_999, 599_999]);
    expect(retryDelayMs(10, limits, () => 0)).toBe(0);
  });

  it("D4 sends nothing during the pause that a destination asked for, at most an hour", async () => {
    const rig = await Rig.open(["crm"]);
    rig.sink("crm").respondWith(busyFor(90_000));
    await rig.deliver(to("crm", "e1"));
    rig.sink("crm").respondWith(deliver);
    await rig.deliver(to("crm", "e2"));
    await rig.clock.advance(89_999);
    expect(ids(rig.sink("crm").received)).toEqual(["e1"]);
    await rig.clock.advance(1);
    expect(ids(rig.sink("crm").delivered)).toEqual(["e1", "e2"]);
    rig.sink("crm").respondWith(busyFor(1000 * hour));
    await rig.deliver(to("crm", "e3"));
    rig.sink("crm").respondWith(deliver);
    await rig.clock.advance(hour - 1);
    expect(rig.status("crm").waiting).toBe(1);
    await rig.clock.advance(1);
    expect(rig.status("crm").waiting).toBe(0);
  });

  it("D4 a pause that is no number is none", async () => {
    const rig = await Rig.open(["crm"]);
    rig.sink("crm").respondWith(busyFor(Number.NaN));
    await rig.deliver(to("crm", "e1"));
    rig.sink("crm").respondWith(deliver);
    await rig.run(1000);
    expect(rig.status("crm").waiting).toBe(0);
  });

  it("D4 opens the breaker after failures in a row, tries one at a time, and closes when one is taken", async () => {
    const rig = await Rig.open(["crm"], { limits: { concurrencyMax: 1 } });
    rig.sink("crm").respondWith(failing);
    await rig.deliver(...many(40));
    expect(rig.sink("crm").received).toHaveLength(5);
    expect([rig.status("crm").breaker, rig.alerts]).toEqual(["open", ["destinationDown"]]);
    await rig.clock.advance(29_999);
    expect(rig.sink("crm").received).toHaveLength(5);
    await rig.clock.advance(1);
    expect(rig.sink("crm").received).toHaveLength(6);
    await rig.clock.advance(30_000);
    expect(rig.sink("crm").received).toHaveLength(7);
    rig.sink("crm").respondWith(deliver);
    await rig.clock.advance(30_000);
    expect(rig.status("crm")).toMatchObject({ breaker: "closed", waiting: 0, delivered: 40 });
    expect(rig.alerts).toEqual(["destinationDown"]);
  });

  it("D4 failures that are not in a row keep the breaker closed", async () => {
    const rig = await Rig.open(["crm"], { limits: { concurrencyMax: 1 } });
    rig
      .sink("crm")
      .respondWith(({ id }) =>
        id.endsWith("4") ? { kind: "delivered" } : { kind: "retry", reason: "no" },
      );
    await rig.deliver(...many(5));
    expect(rig.status("crm")).toMatchObject({ breaker: "closed", retried: 4, delivered: 1 });
  });

  it("abandons at once what is refused, and the next of the profile goes on", async () => {
    const rig = await Rig.open(["crm"]);
    rig
      .sink("crm")
      .respondWith(({ id }) =>
        id === "e1" ? { kind: "refused", reason: "answered 400" } : { kind: "delivered" },
      );
    await rig.deliver(to("crm", "e1", "ana"), to("crm", "e2", "ana"));
    expect(ids(rig.sink("crm").delivered)).toEqual(["e2"]);
    expect(rig.dispatcher.deadEffects(10)).toMatchObject([
      { code: "refused", reason: "answered 400", attempts: 1, effect: { id: "e1" } },
    ]);
    expect(rig.alerts).toEqual(["effectsAbandoned"]);
  });

  it("sends an abandoned effect again by hand, with the same id and a new age", async () => {
    const rig = await Rig.open(["crm"]);
    rig.sink("crm").respondWith(() => ({ kind: "refused", reason: "no" }));
    await rig.deliver(to("crm", "e1"));
    await rig.checkpoint();
    await rig.run(30 * hour, hour);
    expect(rig.dispatcher.retryAbandoned("e1")).toBe(true);
    expect(rig.dispatcher.retryAbandoned("e1")).toBe(false);
    rig.sink("crm").respondWith(failing);
    await rig.deliver();
    expect(rig.status("crm")).toMatchObject({ waiting: 1, oldestMs: 0 });
    rig.sink("crm").respondWith(deliver);
    await rig.run(5000);
    expect(ids(rig.sink("crm").delivered)).toEqual(["e1"]);
    expect(rig.dispatcher.deadEffects(10)).toEqual([]);
  });

  it("D5 abandons after a day of failures, also what was never tried while the breaker was open", async () => {
    const rig = await Rig.open(["crm"]);
    rig.sink("crm").respondWith(failing);
    await rig.deliver(...many(500));
    await rig.run(23 * hour, hour);
    expect(rig.status("crm").waiting).toBe(500);
    await rig.run(2 * hour, 60_000);
    expect(rig.status("crm")).toMatchObject({ waiting: 0, abandoned: 500 });
    expect(new Set(rig.dispatcher.deadEffects(1000).map(({ code }) => code))).toEqual(
      new Set(["expired"]),
    );
  });

  it("D5 still tries what grew too old while the process was down", async () => {
    const rig = await Rig.open(["crm"]);
    await rig.deliver(to("crm", "e1", "ana", rig.clock.now() - 100 * hour));
    expect(ids(rig.sink("crm").delivered)).toEqual(["e1"]);
  });

  it("abandons after the named number of attempts", async () => {
    const rig = await Rig.open(["crm"], { limits: { attemptsMax: 3, breakerFailures: 100 } });
    rig.sink("crm").respondWith(failing);
    await rig.deliver(to("crm", "e1"));
    await rig.run(60_000, 1000);
    expect(rig.sink("crm").received).toHaveLength(3);
    expect(rig.dispatcher.deadEffects(10)).toMatchObject([{ code: "attemptsSpent", attempts: 3 }]);
  });

  it("sends nothing more to a destination that is gone, until the next start", async () => {
    const rig = await Rig.open(["crm"], { limits: { concurrencyMax: 1 } });
    rig.sink("crm").respondWith(() => ({ kind: "gone", reason: "answered 410" }));
    await rig.deliver(to("crm", "e1"), to("crm", "e2"));
    await rig.run(2 * hour, hour);
    expect(rig.status("crm")).toMatchObject({ condition: "disabled", waiting: 1, abandoned: 1 });
    expect([ids(rig.sink("crm").received), rig.alerts]).toEqual([
      ["e1"],
      ["effectsAbandoned", "destinationDisabled"],
    ]);
    rig.sink("crm").respondWith(deliver);
    await rig.crash();
    await rig.run(1000);
    expect(ids(rig.sink("crm").delivered)).toEqual(["e2"]);
  });

  it("keeps effects of a destination that is not configured, and says so once", async () => {
    const rig = await Rig.open(["crm"]);
    await rig.deliver(to("mail", "e1"), to("crm", "e2"));
    await rig.deliver(to("mail", "e3"));
    await rig.run(48 * hour, hour);
    expect(rig.status("mail")).toMatchObject({
      condition: "unknown",
      waiting: 2,
      oldestMs: expect.any(Number),
    });
    expect(rig.alerts).toEqual(["destinationUnknown"]);
    await rig.crash();
    expect([rig.status("mail").waiting, rig.alerts.length]).toEqual([2, 2]);
  });

  it("asks for consent when an effect leaves", async () => {
    const rig = await Rig.open(["crm"], {
      withhold: ({ profileId }) => (profileId === "ana" ? "consent withdrawn" : null),
    });
    await rig.deliver(to("crm", "e1", "ana"), to("crm", "e2", "bo"));
    expect(ids(rig.sink("crm").received)).toEqual(["e2"]);
    expect(rig.dispatcher.deadEffects(10)).toMatchObject([
      { code: "withheld", reason: "consent withdrawn", attempts: 0 },
    ]);
  });

  it("a stop takes nothing more, lets sends finish, and cuts what does not end", async () => {
    const rig = await Rig.open(["crm", "slow"], { limits: { concurrencyMax: 1 } });
    rig.sink("slow").respondWith(hang);
    rig
      .sink("crm")
      .respondWith(
        () => new Promise((resolve) => rig.clock.after(4000, () => resolve({ kind: "delivered" }))),
      );
    await rig.deliver(...many(3), ...many(3, "slow"));
    const began = rig.clock.now();
    await rig.clock.run(rig.dispatcher.stop());
    expect(rig.clock.now() - began).toBe(10_000);
    await rig.checkpoint();
    await rig.run(hour, 60_000);
    expect([rig.status("crm").waiting, rig.status("slow").waiting]).toEqual([2, 3]);
    expect([rig.sink("crm").received.length, rig.sink("slow").received.length]).toEqual([1, 1]);
  });

  it("holds a window in memory while a destination is down, and sends everything in order afterwards", async () => {
    const rig = await Rig.open(["crm"], {
      outbox: { windowEntriesMax: 20 },
      limits: { concurrencyMax: 1 },
    });
    rig.sink("crm").respondWith(failing);
    const effects = Array.from({ length: 300 }, (_, index) => to("crm", `e${index}`, "ana"));
    for (let from = 0; from < 300; from += 50) {
      rig.add(...effects.slice(from, from + 50));
      await rig.run(60_000, 20_000);
      expect(rig.outbox.window("crm").length).toBeLessThanOrEqual(20);
    }
    rig.sink("crm").respondWith(deliver);
    await rig.run(20 * 60_000, 20_000);
    expect(ids(rig.sink("crm").delivered)).toEqual(ids(effects));
  });
});

describe("dispatcher, with random faults", () => {
  it("every effect ends delivered or abandoned, once, and each profile's in order", async () => {
    await withSeed(import.meta.url, async (seed) => {
      for (let round = 0; round < 40; round++) await wreck(randomOf(seed + round));
    });
  });
});

const destinations = ["crm", "mail", "ads"];

async function wreck(random: Random): Promise<void> {
  const faults = random.fork();
  const options: RigOptions = {
    random: () => faults.next(),
    outbox: { windowEntriesMax: 1 + random.below(30), settledEntriesMax: 1 + random.below(50) },
    limits: {
      concurrencyMax: 1 + random.below(4),
      breakerFailures: 1 + random.below(6),
      sendMsMax: 2000,
      stopMsMax: 1000,
    },
  };
  const rig = await Rig.open(destinations, options);
  rig.disk.faults = { ...rig.disk.faults, failureShare: 0.1, delayMsMax: 20 };
  const received: { life: number; effect: SendEffect }[] = [];
  for (const sink of rig.sinks)
    sink.respondWith((effect, cancellation) => {
      received.push({ life: rig.life, effect });
      return respond(random, rig)(effect, cancellation);
    });
  let made = 0;
  for (let step = 0; step < 60; step++) {
    for (let count = random.below(6); count > 0; count--)
      rig.add(to(random.pick(destinations), `e${made++}`, `p${random.below(5)}`, rig.clock.now()));
    await rig.run(250 * (1 + random.below(8)));
    const dead = rig.dispatcher.deadEffects(1)[0];
    if (dead !== undefined && random.chance(0.1)) rig.retryAbandoned(dead.effect.id);
    if (random.chance(0.1)) {
      rig.startCheckpoint();
      await rig.clock.advance(random.below(20));
      await rig.crash();
    }
  }
  rig.disk.faults = { ...rig.disk.faults, failureShare: 0 };
  for (const sink of rig.sinks) sink.respondWith(deliver);
  await rig.run(2 * hour, 60_000);
  await rig.crash();
  checkEnds(rig);
  checkOrder(rig, received);
}

function respond(random: Random, rig: Rig): Respond {
  return (effect, cancellation) => {
    const kind = random.below(12);
    if (kind < 6) return { kind: "delivered" };
    if (kind === 6) return { kind: "refused", reason: "no" };
    if (kind === 7) return { kind: "retry", reason: "busy", retryAfterMs: random.below(5000) };
    if (kind === 8) return hang(effect, cancellation);
    if (kind === 9) throw new Error("a bug");
    if (kind === 10)
      return new Promise((resolve) =>
        rig.clock.after(random.below(1500), () => resolve({ kind: "delivered" })),
      );
    return { kind: "retry", reason: "not now" };
  };
}

/** What the store holds is the judge: each effect of the log sent or abandoned, none waiting. */
function checkEnds(rig: Rig): void {
  for (const name of destinations) expect(rig.outbox.waiting(name)).toBe(0);
  const abandoned = rig.dispatcher.deadEffects(10_000).map(({ effect }) => effect.id);
  const sent = [...rig.store.scan("outbox", { from: "~sent/", to: "~sent/~" })].map(([key]) =>
    key.slice(key.lastIndexOf("/") + 1),
  );
  expect([...abandoned, ...sent].toSorted()).toEqual(ids(rig.log).toSorted());
  const arrived = new Set(rig.sinks.flatMap(({ delivered }) => ids(delivered)));
  expect(sent.filter((id) => !arrived.has(id))).toEqual([]);
}

/** Within one life of the process, a profile's effects go to a destination in the order in which they were made. */
function checkOrder(rig: Rig, received: readonly { life: number; effect: SendEffect }[]): void {
  const order = new Map(rig.log.map(({ id }, index) => [id, index]));
  const last = new Map<string, number>();
  for (const { life, effect } of received) {
    const lane = `${life} ${effect.destination} ${effect.profileId}`;
    const index = order.get(effect.id) ?? -1;
    const before = last.get(lane) ?? -1;
    if (index < before) expect([...rig.putBack]).toContain(effect.id);
    else last.set(lane, index);
  }
}
