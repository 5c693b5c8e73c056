/** What operators do with the registry's store: look whether it is whole, see it damaged, and go on. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/adapters/clock/system.ts";
import { utf8 } from "../../../src/adapters/codec/msgpack.ts";
import { openLmdbState } from "../../../src/adapters/state/lmdb.ts";
import { registryFolder } from "../../../src/app/folder.ts";
import { type Freshet, settingsOf, startFreshet } from "../../../src/app/index.ts";
import { registryFinding } from "../../../src/app/registry/doctor.ts";
import { printContracts } from "../../../src/app/registry/print-contracts.ts";
import { createSchemaTypes } from "../../../src/app/registry/types.ts";
import { verifyRegistry } from "../../../src/app/registry/verify.ts";
import * as p from "../../../src/core/plan/index.ts";
import { workHere } from "../../../src/core/registry/index.ts";
import { EmbeddedRegistry } from "../../../src/engine/registry/embedded.ts";

const ordered = p.event("Order Completed", { total: "number" });
const plan = p.definePlan({ name: "own", events: [ordered], features: [p.count("n", ordered)] });

let data: string;
let running: Freshet[] = [];
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "freshet-registry-"));
});
afterEach(async () => {
  for (const freshet of running) await freshet.close();
  running = [];
  rmSync(data, { recursive: true, force: true });
});

const configOf = (more: object = {}) => ({
  plan,
  port: 0,
  data,
  logLevel: "silent" as const,
  ...more,
});
const settings = (more: object = {}) => settingsOf(configOf(more), data, {});

async function start(more: object = {}): Promise<Freshet> {
  const freshet = await startFreshet({ settings: settings(more) });
  running.push(freshet);
  return freshet;
}

/** Some of everything: versions, hidden ones, references, settings. */
async function fill(): Promise<void> {
  const store = await openLmdbState({ folder: registryFolder(data) });
  const work = workHere(createSchemaTypes());
  const registry = new EmbeddedRegistry({ store, text: utf8, work, clock: systemClock() });
  const record = (name: string, type: unknown) => ({
    schemaType: "AVRO" as const,
    schema: JSON.stringify({ type: "record", name, fields: [{ name: "x", type }] }),
    references: [],
  });
  await registry.register("a", record("A", "string"));
  await registry.register("hidden", record("B", "int"));
  const references = [{ name: "A", subject: "a", version: 1 }];
  await registry.register("c", { ...record("C", "A"), references });
  const proto = {
    schema: "syntax = 'proto3'; message P { string x = 1; }",
    references: [],
    normalize: true,
  };
  await registry.execute({
    ...{ kind: "register", subject: "p" },
    request: { ...proto, schemaType: "PROTOBUF" },
  });
  await registry.execute({ kind: "deleteSubject", subject: "hidden", isPermanent: false });
  await registry.execute({ kind: "setMode", subject: "a", mode: "READONLY", isForced: false });
  await store.close();
}

async function change(key: string, make: (value: string) => string | null): Promise<void> {
  const store = await openLmdbState({ folder: registryFolder(data) });
  const made = make(utf8.decode(store.get("registry", key) ?? utf8.encode("")));
  const value = made === null ? null : utf8.encode(made);
  await store.commit([{ table: "registry", key, value }]);
  await store.close();
}

const texts = async () => (await verifyRegistry(data)).map(({ level, what }) => `${level} ${what}`);

describe("freshet verify", () => {
  it("counts what is there, and understands all of it", async () => {
    expect(await texts()).toEqual(["note registry: none in this folder"]);
    await fill();
    expect(await texts()).toEqual([
      "fine registry: 4 subjects, 4 versions (1 deleted softly), 4 schemas, each is understood and all it refers to is there",
    ]);
  });

  const schema = "schema/0000000001";
  it.each([
    ["a row of nobody", "other", () => "1", 'row "other" of the registry cannot be read'],
    ["a row that is cut", schema, (text: string) => text.slice(0, 20), "JSON"],
    ["a missing schema", schema, () => null, "no schema 1, which is version 1 of a"],
    [
      "a missing version",
      "version/0000000001/a",
      () => null,
      "schema 3 refers to version 1 of a, which is not there",
    ],
    ["a number to be given again", "nextId", () => "2", "would give id 2 a second time"],
    [
      "a text that is no schema",
      schema,
      (text: string) => text.replace("string", "strung"),
      "schema 1 is not understood: Invalid schema of type AVRO",
    ],
    [
      "a text that would be kept otherwise",
      schema,
      (text: string) => text.replace(String.raw`\"name\":\"A\"`, String.raw`\"name\": \"A\"`),
      "schema 1 is not written as it would be kept",
    ],
    ["a level of nobody", "config/a", () => '{"compatibilityLevel":"UP"}', 'the level of "a"'],
    ["a mode of nobody", "mode/a", () => '"SLEEP"', 'row "mode/a"'],
  ])("finds %s", async (_, key, make, says) => {
    await fill();
    await change(key, make);
    const found = await texts();
    expect(found.every((text) => text.startsWith("wrong registry: "))).toBe(true);
    expect(found.join("\n")).toContain(says);
  });

  it("looks beside a server that runs", async () => {
    const freshet = await start();
    await expect
      .poll(() => freshet.schemas.latest("Order Completed").catch(() => null))
      .not.toBe(null);
    const metrics = await (await fetch(`${freshet.url}/metrics`)).text();
    expect(metrics).toContain('freshet_registry_contracts{outcome="registered"} 1');
    expect(await texts()).toEqual([
      "fine registry: 1 subjects, 1 versions (0 deleted softly), 1 schemas, each is understood and all it refers to is there",
    ]);
  });
});

describe("a damaged store", () => {
  const file = () => join(registryFolder(data), "data.mdb");

  it.each([
    ["rows", () => change("schema/0000000001", () => null)],
    ["bytes", async () => writeFileSync(file(), "x".repeat(9000))],
    ["length", async () => writeFileSync(file(), readFileSync(file()).subarray(0, 8192))],
    ["pages", async () => writeFileSync(file(), readFileSync(file()).fill(120, 8192))],
  ])(
    "in its %s is told to whoever asks the registry, and events are taken all the same",
    async (_, damage) => {
      await fill();
      await damage();
      expect((await texts())[0]).toMatch(/^wrong registry: /);
      const freshet = await start();
      const ask = (path: string) =>
        fetch(`${freshet.url}${path}`, {
          headers: { authorization: `Bearer ${freshet.secretKey}` },
        });
      const answer = await ask("/subjects");
      expect(answer.status).toBe(500);
      expect(await answer.json()).toEqual({
        error_code: 50001,
        message: expect.stringMatching(/^the schema registry in ".*registry" cannot be used: /),
      });
      await expect(freshet.schemas.find(1)).rejects.toMatchObject({ code: "registryUnavailable" });
      const event = { event_id: "o1", event_type: "Order Completed", user_id: "ana" };
      const taken = await fetch(`${freshet.url}/v1/events`, {
        method: "POST",
        headers: { authorization: `Basic ${btoa(`${freshet.writeKey}:`)}` },
        body: JSON.stringify({ ...event, metadata: { total: 5 } }),
      });
      expect(await taken.json()).toMatchObject({ accepted: 1 });
      expect((await ask("/readyz")).status).toBe(200);
      const metrics = await (await ask("/metrics")).text();
      expect(metrics).toContain('freshet_alerts_total{name="registryDamaged"} 1');
    },
  );
});

describe("freshet doctor", () => {
  it("says what is inside", async () => {
    expect(await registryFinding(settings())).toMatchObject({ level: "fine" });
    await fill();
    expect((await registryFinding(settings())).what).toMatch(
      /^schema registry: the one inside, with \d+ rows$/,
    );
  });

  it("reaches the one of the configuration, or says why not", async () => {
    const freshet = await start();
    const at = (password: string) => settings({ registry: { url: freshet.url, password } });
    expect(await registryFinding(at(freshet.secretKey))).toEqual({
      level: "fine",
      what: `schema registry: ${freshet.url}, which answers`,
    });
    expect(await registryFinding(at("wrong"))).toMatchObject({
      level: "wrong",
      what: `schema registry: ${freshet.url}: the registry answered 401`,
      advice: expect.stringContaining("its user and password"),
    });
    const gone = settings({ registry: { url: "http://127.0.0.1:9" } });
    expect(await registryFinding(gone)).toMatchObject({ level: "wrong" });
  });
});

describe("freshet plan", () => {
  it("shows where each contract is, with a server beside it or without", async () => {
    expect(await printContracts(plan, settings())).toContain("none yet: a start registers them");
    const freshet = await start();
    await expect
      .poll(() => freshet.schemas.latest("Order Completed").catch(() => null))
      .not.toBe(null);
    const line = 'Order Completed@1: JSON, subject "Order Completed" version 1, id 1';
    expect(await printContracts(plan, settings())).toContain(line);
    const outside = { registry: { url: freshet.url, password: freshet.secretKey } };
    expect(await printContracts(plan, settings(outside))).toContain(line);
    const prefixed = settings({ contracts: { subjectPrefix: "shop." } });
    expect(await printContracts(plan, prefixed)).toContain('not in subject "shop.Order Completed"');
    expect(await printContracts(plan, settings({ contracts: { registry: "off" } }))).toBe("");
    const gone = settings({ registry: { url: "http://127.0.0.1:9" } });
    expect(await printContracts(plan, gone)).toContain("no answer: ");
  });
});

describe("contracts that are required", () => {
  it("refuse a start whose contract the registry refuses, and let go of the folder", async () => {
    const freshet = await start();
    await expect
      .poll(() => freshet.schemas.latest("Order Completed").catch(() => null))
      .not.toBe(null);
    await freshet.close();
    running = [];
    const other = p.event("Order Completed", { total: "number", currency: "string" });
    const next = p.definePlan({ name: "own", events: [other], features: [p.count("n", other)] });
    const required = { plan: next, contracts: { registry: "require" } };
    await expect(start(required)).rejects.toThrow(
      'the registry refuses contract "Order Completed@1"',
    );
    const warned = await start({ plan: next });
    expect((await fetch(`${warned.url}/readyz`)).status).toBe(200);
  });
});
