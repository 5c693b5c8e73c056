import { expect, test } from "vitest";
import type { SchemaTable } from "../../src/accept/index.ts";
import { RegistryError, type SchemaContent } from "../../src/core/registry/index.ts";
import { RegistryUnavailableError } from "../../src/engine/port/errors.ts";
import type { SchemaRegistry } from "../../src/engine/port/schema-registry.ts";
import { serverLimits } from "../../src/server/limits.ts";
import { Schemas } from "../../src/server/schemas.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

/** A registry in memory that counts what it is asked, and answers when it is told to. */
class Slow {
  readonly asked: number[] = [];
  readonly contents = new Map<number, SchemaContent>();
  readonly #held: (() => void)[] = [];
  isHolding = false;
  isDown = false;
  running = 0;
  runningMax = 0;

  put(id: number, schema: string): void {
    this.contents.set(id, { schemaType: "AVRO", schema, references: [] });
  }

  async release(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.isHolding = false;
    for (const go of this.#held.splice(0)) go();
  }

  get port(): SchemaRegistry {
    const never = () => Promise.reject(new Error("the cache does not ask for this"));
    return {
      find: (id) => this.#find(id),
      references: async ({ references }) => {
        if (references.length > 0) throw new RegistryError("subjectNotFound", "it is gone");
        return [];
      },
      latest: never,
      version: never,
      register: never,
      close: async () => {},
    };
  }

  async #find(id: number): Promise<SchemaContent> {
    this.asked.push(id);
    this.running++;
    this.runningMax = Math.max(this.runningMax, this.running);
    if (this.isHolding) await new Promise<void>((resolve) => this.#held.push(resolve));
    this.running--;
    if (this.isDown) throw new RegistryUnavailableError({ message: "down", hint: "wait" });
    const found = this.contents.get(id);
    if (found === undefined) throw new RegistryError("schemaNotFound", `Schema ${id} not found`);
    return found;
  }
}

function open(registry: Slow, limits: Partial<typeof serverLimits> = {}) {
  const clock = new VirtualClock();
  const process = clock.process();
  const lookups: string[] = [];
  const schemas = new Schemas({
    registry: registry.port,
    clock: process,
    limits: { ...serverLimits, ...limits },
    onLookup: (outcome) => lookups.push(outcome),
  });
  return { schemas, clock, lookups };
}

const ofSchema = (table: SchemaTable, id: number) => table.get(id)?.type;

test("W1: an id is asked for once, however many wait for it, and then never again", async () => {
  const registry = new Slow();
  registry.put(1, '"string"');
  registry.isHolding = true;
  const { schemas } = open(registry);
  const waiting = Array.from({ length: 50 }, () => schemas.load([1]));
  await registry.release();
  for (const table of await Promise.all(waiting)) expect(ofSchema(table, 1)).toBe("AVRO");
  await schemas.load([1, 1]);
  expect(registry.asked).toEqual([1]);
});

test("W2: the schemas that were used longest ago go first, by number and by length", async () => {
  const registry = new Slow();
  for (let id = 1; id <= 5; id++) registry.put(id, '"string"');
  const { schemas } = open(registry, { schemasMax: 3 });
  for (const id of [1, 2, 3, 1, 4]) await schemas.load([id]);
  expect([1, 2, 3, 4].map((id) => schemas.get(id) !== undefined)).toEqual([
    true,
    false,
    true,
    true,
  ]);
  const short = open(registry, { schemaCharsMax: 20 }).schemas;
  for (const id of [1, 2, 3]) await short.load([id]);
  expect([1, 2, 3].map((id) => short.get(id) !== undefined)).toEqual([false, true, true]);
});

test("W2: a request holds what it needs, though the cache could not keep it", async () => {
  const registry = new Slow();
  for (let id = 1; id <= 5; id++) registry.put(id, '"string"');
  const { schemas } = open(registry, { schemasMax: 2 });
  const table = await schemas.load([1, 2, 3, 4, 5]);
  expect([1, 2, 3, 4, 5].map((id) => ofSchema(table, id))).toEqual(Array(5).fill("AVRO"));
});

test("W3: an id is believed to be unknown for a while only", async () => {
  const registry = new Slow();
  const { schemas, clock } = open(registry);
  expect((await schemas.load([7])).get(7)).toMatchObject({ type: "fault", code: "schemaUnknown" });
  registry.put(7, '"string"');
  await clock.advance(serverLimits.schemaUnknownMs - 1);
  expect((await schemas.load([7])).get(7)).toMatchObject({ code: "schemaUnknown" });
  expect(registry.asked).toEqual([7]);
  await clock.advance(1);
  expect(ofSchema(await schemas.load([7]), 7)).toBe("AVRO");
});

test("a schema that cannot be used is told apart from one that is not there", async () => {
  const registry = new Slow();
  registry.put(1, '{"type":"recrd"}');
  registry.contents.set(2, {
    ...{ schemaType: "AVRO", schema: '"string"' },
    references: [{ name: "a", subject: "gone", version: 1 }],
  });
  const { schemas, lookups } = open(registry);
  const table = await schemas.load([1, 2]);
  expect(lookups).toEqual(["unusable", "unusable"]);
  expect(table.get(1)).toMatchObject({ type: "fault", code: "schemaInvalid" });
  expect(table.get(2)).toMatchObject({ type: "fault", code: "schemaInvalid" });
});

test("W4: few questions are under way at once, some wait, and the others come later", async () => {
  const registry = new Slow();
  for (let id = 1; id <= 9; id++) registry.put(id, '"string"');
  registry.isHolding = true;
  const { schemas } = open(registry, { schemaLookupsMax: 2, schemaLookupsWaitingMax: 5 });
  const asked = Array.from({ length: 9 }, (_, index) => schemas.load([index + 1]));
  const settled = Promise.allSettled(asked);
  await registry.release();
  const outcomes = (await settled).map(({ status }) => status);
  expect(outcomes).toEqual([...Array(7).fill("fulfilled"), "rejected", "rejected"]);
  await expect(asked[8]).rejects.toMatchObject({ code: "registryUnavailable" });
  expect(registry.runningMax).toBe(2);
  expect(ofSchema(await schemas.load([9]), 9)).toBe("AVRO");
});

test("W5: a request waits only so long, and finds what came meanwhile when it comes again", async () => {
  const registry = new Slow();
  registry.put(1, '"string"');
  registry.isHolding = true;
  const { schemas, clock } = open(registry);
  const waiting = schemas.load([1]).catch((error: unknown) => error);
  await clock.advance(serverLimits.schemaWaitMsMax);
  expect(await waiting).toMatchObject({ code: "registryUnavailable" });
  await registry.release();
  await new Promise((resolve) => setImmediate(resolve));
  expect(schemas.get(1)?.type).toBe("AVRO");
  expect(registry.asked).toEqual([1]);
});

test("W5: a registry that does not answer leaves nothing behind", async () => {
  const registry = new Slow();
  registry.put(1, '"string"');
  registry.isDown = true;
  const { schemas } = open(registry, { schemaLookupsMax: 1 });
  for (let time = 0; time < 3; time++)
    await expect(schemas.load([1, 2])).rejects.toMatchObject({
      ...{ code: "registryUnavailable", status: 503, retryable: true },
    });
  expect(schemas.get(1)).toBeUndefined();
  registry.isDown = false;
  expect(ofSchema(await schemas.load([1]), 1)).toBe("AVRO");
});
