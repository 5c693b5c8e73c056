import { describe, expect, it } from "vitest";
import { parseSchema } from "../../src/schema/index.ts";
import {
  addTraffic,
  inferLimits,
  mergeTraffic,
  newTraffic,
  proposalCodec,
  propose,
  protobufProposal,
  type SeenEvent,
  settleTraffic,
  type Traffic,
} from "../../src/schema/infer/index.ts";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { dump, randomEvents } from "./infer-generator.ts";

const rounds = Number(process.env.FRESHET_RUNS ?? 12);

function summed(events: readonly SeenEvent[], pinned: readonly string[] = []): Traffic {
  const traffic = newTraffic(1, pinned);
  for (const event of events) addTraffic(traffic, event);
  return traffic;
}

function merged(...parts: readonly Traffic[]): Traffic {
  const into = newTraffic(1, parts[0]?.pinned);
  for (const part of parts) mergeTraffic(into, part);
  return into;
}

function settled(traffic: Traffic): unknown {
  settleTraffic(traffic);
  return dump(traffic);
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const keyed = list.map((item) => ({ item, key: random.next() }));
  return keyed.sort((one, other) => one.key - other.key).map(({ item }) => item);
}

/** Events that go past each of the limits. */
function crowd(random: Random): SeenEvent[] {
  const count = 3 * inferLimits.namesMax;
  return randomEvents(random, count).map((event, at) => ({
    ...event,
    name: random.chance(0.5) ? event.name : `Event ${at}`,
    content: {
      ...event.content,
      [`p${random.below(5 * inferLimits.placesMax)}`]: { [`q${random.below(9)}`]: [at] },
    },
  }));
}

describe("a summary of traffic", () => {
  it("is the same whatever the order and however it was cut", () => {
    withSeed(import.meta.url, (seed) => {
      const random = randomOf(seed);
      for (let round = 0; round < rounds; round++) {
        const make = round % 4 === 0 ? crowd : (one: Random) => randomEvents(one, one.below(500));
        const events = make(random);
        const pinned = ["Order Completed"];
        const whole = settled(summed(events, pinned));
        expect(settled(summed(shuffled(random, events), pinned))).toEqual(whole);
        const [first, second] = [random.below(events.length + 1), random.below(events.length + 1)];
        const [from, to] = [Math.min(first, second), Math.max(first, second)];
        const cuts = [events.slice(0, from), events.slice(from, to), events.slice(to)];
        const parts = () => cuts.map((cut) => summed(cut, pinned)) as [Traffic, Traffic, Traffic];
        const [a, b, c] = parts();
        expect(settled(merged(merged(a, b), c))).toEqual(whole);
        const [d, e, f] = parts();
        expect(settled(merged(f, merged(e, d)))).toEqual(whole);
      }
    });
  });

  it("takes nothing in from the one that is merged into it", () => {
    withSeed(import.meta.url, (seed) => {
      const random = randomOf(seed);
      const [one, other] = [summed(randomEvents(random, 50)), summed(randomEvents(random, 50))];
      const before = dump(other);
      mergeTraffic(one, other);
      for (const event of randomEvents(random, 50)) addTraffic(one, event);
      expect(dump(other)).toEqual(before);
    });
  });
});

describe("a proposal", () => {
  it("takes every event that it rests on, as JSON Schema", () => {
    withSeed(import.meta.url, (seed) => {
      const random = randomOf(seed);
      for (let round = 0; round < rounds; round++) {
        const events = randomEvents(random, 1 + random.below(400));
        const traffic = summed(events);
        settleTraffic(traffic);
        for (const summary of traffic.names.values()) {
          const codec = proposalCodec("JSON", propose(summary));
          for (const { content } of events.filter(({ name }) => name === summary.name))
            expect(codec.explain(content), JSON.stringify(content)).toEqual([]);
        }
      }
    });
  });

  it("is one that each of the three languages parses", () => {
    withSeed(import.meta.url, (seed) => {
      const random = randomOf(seed);
      for (let round = 0; round < rounds; round++) {
        const traffic = summed(randomEvents(random, 1 + random.below(300)));
        settleTraffic(traffic);
        const proposals = [...traffic.names.values()].map(propose);
        for (const proposal of proposals)
          for (const kind of ["JSON", "AVRO", "PROTOBUF"] as const)
            expect(() => proposalCodec(kind, proposal)).not.toThrow();
        const { text, messages } = protobufProposal(proposals);
        expect(parseSchema("PROTOBUF", text)).toMatchObject({ type: "PROTOBUF" });
        expect(new Set(messages).size).toBe(proposals.length);
      }
    });
  });
});
