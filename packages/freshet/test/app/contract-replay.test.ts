/** A plan that learns a new version: replayed over the old log, it says what it would have said from the beginning. */
import { rmSync } from "node:fs";
import type { JsonObject } from "@freshet/protocol";
import { expect, test } from "vitest";
import { replayFolder } from "../../src/app/replay.ts";
import { partOf } from "../../src/core/event.ts";
import { type CompiledPlan, compilePlan } from "../../src/core/plan/compile.ts";
import * as p from "../../src/core/plan/index.ts";
import type { EventRecord } from "../../src/core/record.ts";
import { ProfileView } from "../../src/core/view.ts";
import { partitionOf } from "../../src/engine/partition.ts";
import { randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { HandClock, newFolder, openAt, rest } from "./replay-fixture.ts";

const old = p.event("Paid", { price: "number", quantity: "integer", shop: "string?" });
const before = compilePlan(
  p.definePlan({ name: "t", events: [old], features: [p.count("payments", old)] }),
);

const paid = p.event(
  "Paid",
  { total: "number", place: "object" },
  {
    version: 3,
    earlier: [
      p.earlier(1, { price: "number", quantity: "integer" }, ({ price, quantity }) => [
        p.compute("total", p.multiply(price, quantity)),
        p.drop("price"),
        p.drop("quantity"),
      ]),
      p.earlier(2, { total: "number" }, [p.rename("shop", "place.shop")]),
    ],
  },
);
const place = p.property("place.shop");
const spend = p.sum("spend", paid, paid.prop.total);
const after = compilePlan(
  p.definePlan({
    name: "t",
    events: [paid],
    features: [
      p.count("payments", paid),
      spend,
      p.count("byPlace", paid, { by: place }),
      p.topK("popular", paid, place, { n: 3, of: p.entity("shop", p.constant("all")) }),
    ],
    segments: [p.segment("spender", p.gte(spend, 100))],
  }),
);

const users = ["ana", "bob", "eve"];

async function live(data: string, compiled: CompiledPlan, records: readonly EventRecord[]) {
  const clock = new HandClock();
  const opened = await openAt(data, clock, compiled);
  for (let at = 0; at < records.length; at += 20) {
    clock.time += 60_000;
    await opened.engine.append(
      records.slice(at, at + 20).map((one) => ({ ...one, at: clock.now() })),
    );
  }
  await rest(opened.engine);
  await opened.close();
}

/** What the plan says of everybody. */
async function said(data: string): Promise<unknown> {
  const clock = new HandClock();
  clock.time += 3_600_000;
  const { engine, close } = await openAt(data, clock, after);
  const all = users.map((user) => {
    const state = engine.profile(`user:${user}`)?.state;
    if (state === undefined) return null;
    const view = new ProfileView(after, state, clock.now());
    return ["payments", "spend", "byPlace"]
      .map((name) => view.feature(name))
      .concat(view.segment("spender"));
  });
  await close();
  return all;
}

test("a replay into a plan with up-casts is what a live run of up-casted events is", async () => {
  await withSeed(import.meta.url, async (seed) => {
    const random = randomOf(seed);
    const record = (
      id: string,
      userId: string,
      properties: JsonObject,
      version?: number,
    ): EventRecord => {
      const event = {
        ...({ id, type: "track", name: "Paid", userId, source: "web", properties } as const),
        time: new HandClock().time,
        ...(version === undefined ? {} : { version }),
      };
      const key = partOf(event);
      return { kind: "event", partition: partitionOf(key, 4), at: 0, key, event };
    };
    const sales = Array.from({ length: 200 }, (_, at) => ({
      ...{ id: `m${at}`, user: random.pick(users), price: 1 + random.below(500) / 4 },
      ...{ quantity: 1 + random.below(4), shop: random.pick(["north", "south", ""]) },
    }));
    const [one, other] = [newFolder(), newFolder()];
    try {
      await live(
        one,
        before,
        sales.map(({ id, user, price, quantity, shop }) =>
          record(id, user, { price, quantity, ...(shop === "" ? {} : { shop }) }),
        ),
      );
      const report = await replayFolder({ data: one, plan: after, apply: true });
      expect(report).toMatchObject({ applied: true, counters: { applied: 200, rejected: 0 } });
      await live(
        other,
        after,
        sales.map(({ id, user, price, quantity, shop }) =>
          record(
            id,
            user,
            { total: price * quantity, ...(shop === "" ? {} : { place: { shop } }) },
            3,
          ),
        ),
      );
      const replayed = await said(one);
      expect(replayed).toEqual(await said(other));
      expect(JSON.stringify(replayed)).toContain("north");
    } finally {
      for (const folder of [one, other]) rmSync(folder, { recursive: true, force: true });
    }
  });
});
