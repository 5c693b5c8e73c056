import { describe, expect, it } from "vitest";
import { Deliveries, deliveriesMax } from "../../src/adapters/source/deliveries.ts";
import { MemorySystem } from "../../src/adapters/source/memory.ts";
import { sourceContract } from "../../src/testing/contract/source.ts";
import { randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";

sourceContract("memory", async () => {
  const system = new MemorySystem();
  return {
    make: ({ inFlightMax }) => system.source("memory", inFlightMax),
    publish: async (payloads) => {
      for (const payload of payloads) system.publish("t", payload);
    },
    dropConnections: async () => system.dropConnections(),
    remove: async () => {},
  };
});

describe("ids of deliveries", () => {
  const delivery = (packetId: number, isRepeat: boolean, text = "1") => ({
    ...{ packetId, isRepeat, topic: "t", payload: Buffer.from(text) },
  });

  it("D1 D2 are new for what is not marked, and the same for what comes again", () => {
    const deliveries = new Deliveries();
    const first = deliveries.idOf(delivery(7, false));
    expect(deliveries.idOf(delivery(7, true))).toBe(first);
    expect(deliveries.idOf(delivery(7, true, "2"))).not.toBe(first);
    expect(deliveries.idOf(delivery(8, true))).not.toBe(first);
    expect(deliveries.idOf(delivery(7, false))).not.toBe(first);
  });

  it("D3 go on from what the log has, with or without the place in a message", () => {
    const deliveries = new Deliveries();
    const [one, two] = [deliveries.idOf(delivery(1, false)), deliveries.idOf(delivery(2, false))];
    const later = new Deliveries(["other", `${one}:0`, `${one}:1`, two, "mqtt-1-x"]);
    expect(later.idOf(delivery(1, true))).toBe(one);
    expect(later.idOf(delivery(2, true))).toBe(two);
  });

  it("D4 are forgotten behind the last ones", () => {
    const deliveries = new Deliveries();
    const first = deliveries.idOf(delivery(1, false));
    for (let packetId = 2; packetId <= deliveriesMax; packetId++)
      deliveries.idOf(delivery(packetId, false));
    expect(deliveries.idOf(delivery(1, true))).toBe(first);
    deliveries.idOf(delivery(deliveriesMax + 1, false));
    expect(deliveries.idOf(delivery(1, true))).not.toBe(first);
  });

  it("of a broker that sends again at random are those of its messages, and of no other", () =>
    withSeed(import.meta.url, (seed) => {
      const random = randomOf(seed);
      let deliveries = new Deliveries();
      const inLog: string[] = [];
      const unacknowledged: { packetId: number; text: string; id: string }[] = [];
      const ids = new Set<string>();
      let [next, messages] = [0, 0];
      for (let step = 0; step < 20_000; step++) {
        if (random.chance(0.5) && unacknowledged.length < 50) {
          const message = { packetId: (next++ % 65_535) + 1, text: String(random.below(3)) };
          const id = deliveries.idOf(delivery(message.packetId, false, message.text));
          unacknowledged.push({ ...message, id });
          inLog.push(id);
          ids.add(id);
          messages++;
        } else if (random.chance(0.02)) {
          if (random.chance(0.5)) deliveries = new Deliveries(inLog.slice(-deliveriesMax));
          for (const { packetId, text, id } of unacknowledged)
            expect(deliveries.idOf(delivery(packetId, true, text))).toBe(id);
        } else unacknowledged.splice(0, random.below(10));
      }
      expect(ids.size).toBe(messages);
    }));
});
