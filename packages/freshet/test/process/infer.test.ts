/** The verb `infer`, as somebody at a terminal uses it, over the shop's traffic. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@freshet/protocol";
import { open } from "lmdb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openFolderLog } from "../../src/app/infer/folder-reader.ts";
import { codecOf, parseSchema } from "../../src/schema/index.ts";
import { ask, basic, eventually, readMetrics, settled } from "./support/client.ts";
import { makeFolder, makeProject, type TestFolder } from "./support/folder.ts";
import {
  type Running,
  root,
  runVerb,
  secretKey,
  shopConfig,
  startServer,
} from "./support/server.ts";

let folder: TestFolder;
let server: Running;
beforeAll(async () => {
  folder = await makeFolder();
  await shopDay("yesterday");
  server = await shopDay("today");
  await sendOrders();
});
afterAll(async () => {
  await server.kill();
  await folder.remove();
});

const eventsOfDay = 3000;
const dataOf = (day: string) => join(folder.path, day);

/** The shop with its own demo traffic; the one of yesterday is closed. */
async function shopDay(day: "yesterday" | "today"): Promise<Running> {
  const shop = await startServer({ data: dataOf(day), environment: { SHOP_TRAFFIC: "1500" } });
  await eventually("enough traffic", async () => {
    const metrics = await readMetrics(shop.url);
    return (metrics.get("freshet_events_applied_total") ?? 0) > eventsOfDay;
  });
  await shop.stop();
  return day === "today" ? startServer({ data: dataOf(day) }) : shop;
}

/** Orders of an old library, which the plan refuses, and an event that it does not name. */
async function sendOrders(): Promise<void> {
  const context = { library: { name: "analytics.js", version: "4.1" } };
  const batch = Array.from({ length: 10 }, (_, at) => ({
    ...{ type: "track", messageId: `o${at}`, userId: `buyer-${at}`, context },
    event: at < 8 ? "Order Completed" : "Order Refunded",
    properties: { order_id: `${at}`, total: "12.50" },
  }));
  await ask(`${server.url}/v1/batch`, { body: { batch }, headers: basic });
  await settled(server.url);
}

const infer = (...args: readonly string[]) => runVerb(["infer", ...args]);
const inferToday = (...args: readonly string[]) => infer("--data", dataOf("today"), ...args);
const overUrl = (...args: readonly string[]) =>
  runVerb(["infer", "--url", server.url, ...args], {
    environment: { FRESHET_SECRET_KEY: secretKey },
  });

describe("beside a running server", () => {
  test("tells what came, what was refused and how it differs from the plan in force", async () => {
    const { code, output } = await inferToday();
    expect(code, output).toBe(0);
    expect(output).toMatch(
      /[\d,]+ events of ".*today", .*; 8 of them refused for their contract; seed 1/,
    );
    expect(output).toMatch(/^Order Completed {2}\d+ events, 8 refused$/m);
    expect(output).toMatch(
      /^ {2}total +number or text +always +number in [\d.]+ %, text in [\d.]+ % \(source default, library analytics.js 4.1\)/m,
    );
    expect(output).toMatch(/^ {2}currency +text .*not in the plan$/m);
    expect(output).toMatch(/^Order Refunded {2}2 events, not in the plan$/m);
    expect(output).toMatch(/is broken by 8 events: freshet infer --check lists how/);
    // Nobody's id and no sum of one order.
    expect(output).not.toMatch(/demo-|buyer-|12\.5/);
  });

  test("--check lists what breaks the plan's contracts and exits with 1", async () => {
    const { code, output } = await inferToday("--check");
    expect(code).toBe(1);
    expect(output).toMatch(
      /8 events of [\d,]+ break the contracts of the plan "shop"\n {2}8 +Order Completed +"total" should be a number +source default, library analytics.js 4.1$/m,
    );
    const { code: sound } = await infer("--data", dataOf("yesterday"), "--check");
    expect(sound).toBe(0);
  });

  test("over HTTP it says the same", async () => {
    const place = (text: string) =>
      text.replace(/^infer: .*\n/gm, "").replace(/ events of .*?, /, " events of here, ");
    const [folder, http] = [await inferToday(), await overUrl()];
    expect(http.code, http.output).toBe(0);
    expect(place(http.output)).toBe(place(folder.output));
    expect((await overUrl("--check")).code).toBe(1);
  });

  test("reads the newest events, and says that there are more", async () => {
    const { output } = await inferToday("--events", "10");
    expect(output).toMatch(/^10 events of .*; 8 of them refused/);
    expect(output).toMatch(/older events were not read/);
    expect((await inferToday("--since", "2030-01-01")).output).toMatch(/^there are no events yet/);
  });

  test("prints the report as data, without a sample", async () => {
    const report = JSON.parse((await inferToday("Order Completed", "--json")).output) as JsonObject;
    expect(report).toMatchObject({
      refused: 8,
      proposals: [{ name: "Order Completed", content: { kind: "record" } }],
      plan: { name: "shop", broken: 8, unknownEvents: [] },
    });
    expect(JSON.stringify(report)).not.toMatch(/demo-|buyer-|o-[0-9a-z]{10}/);
  });
});

/** Properties of the shop's own events, by name. */
async function trackedToday(): Promise<Map<string, JsonObject[]>> {
  const events = new Map<string, JsonObject[]>();
  const log = openFolderLog(dataOf("today"));
  for (const { records } of log.read(0))
    for (const record of records) {
      if (record.kind !== "event" || record.event.type !== "track") continue;
      const { name, properties } = record.event;
      if (name !== "Order Refunded") events.set(name, [...(events.get(name) ?? []), properties]);
    }
  await log.close();
  return events;
}

describe("proposed contracts", () => {
  const formats = [
    ["json", "JSON"],
    ["avro", "AVRO"],
    ["protobuf", "PROTOBUF"],
  ] as const;

  test.each(formats)("as %s take another day's traffic", async (format, kind) => {
    const events = await trackedToday();
    const out = join(folder.path, `${format}.txt`);
    const args = ["--format", format, "--out", out];
    const { code, output } = await infer("--data", dataOf("yesterday"), ...args);
    expect(code, output).toBe(0);
    const text = readFileSync(out, "utf8");
    for (const [name, contents] of events) {
      // One file of Protobuf holds them all, the other two an object by name.
      const schema = format === "protobuf" ? text : JSON.stringify(JSON.parse(text)[name]);
      const message = name.replaceAll(" ", "");
      const options = format === "protobuf" ? { message } : {};
      const codec = codecOf(parseSchema(kind, schema), options);
      for (const content of contents) expect(codec.explain(content), name).toEqual([]);
    }
    expect(events.size).toBeGreaterThan(6);
  });

  test("as builders are a plan that loads", async () => {
    const out = join(folder.path, "events.ts");
    expect(await inferToday("--out", out)).toMatchObject({ code: 0 });
    const names = [...readFileSync(out, "utf8").matchAll(/export const (\w+)/g)].map(
      (one) => one[1],
    );
    const plan = `import { definePlan } from "freshet/plan";
      import * as all from "./events.ts";
      export default definePlan({ name: "inferred", events: Object.values(all), features: [] });`;
    const config = `import { defineConfig } from "freshet"; export default defineConfig({ plan: "./plan.ts" });`;
    const project = await makeProject({ "plan.ts": plan, "freshet.config.ts": config });
    cpSync(out, join(project.path, "events.ts"));
    const options = { folder: project.path };
    const loaded = await runVerb(["plan"], options);
    expect(loaded, loaded.output).toMatchObject({ code: 0 });
    expect(names.length).toBeGreaterThan(8);
    // The plan that was made of the traffic is kept by it.
    const checked = await runVerb(
      ["infer", "--check", "--config", "freshet.config.ts", "--data", dataOf("today")],
      options,
    );
    expect(checked, checked.output).toMatchObject({ code: 0 });
    expect(checked.output).toMatch(/no event breaks the contracts of the plan "inferred"/);
    await project.remove();
  });

  test("come from the commands of the guide", async () => {
    const project = await makeProject({
      "freshet.config.ts": `import { defineConfig } from "freshet"; import { definePlan } from "freshet/plan";
        export default defineConfig({ plan: definePlan({ name: "none", events: [], features: [] }) });`,
      freshet: `#!/bin/sh\nexec "${process.execPath}" "${join(root, "packages/freshet/dist/cli/main.js")}" "$@"\n`,
    });
    chmodSync(join(project.path, "freshet"), 0o755);
    const output = execFileSync("bash", ["-e", join(root, "examples/infer/infer.sh")], {
      cwd: project.path,
      env: { PATH: `${project.path}:/usr/bin:/bin`, DATA: dataOf("today") },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    expect(output).toContain("export const orderCompleted = event(");
    expect(output).toContain('no event breaks the contracts of the plan "none"');
    const schemas = JSON.parse(readFileSync(join(project.path, "contracts.avsc"), "utf8"));
    expect(schemas["Cart Viewed"]).toEqual({ type: "record", name: "CartViewed", fields: [] });
    await project.remove();
  });

  test("go to standard output alone", async () => {
    const { output } = await inferToday("Cart Viewed", "--format", "ts");
    expect(output).toContain('export const cartViewed = event("Cart Viewed", {});');
  });
});

describe("wrong usage is told", () => {
  test.each([
    [["--data", "/nowhere"], 2, /is no data folder/],
    [["--events", "many"], 2, /--events is "many"/],
    [["--since", "yesterday"], 2, /--since is "yesterday"/],
    [["--format", "xml"], 2, /Allowed choices are ts, json, avro, protobuf/],
    [["--out", "x.txt"], 2, /says no format/],
    [["--url", "http://127.0.0.1:9"], 1, /does not answer/],
  ])("%j", async (args, code, message) => {
    const result = await runVerb(["infer", ...args], {
      environment: { FRESHET_SECRET_KEY: secretKey },
    });
    expect(result.output).toMatch(message);
    expect(result.code).toBe(code);
  });

  test("a name that did not come, with the nearest that did", async () => {
    const { code, output } = await inferToday("Order Complete");
    expect(code).toBe(1);
    expect(output).toMatch(
      /no event "Order Complete".*\n {2}hint: did you mean "Order Completed"\?/,
    );
  });

  test("a folder with no events, and one without a log", async () => {
    const data = join(folder.path, "empty");
    const empty = await startServer({ data });
    await empty.stop();
    expect(await infer("--data", data)).toMatchObject({
      code: 1,
      output: expect.stringMatching(/there are no events yet/),
    });
    const bare = join(folder.path, "bare");
    cpSync(join(data, "freshet.json"), join(bare, "freshet.json"), { recursive: true });
    expect(await infer("--data", bare)).toMatchObject({
      code: 1,
      output: expect.stringMatching(/has no log yet/),
    });
  });

  test("a log that is damaged", async () => {
    const data = join(folder.path, "damaged");
    cpSync(dataOf("yesterday"), data, { recursive: true });
    const log = open({ path: join(data, "log"), noSubdir: false, encoding: "string", maxDbs: 16 });
    const batches = log.openDB<Buffer, number>({ name: "batch", encoding: "binary" });
    const key = [...batches.getKeys({})][1] ?? 0;
    const bytes = Buffer.from(batches.getBinary(key) ?? []);
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
    await batches.put(key, bytes);
    await log.close();
    const { code, output } = await infer("--data", data);
    expect(output).toMatch(/damaged/);
    expect(output).toMatch(/hint: /);
    expect(code).toBe(1);
  });
});

test("the shop's configuration names folder and plan", async () => {
  const { code, output } = await infer(
    "--config",
    shopConfig,
    "--data",
    dataOf("today"),
    "--check",
  );
  expect(code).toBe(1);
  expect(output).toMatch(/the plan "shop"/);
});
