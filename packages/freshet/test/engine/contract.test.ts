/** Random events under random policies, from accept to the profile: the books balance, and marks change no value. */
import { type JsonObject, readJson } from "@freshet/protocol";
import { expect, it } from "vitest";
import {
  acceptEvents,
  type ContractPolicy,
  compileContracts,
  compileJoins,
  createEdge,
  sourcesOf,
} from "../../src/accept/index.ts";
import type { AcceptedEvent } from "../../src/core/event.ts";
import * as p from "../../src/core/plan/index.ts";
import type { LogRecord } from "../../src/core/record.ts";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { World } from "./fixture.ts";

const paid = p.event(
  "Paid",
  { cents: "integer", item: "string" },
  {
    version: 2,
    earlier: [
      p.earlier(1, { euro: "number" }, ({ euro }) => [
        p.upCast("whole", ({ properties }) => {
          if (properties["euro"] === 13) throw new Error("unlucky");
          return properties as JsonObject;
        }),
        p.compute("cents", p.multiply(euro, 100)),
        p.setDefault("item", "unknown"),
      ]),
    ],
  },
);
const seen = p.event("Seen", p.jsonSchema({ properties: { item: { type: "string" } } }));
const features = [
  p.count("payments", paid),
  p.sum("cents", paid, paid.prop.cents),
  p.max("most", paid, paid.prop.cents),
  p.mean("usual", paid, paid.prop.cents),
  p.last("lastItem", seen, seen.prop.item),
  p.recent("items", seen, seen.prop.item, { n: 5 }),
  p.distinct("kinds", paid, paid.prop.item),
  p.topK("top", paid, paid.prop.item, { n: 3 }),
  p.count("byItem", paid, { by: paid.prop.item }),
  p.decayingScore("score", paid, paid.prop.cents, { halfLife: p.days(1) }),
];
const rich = p.segment("rich", p.gte(features[1] as p.FeatureRef<number>, 500));
const plan = p.definePlan({ name: "t", events: [paid, seen], features, segments: [rich] });
const contracts = compileContracts(plan.definition.events, plan.functions);

/** Anything at all where the contract says what it should be. */
const odd = [1, 250, -3, 1.5, 0, 1e308, "7", "", "text", true, null, [], [1, "a"], {}, { a: 1 }];

function randomEvent(random: Random, index: number): JsonObject {
  const names = random.pick([["cents", "item"], ["euro"], ["item"], ["cents", "euro", "item"], []]);
  const properties = Object.fromEntries(
    names.map((name) => [
      name,
      random.chance(0.5) ? random.pick(odd) : name === "item" ? "pen" : 5,
    ]),
  );
  if (random.chance(0.1)) properties["euro"] = 13;
  return {
    type: "track",
    event: random.pick(["Paid", "Paid", "Seen", "Other"]),
    messageId: `m${random.below(Math.max(1, index))}-${random.below(3)}`,
    userId: random.pick(["ana", "bob"]),
    properties: properties as JsonObject,
    context: random.chance(0.2) ? { protocols: { event_version: 1 + random.below(4) } } : {},
  };
}

const policies: readonly ContractPolicy[] = (["mark", "deadLetter", "refuse"] as const).flatMap(
  (violation) =>
    (["accept", "mark", "deadLetter", "refuse"] as const).map((unknown) => ({
      violation,
      unknown,
    })),
);

const names = [...features.map(({ definition }) => definition.name)];

it("received is applied, duplicate, rejected and in flight; a mark changes no value", async () => {
  await withSeed(import.meta.url, async (seed) => {
    const random = randomOf(seed);
    for (const policy of policies) {
      const marked = await World.open(plan);
      const plain = await World.open(plan);
      const edge = createEdge(
        { bots: "ignore", context: { device: false, campaign: false }, contracts: policy },
        {
          source: "web",
          agents: () => () => undefined as never,
          locate: undefined,
          hash: () => {
            throw new Error("nothing is hashed");
          },
          readKeySet: () => null,
        },
      );
      const sources = sourcesOf([
        { name: "web", writeKey: "WK", kind: "server", ...(edge === undefined ? {} : { edge }) },
      ]);
      const [source] = sources.list;
      if (source === undefined) throw new Error("there is a source");
      let sent = 0;
      for (let round = 0; round < 12; round++) {
        const events = Array.from({ length: 20 }, (_, at) => randomEvent(random, round * 20 + at));
        const { records, rejected } = acceptEvents(
          { shape: "segment-batch", events, source },
          {
            ...{ now: marked.clock.now(), partitions: 4, sources, contracts, tables: new Map() },
            ...{ joins: compileJoins([]), randomId: () => `r${random.next()}` },
          },
        );
        sent += events.length;
        expect(records.length).toBe(events.length);
        expect(rejected.length).toBe(records.filter(({ kind }) => kind === "deadLetter").length);
        await marked.send(...records);
        await plain.send(...records.map(unmarked));
      }
      const { received, applied, duplicate, rejected, inFlight } = marked.engine.ledger();
      expect([received, inFlight]).toEqual([sent, 0]);
      expect(applied + duplicate + rejected).toBe(received);
      expect(marked.engine.ledger()).toEqual(plain.engine.ledger());
      for (const who of ["user:ana", "user:bob"]) {
        for (const name of names) {
          const value = marked.value(who, name);
          expect(value).toEqual(plain.value(who, name));
          expectSound(value);
        }
        expect(marked.segments(who)).toEqual(plain.segments(who));
      }
      const counts = [...sources.contracts.entries()].reduce((sum, { count }) => sum + count, 0);
      expect(counts).toBe(sent);
      await marked.close();
      await plain.close();
    }
  });
});

/** A number, a text, true or false, or nothing; or some of those by key or in a list. */
function expectSound(value: unknown): void {
  const parts = typeof value === "object" && value !== null ? Object.values(value) : [value];
  for (const part of parts)
    expect(part === null || typeof part !== "object" ? part : undefined).toSatisfy(
      (one) => one === null || ["string", "boolean"].includes(typeof one) || Number.isFinite(one),
    );
  expect(readJson(JSON.stringify(value))).toEqual(value);
}

/** The same record without what the policy noted about its contract. */
function unmarked(record: LogRecord): LogRecord {
  if (record.kind !== "event") return record;
  const { breach: _breach, notes: _notes, ...event }: AcceptedEvent = record.event;
  return { ...record, event };
}

it("the same event is always of the same version", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    const again = compileContracts(
      plan.definition.events.map((event) => ({ ...event })),
      plan.functions,
    );
    for (let round = 0; round < 2000; round++) {
      const { event, properties } = randomEvent(random, round);
      const judged = {
        ...{ name: String(event), content: properties as JsonObject, field: "properties" },
        said: random.chance(0.3) ? 1 + random.below(4) : undefined,
      };
      const one = contracts.judge(judged);
      const other = again.judge(judged);
      expect([other.kind, other.version]).toEqual([one.kind, one.version]);
      expect(contracts.judge(judged)).toEqual(one);
    }
  });
});
