/** The format of the log, from the configuration to what the registry says of an id. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLmdbLogReader } from "../../src/adapters/log/lmdb.ts";
import { logFolder } from "../../src/app/folder.ts";
import { openTarget } from "../../src/app/import/open.ts";
import {
  type Freshet,
  type FreshetConfig,
  settingsOf,
  startFreshet,
  UsageError,
} from "../../src/app/index.ts";
import { verifyFolder } from "../../src/app/verify.ts";
import * as p from "../../src/core/plan/index.ts";
import { parseSchema, payloadCodecOf } from "../../src/schema/index.ts";
import { makeProject } from "../process/support/folder.ts";

const planWith = (kind: "number" | "string", ...names: string[]) => {
  const ordered = p.event("Order Completed", { total: kind });
  const others = names.map((name) => p.event(name, { sku: "string" }));
  return p.definePlan({
    name: "own",
    events: [ordered, ...others],
    features: [p.count("orders", ordered)],
  });
};

let data: string;
let running: Freshet | undefined;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "freshet-log-format-"));
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  rmSync(data, { recursive: true, force: true });
});

async function start(config: Partial<FreshetConfig>, environment = {}): Promise<Freshet> {
  const plan = planWith("number");
  const merged: FreshetConfig = { plan, port: 0, data, logLevel: "silent", ...config };
  running = await startFreshet({ settings: settingsOf(merged, data, environment) });
  return running;
}

async function stop(): Promise<void> {
  await running?.close();
  running = undefined;
}

async function order(id: string, total: unknown): Promise<void> {
  const event = { event_id: id, event_type: "Order Completed", user_id: "ana" };
  const answer = await fetch(`${running?.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${running?.writeKey}:`)}` },
    body: JSON.stringify({ ...event, metadata: { total, note: "as sent" } }),
  });
  expect(answer.status).toBe(200);
}

async function ordersOfAna(): Promise<number> {
  await running?.engine.drain();
  const answer = await fetch(`${running?.url}/v1/profiles/ana`, {
    headers: { authorization: `Bearer ${running?.secretKey}` },
  });
  return ((await answer.json()) as { features: { orders: number } }).features.orders;
}

/** Ids and totals of the events on the log, and the schemas that it has. */
async function readLog() {
  const log = openLmdbLogReader({ folder: logFolder(data) });
  const events = [...log.read(log.first)].flatMap(({ records }) =>
    records.flatMap((record) =>
      record.kind === "event" ? [[record.event.id, record.event.properties]] : [],
    ),
  );
  const schemas = log.schemas();
  await log.close();
  return { events, schemas };
}

/** Payloads of the records, as they lie on the disk. */
async function rawPayloads(): Promise<Buffer[]> {
  const root = open({ path: logFolder(data), noSubdir: false, readOnly: true, maxDbs: 16 });
  const batches = root.openDB<Uint8Array, number>({ name: "batch", encoding: "binary" });
  const found: Buffer[] = [];
  for (const key of batches.getKeys({})) {
    const batch = Buffer.from(batches.getBinary(key) ?? []);
    for (let at = 48; at < batch.length; at += 37 + batch.readUInt32LE(at + 33))
      if (batch[at + 1] === 1)
        found.push(batch.subarray(at + 37, at + 37 + batch.readUInt32LE(at + 33)));
  }
  await root.close();
  return found;
}

describe("the format of the log", () => {
  it("is JSON unless it is said, and then leaves the registry alone", async () => {
    const freshet = await start({});
    await order("o1", 5);
    await expect(freshet.schemas.latest("freshet.log-value")).rejects.toMatchObject({
      kind: "subjectNotFound",
    });
    await stop();
    const [payload] = await rawPayloads();
    expect(JSON.parse(payload?.toString() ?? "")).toMatchObject({ event: { id: "o1" } });
    expect((await readLog()).schemas).toEqual([]);
  });

  it.each(["avro", "protobuf"] as const)(
    "%s: an id on the log is that of the registry, whose schema reads the payload",
    async (format) => {
      const freshet = await start({ log: { format } });
      await order("o1", 12.5);
      const { id, content } = await freshet.schemas.latest("freshet.log-value");
      await stop();
      const [payload = Buffer.alloc(0)] = await rawPayloads();
      expect([payload[0], payload.readUInt32BE(1)]).toEqual([0, id]);
      const codec = payloadCodecOf(parseSchema(content.schemaType, content.schema));
      expect(JSON.stringify(codec.decode(payload.subarray(5)))).toMatch(/12\.5/);
      expect((await readLog()).schemas.map((schema) => schema.id)).toEqual([id]);
    },
  );

  it("may change with each start, and plans as well: everything stays readable and counts", async () => {
    await start({});
    await order("o1", 1);
    await stop();
    await start({ log: { format: "avro" } });
    await order("o2", 2);
    await stop();
    await start({}, { FRESHET_LOG_FORMAT: "protobuf" });
    await order("o3", 3);
    await stop();
    await start({ plan: planWith("string", "Added"), log: { format: "avro" } });
    await order("o4", "4 EUR");
    await stop();
    await start({ log: { format: "avro" } });
    await order("o5", 5);
    expect(await ordersOfAna()).toBe(5);
    await stop();
    const { events, schemas } = await readLog();
    expect(events).toEqual(
      [1, 2, 3, "4 EUR", 5].map((total, index) => [`o${index + 1}`, { total, note: "as sent" }]),
    );
    expect(schemas.map(({ format }) => format)).toEqual(["avro", "protobuf", "avro"]);
    const findings = await verifyFolder({ data, replay: true });
    const wrong = findings.filter(({ level }) => level === "wrong").map(({ what }) => what);
    // A plan made in code is not kept: that it has no functions is enough to replay it.
    expect(wrong).toEqual([]);
    expect(findings.map(({ what }) => what)).toContainEqual(
      expect.stringMatching(/^log: schemas \d+ \(avro\), \d+ \(protobuf\), \d+ \(avro\)$/),
    );
  });

  it("follows the plan when it is reloaded", async () => {
    const text = (kind: string) => `
      import * as p from "freshet/plan";
      const ordered = p.event("Order Completed", { total: "${kind}" });
      export default p.definePlan({ name: "own", events: [ordered], features: [p.count("orders", ordered)] });`;
    const project = await makeProject({ "plan.ts": text("number") });
    const plan = join(project.path, "plan.ts");
    try {
      const freshet = await start({ plan, log: { format: "avro" } });
      await order("o1", 1);
      writeFileSync(plan, text("string"));
      await freshet.reload();
      await order("o2", "2");
      await stop();
      const { schemas, events } = await readLog();
      expect([schemas.length, events.length]).toEqual([2, 2]);
    } finally {
      await project.remove();
    }
  });

  it("holds for an import into the folder, whose schema the registry has as well", async () => {
    const plan = planWith("number");
    const config: FreshetConfig = { plan, data, log: { format: "protobuf" } };
    const loaded = { plan, files: [], folder: data };
    const target = await openTarget({ settings: settingsOf(config, data, {}), plan: loaded });
    const row = {
      event_type: "Order Completed",
      user_id: "ana",
      timestamp: "2026-01-01T00:00:00Z",
      metadata: { total: 1 },
    };
    const sent = await target.send({ name: "i", rows: [{ row: 1, event: row }] });
    expect(sent.rejected).toEqual([]);
    await target.settle();
    await target.close();
    const { events, schemas } = await readLog();
    expect(events).toEqual([["i:1", { total: 1 }]]);
    const freshet = await start({ log: { format: "protobuf" } });
    const { id } = await freshet.schemas.latest("freshet.log-value");
    expect(schemas.map((schema) => schema.id)).toEqual([id]);
    await stop();
    expect((await readLog()).schemas).toEqual(schemas);
  });

  it("is looked at by verify, which names the record whose schema is gone, and what to do", async () => {
    await start({ log: { format: "avro" } });
    await order("o1", 1);
    await stop();
    const root = open({ path: logFolder(data), noSubdir: false, encoding: "string", maxDbs: 16 });
    const key = String([...root.getKeys({ start: "schema/", end: "schema0" })][0]);
    const row = String(root.get(key));
    const wrongWith = async (value: string | undefined) => {
      await (value === undefined ? root.remove(key) : root.put(key, value));
      const findings = await verifyFolder({ data });
      return findings.filter(({ level }) => level === "wrong");
    };
    const id = Number(key.slice("schema/".length));
    const damaged = { advice: expect.stringContaining("restore"), level: "wrong" };
    const what = (text: string) =>
      expect.objectContaining({ ...damaged, what: expect.stringContaining(text) });
    expect(await wrongWith(undefined)).toContainEqual(what(`its schema ${id} is not in the log`));
    expect(await wrongWith("{")).toContainEqual(what(`schema ${id} of the log cannot be read`));
    expect(await wrongWith(row)).toEqual([]);
    await root.close();
  });

  it("needs no registry: where there is no answer, the log has an id of its own", async () => {
    const registry = { url: "http://127.0.0.1:9/none" };
    await start({ log: { format: "avro" }, registry });
    await expect
      .poll(async () => (await readLog()).schemas.map(({ id }) => id), { timeout: 15_000 })
      .toEqual([2 ** 31]);
    await order("o1", 1);
    await stop();
    expect((await rawPayloads()).map((payload) => payload.readUInt32BE(1))).toEqual([2 ** 31]);
  }, 30_000);

  it("is refused by its name where there is none of it", () => {
    const plan = planWith("number");
    const settings = (config: object, environment: Record<string, string> = {}) =>
      settingsOf({ plan, ...config } as FreshetConfig, data, environment);
    expect(() => settings({ log: { format: "arvo" } })).toThrow(UsageError);
    expect(() => settings({ log: { fromat: "avro" } })).toThrow('"fromat"');
    expect(() => settings({}, { FRESHET_LOG_FORMAT: "xml" })).toThrow("FRESHET_LOG_FORMAT");
    expect(settings({ log: { format: "avro" } }, { FRESHET_LOG_FORMAT: "json" }).logFormat).toBe(
      "json",
    );
  });
});
