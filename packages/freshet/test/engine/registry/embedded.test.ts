import { expect, it } from "vitest";
import { systemClock } from "../../../src/adapters/clock/system.ts";
import { utf8 } from "../../../src/adapters/codec/msgpack.ts";
import { MemoryDisk } from "../../../src/adapters/log/memory-disk.ts";
import { openLmdbState } from "../../../src/adapters/state/lmdb.ts";
import { openMemoryState } from "../../../src/adapters/state/memory.ts";
import { createSchemaTypes } from "../../../src/app/registry/types.ts";
import {
  apply,
  decide,
  emptyRegistry,
  type RegistryCommand,
  RegistryError,
  type RegistryReader,
  type RegistryState,
  registryLimits,
  workHere,
} from "../../../src/core/registry/index.ts";
import type { StateStore } from "../../../src/engine/port/state-store.ts";
import { EmbeddedRegistry } from "../../../src/engine/registry/embedded.ts";
import { registryContract } from "../../../src/testing/contract/schema-registry.ts";
import { type Random, randomOf } from "../../../src/testing/random.ts";
import { seedOfRun, withSeed } from "../../../src/testing/seed.ts";
import { makeFolder } from "../../adapters/folder.ts";
import { fieldLanguage } from "../../core/registry/language.ts";
import { randomCommand } from "../../core/registry/random-command.ts";

const clock = systemClock();
const work = workHere(createSchemaTypes());
const fieldWork = workHere(fieldLanguage);

registryContract("embedded, in memory", async () => {
  const random = randomOf(seedOfRun());
  const disk = new MemoryDisk({ random: () => random.next() });
  return {
    open: async () =>
      new EmbeddedRegistry({ store: await openMemoryState(disk), text: utf8, work, clock }),
    crash: async () => disk.crash(),
    remove: async () => {},
  };
});

registryContract("embedded, on disk", async () => {
  const folder = await makeFolder();
  let store: StateStore | undefined;
  return {
    async open() {
      store = await openLmdbState({ folder: folder.path });
      return new EmbeddedRegistry({ store, text: utf8, work, clock });
    },
    async remove() {
      await store?.close();
      await folder.remove();
    },
  };
});

it("D1 D2 D3 shows only what is on disk, and after a crash that, or what was on its way as well", () =>
  withSeed(import.meta.url, async (seed) => {
    const random = randomOf(seed);
    const faults = { failureShare: 0.1, survivalShare: 0.5, delayMsMin: 0, delayMsMax: 1 };
    const disk = new MemoryDisk({ random: () => random.next(), faults });
    const kept = { shown: 0, onItsWay: 0 };
    let before = emptyRegistry();
    for (let life = 0; life < 100; life++) {
      const store = await openMemoryState(disk);
      const registry = new EmbeddedRegistry({ store, text: utf8, work: fieldWork, clock });
      const commands = Array.from({ length: 30 }, () => randomCommand(random));
      const shown = structuredClone(registry.state);
      const possible = [before, ...(await commandsAfter(before))].map(rowsOf);
      if (life > 0) expect(possible).toContainEqual(rowsOf(shown));
      if (rowsOf(shown) === rowsOf(before)) kept.shown++;
      else kept.onItsWay++;
      last = commands;
      const pending = await startAll(registry, commands, random);
      await pending[random.below(30)];
      before = structuredClone(registry.state) as RegistryState;
      disk.crash();
    }
    expect(kept.shown).toBeGreaterThan(0);
    expect(kept.onItsWay).toBeGreaterThan(0);
  }));

let last: readonly RegistryCommand[] = [];

/** What commands of the last life that follow each other would have made of a state: one write holds several. */
async function commandsAfter(state: RegistryState): Promise<RegistryState[]> {
  const found: RegistryState[] = [];
  for (const from of last.keys()) {
    const next = structuredClone(state);
    for (const command of last.slice(from)) {
      try {
        apply(next, (await decide(next, fieldWork, command)).changes);
        found.push(structuredClone(next));
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
      }
    }
  }
  return found;
}

/** Everything that has a row, in one order. */
function rowsOf({ nextId, schemas, subjects, configs, modes }: RegistryReader): string {
  const maps = [schemas, subjects, configs, modes].map((map) => [...map].sort());
  return JSON.stringify([nextId, maps]);
}

/** Some at once, some after a turn, so that writes hold one or several. */
async function startAll(
  registry: EmbeddedRegistry,
  commands: readonly RegistryCommand[],
  random: Random,
): Promise<Promise<void>[]> {
  const pending: Promise<void>[] = [];
  for (const command of commands) {
    pending.push(settled(registry, command));
    if (random.chance(0.3)) await new Promise(setImmediate);
  }
  return pending;
}

async function settled(registry: EmbeddedRegistry, command: RegistryCommand): Promise<void> {
  try {
    await registry.execute(command);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
  }
}

it("refuses to open a store that no registry has written", async () => {
  const put = (key: string, value: string) => ({
    table: "registry" as const,
    key,
    value: utf8.encode(value),
  });
  const openWith = async (...rows: readonly ReturnType<typeof put>[]) => {
    const store = await openMemoryState(new MemoryDisk());
    await store.commit(rows);
    return new EmbeddedRegistry({ store, text: utf8, work: fieldWork, clock });
  };
  const content = '{"schemaType":"AVRO","schema":"x","references":[]}';
  const schema = put("schema/0000000001", content);
  const version = put("version/0000000001/a", '{"id":1,"isDeleted":false}');
  await expect(openWith(version)).rejects.toThrow("no schema 1, which is version 1 of a");
  await expect(openWith(schema)).rejects.toThrow("schema 1, which nothing uses");
  await expect(openWith(schema, version)).rejects.toThrow("give id 1 a second time");
  await expect(openWith(put("other/1", "1"))).rejects.toThrow('row "other/1"');
  const whole = await openWith(schema, version, put("nextId", "2"));
  expect((await whole.latest("a")).id).toBe(1);
});

it("takes no more than its limits allow, and says which", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const registry = new EmbeddedRegistry({ store, text: utf8, work: fieldWork, clock });
  await registry.execute({
    kind: "setConfig",
    subject: "",
    config: { compatibilityLevel: "NONE" },
  });
  const register = (subject: string, schema: string) =>
    registry.execute({
      kind: "register",
      subject,
      request: { schema, schemaType: "AVRO", references: [], normalize: false },
    });
  const { versionsPerSubjectMax } = registryLimits;
  for (let n = 0; n < versionsPerSubjectMax; n++) await register("a", `f${n}`);
  await expect(register("a", "more")).rejects.toThrow(`has ${versionsPerSubjectMax} versions`);
  expect(await register("a", "f0")).toMatchObject({ version: 1 });
  expect(await register("b", "more")).toMatchObject({ version: 1 });
  const references = Array.from({ length: 201 }, (_, n) => ({
    name: `r${n}`,
    subject: "b",
    version: 1,
  }));
  const request = { schema: "x", schemaType: "AVRO", references, normalize: false };
  await expect(
    decide(registry.state, fieldWork, { kind: "register", subject: "c", request }),
  ).rejects.toThrow("201 references, at most 200");
});

it("looks at each schema once, however often it is referred to, and not too deep", async () => {
  const store = await openMemoryState(new MemoryDisk());
  const registry = new EmbeddedRegistry({ store, text: utf8, work: fieldWork, clock });
  const register = (subject: string, schema: string, names: readonly string[]) =>
    registry.execute({
      kind: "register",
      subject,
      request: {
        schema,
        schemaType: "AVRO",
        references: names.map((name) => ({ name, subject: name, version: 1 })),
        normalize: false,
      },
    });
  await register("s0", "x?", []);
  // Each refers to all before it: without remembering, the last would be looked at 2^30 times.
  for (let n = 1; n < 30; n++)
    await register(
      `s${n}`,
      `f${n}?`,
      Array.from({ length: n }, (_, index) => `s${index}`),
    );
  expect(await registry.references((await registry.latest("s29")).content)).toHaveLength(29);
  await register("d0", "x?", []);
  for (let n = 1; n <= 32; n++) await register(`d${n}`, "x?", [`d${n - 1}`]);
  await expect(register("d33", "x?", ["d32"])).rejects.toThrow("more than 32 deep");
});
