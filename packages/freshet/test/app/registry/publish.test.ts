import { describe, expect, it } from "vitest";
import { utf8 } from "../../../src/adapters/codec/msgpack.ts";
import { MemoryDisk } from "../../../src/adapters/log/memory-disk.ts";
import { openMemoryState } from "../../../src/adapters/state/memory.ts";
import { contractSubject } from "../../../src/app/registry/contract-subject.ts";
import {
  type ContractCounts,
  ContractPublisher,
  type PublisherOptions,
} from "../../../src/app/registry/publish.ts";
import { createSchemaTypes } from "../../../src/app/registry/types.ts";
import { UsageError } from "../../../src/app/usage-error.ts";
import type { EventDefinition } from "../../../src/core/plan/definition.ts";
import * as p from "../../../src/core/plan/index.ts";
import {
  listSubjects,
  listVersions,
  RegistryError,
  registryLimits,
  subjectOf,
  workHere,
} from "../../../src/core/registry/index.ts";
import { RegistryUnavailableError } from "../../../src/engine/port/errors.ts";
import { EmbeddedRegistry } from "../../../src/engine/registry/embedded.ts";
import { randomOf } from "../../../src/testing/random.ts";
import { withSeed } from "../../../src/testing/seed.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";

async function openRegistry() {
  const clock = new VirtualClock(0);
  const store = await openMemoryState(new MemoryDisk());
  const work = workHere(createSchemaTypes());
  const registry = new EmbeddedRegistry({ store, text: utf8, work, clock });
  return { clock, registry };
}

interface Opened {
  readonly publisher: ContractPublisher;
  readonly counts: ContractCounts[];
  readonly said: [level: string, fields: unknown][];
}

function publisherOn(
  options: Pick<PublisherOptions, "registry" | "clock"> & Partial<PublisherOptions>,
): Opened {
  const counts: ContractCounts[] = [];
  const said: [string, unknown][] = [];
  const logger = {
    debug: (fields: unknown) => void said.push(["debug", fields]),
    warn: (fields: unknown) => void said.push(["warn", fields]),
  } as unknown as PublisherOptions["logger"];
  const publisher = new ContractPublisher({
    ...{ config: {}, logger, onCount: (one) => void counts.push(one) },
    ...options,
  });
  return { publisher, counts, said };
}

const planOf = (...events: readonly { readonly definition: EventDefinition }[]) => ({
  events: events.map(({ definition }) => definition),
});

const money = p.avroSchema({
  type: "record",
  name: "Paid",
  fields: [{ name: "cents", type: "long" }],
});
const ordered = p.event("Order Completed", { total: "number", note: "string?" });
const paid = p.event("Paid", money, {
  version: 2,
  earlier: [p.earlier(1, { cents: "number" }, [])],
});

describe("the contracts of a plan", () => {
  it("C1 are registered under the events' names, each version in its order, once", async () => {
    const { registry, clock } = await openRegistry();
    await registry.execute({
      kind: "setConfig",
      subject: "Paid",
      config: { compatibilityLevel: "NONE" },
    });
    for (let start = 0; start < 3; start++) {
      const { publisher, counts } = publisherOn({ registry, clock });
      await publisher.publish(planOf(ordered, paid));
      await expect.poll(() => counts).toEqual([{ registered: 3, refused: 0, waiting: 0 }]);
      await publisher.close();
      expect(listSubjects(registry.state, "", "all")).toEqual(["Order Completed", "Paid"]);
      expect(listVersions(registry.state, "Order Completed", "all")).toEqual([1]);
      expect(listVersions(registry.state, "Paid", "all")).toEqual([1, 2]);
    }
    expect((await registry.latest("Paid")).content.schemaType).toBe("AVRO");
    expect(JSON.parse((await registry.version("Paid", 1)).content.schema)).toMatchObject({
      properties: { cents: { type: "number" } },
    });
    expect(JSON.parse((await registry.latest("Order Completed")).content.schema)).toEqual({
      title: "Order Completed",
      type: "object",
      properties: { total: { type: "number" }, note: { type: ["string", "null"] } },
      required: ["total"],
    });
  });

  it("C3 that the registry refuses are a warning, and the others are registered", async () => {
    const { registry, clock } = await openRegistry();
    const { publisher, counts, said } = publisherOn({ registry, clock });
    await publisher.publish(planOf(paid, ordered));
    await expect.poll(() => counts).toEqual([{ registered: 2, refused: 1, waiting: 0 }]);
    expect(said[0]).toEqual([
      "warn",
      {
        contract: "Paid@2",
        subject: "Paid",
        reason: expect.stringContaining("Incompatible because of different schema type"),
        hint: expect.stringContaining("PUT /config/<subject>"),
      },
    ]);
    await publisher.close();
  });

  it("C3 refuse the plan where they are required, and say what to do", async () => {
    const { registry, clock } = await openRegistry();
    const { publisher } = publisherOn({ registry, clock, config: { registry: "require" } });
    await publisher.publish(planOf(ordered));
    const refused = await publisher.publish(planOf(ordered, paid)).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(UsageError);
    expect((refused as UsageError).message).toMatch(/^the registry refuses contract "Paid@2": /);
    expect((refused as UsageError).hint).toContain("its subject's level");
    await publisher.close();
  });

  it("are left alone where the configuration says so, and have a prefix where it says one", async () => {
    const { registry, clock } = await openRegistry();
    await publisherOn({ registry, clock, config: { registry: "off" } }).publisher.publish(
      planOf(ordered),
    );
    const { publisher } = publisherOn({
      ...{ registry, clock },
      config: { registry: "require", subjectPrefix: "shop." },
    });
    await publisher.publish(planOf(ordered));
    expect(listSubjects(registry.state, "", "all")).toEqual(["shop.Order Completed"]);
  });
});

describe("C2 a registry that does not answer", () => {
  const down = () => new RegistryUnavailableError({ message: "down", hint: "wait" });
  const faulty = async (failures: number, error: () => Error = down) => {
    const { registry, clock } = await openRegistry();
    let asked = 0;
    const register: EmbeddedRegistry["register"] = async (subject, content) => {
      if (asked++ < failures) throw error();
      return registry.register(subject, content);
    };
    return { registry, clock, flaky: { register } };
  };

  it.each(["register", "require"] as const)(
    "holds nothing up, and is asked again less and less often (%s)",
    async (mode) => {
      const { registry, clock, flaky } = await faulty(3);
      const config = { registry: mode };
      const { publisher, counts } = publisherOn({ registry: flaky, clock, config });
      await publisher.publish(planOf(ordered));
      const waiting = { registered: 0, refused: 0, waiting: 1 };
      for (let round = 0; round < 3; round++) {
        await expect.poll(() => counts).toEqual(Array.from({ length: round + 1 }, () => waiting));
        await clock.advance(registryLimits.contractRetryMs * 2 ** round - 1);
        expect(counts).toHaveLength(round + 1);
        await clock.advance(1);
      }
      await expect.poll(() => counts.at(-1)).toEqual({ registered: 1, refused: 0, waiting: 0 });
      expect(listSubjects(registry.state, "", "all")).toEqual(["Order Completed"]);
      await publisher.close();
    },
  );

  it("may be one whose disk is full or that is busy, and a bug of ours is told as one", async () => {
    const busy = await faulty(1, () => new RegistryError("operationTimeout", "busy"));
    const { publisher, counts } = publisherOn({ registry: busy.flaky, clock: busy.clock });
    await publisher.publish(planOf(ordered));
    await expect.poll(() => counts).toEqual([{ registered: 0, refused: 0, waiting: 1 }]);
    await publisher.close();
    const broken = await faulty(1, () => new TypeError("ours"));
    const other = publisherOn({ registry: broken.flaky, clock: broken.clock });
    await other.publisher.publish(planOf(ordered));
    await expect.poll(() => other.said).toEqual([["warn", { err: new TypeError("ours") }]]);
    await other.publisher.close();
  });

  it("is asked for the plan in force alone, and for nothing once it is closed", async () => {
    const { registry, clock, flaky } = await faulty(1);
    const { publisher, counts } = publisherOn({ registry: flaky, clock });
    await publisher.publish(planOf(paid));
    await expect.poll(() => counts).toHaveLength(1);
    await publisher.publish(planOf(ordered));
    await expect.poll(() => counts).toHaveLength(2);
    await clock.advance(registryLimits.contractRetryMsMax);
    await publisher.close();
    expect(listSubjects(registry.state, "", "all")).toEqual(["Order Completed"]);
    const later = await faulty(99);
    const closed = publisherOn({ registry: later.flaky, clock: later.clock });
    await closed.publisher.publish(planOf(ordered));
    await expect.poll(() => closed.counts).toHaveLength(1);
    await closed.publisher.close();
    await later.clock.advance(registryLimits.contractRetryMsMax);
    expect(closed.counts).toHaveLength(1);
  });
});

describe("the subject of an event", () => {
  it.each([
    ["Order Completed", "Order Completed"],
    ["a/b: ünï", "a/b: ünï"],
    [":.other:a", "%3A.other:a"],
    ["100%", "100%25"],
    ["line\nbreak", "line%0Abreak"],
    ["__GLOBAL", "%5F_GLOBAL"],
  ])("%s is %s", (event, subject) => {
    expect(contractSubject(event)).toBe(subject);
    expect(subjectOf(contractSubject(event))).toBe(subject);
  });

  it("is one that the registry takes, and no other event's", () =>
    withSeed(import.meta.url, (seed) => {
      const random = randomOf(seed);
      const parts = [":", ".", "%", "2", "5", "3A", "_", "__GLOBAL", "a", " ", "\u0001", "\u0085"];
      const names = new Map<string, string>();
      for (let round = 0; round < 3000; round++) {
        const event = Array.from({ length: 1 + random.below(5) }, () => random.pick(parts)).join(
          "",
        );
        const subject = contractSubject(event);
        expect(subjectOf(subject), JSON.stringify(event)).toBe(subject);
        expect(names.get(subject) ?? event).toBe(event);
        names.set(subject, event);
      }
      expect(names.size).toBeGreaterThan(500);
    }));
});
