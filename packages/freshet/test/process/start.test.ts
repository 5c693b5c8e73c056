/** The command line as a newcomer meets it: what it prints, what it refuses and how, and what survives a restart. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serverLimits } from "../../src/server/limits.ts";
import { ask, eventually, readProfile, secret, sendBatch, view } from "./support/client.ts";
import { makeProject, type TestFolder } from "./support/folder.ts";
import {
  type Launched,
  type LaunchOptions,
  launch,
  type Running,
  runVerb,
  startServer,
  whenRunning,
} from "./support/server.ts";

const run = promisify(execFile);

const planText = `import { count, definePlan, event, gte, join, last, segment, table } from "freshet/plan";

const viewed = event("Product Viewed", { product_id: "string" });
const products = table("products", { product_id: "string", name: "string" }, { key: "product_id", file: "./products.csv" });
const lookUp = join(products, { events: [viewed], on: viewed.prop.product_id, pick: ["name"] });
const productViews = count("productViews", viewed);
const lastName = last("lastName", viewed, products.column.name);

export default definePlan({
  name: "small",
  events: [viewed],
  tables: [products],
  joins: [lookUp],
  features: [productViews, lastName],
  segments: [segment("keen", gte(productViews, 3))],
});
`;
const unreadable = planText.replace("lastName],", "lastName]],");
const configText = `import { defineConfig } from "freshet";

export default defineConfig({ plan: "./plan.ts", data: "./data" });
`;
const files = {
  "plan.ts": planText,
  "freshet.config.ts": configText,
  "products.csv": "product_id,name\ncer-01,Vase\n",
};

let project: TestFolder;
let launched: Launched[];
beforeEach(async () => {
  project = await makeProject(files);
  launched = [];
});
afterEach(async () => {
  for (const each of launched) await each.kill();
  await project.remove();
});

const path = (name: string) => join(project.path, name);
const save = (name: string, text: string) => writeFileSync(path(name), text);
const inProject = (environment: Record<string, string> = {}): LaunchOptions => ({
  folder: project.path,
  environment,
});
const verb = (args: readonly string[], environment?: Record<string, string>) =>
  runVerb(args, inProject(environment));

/** As `npm start` does: no keys given, on a free port. */
async function start(...args: readonly string[]): Promise<Running> {
  const process = launch(["start", "--port", "0", ...args], inProject());
  launched.push(process);
  return whenRunning(process);
}

/** With keys that the tests know. */
async function startKnown(
  options: { watch?: boolean } = {},
  environment: Record<string, string> = {},
): Promise<Running> {
  const config = path("freshet.config.ts");
  const place = inProject(environment);
  const running = await startServer({ data: path("data"), config, ...place, ...options });
  launched.push(running);
  return running;
}

describe("start", () => {
  it("prints the keys, and commands that work when they are pasted", async () => {
    const running = await start();
    const output = running.output();
    expect(output).toContain('plan "small" with 2 features, 1 segments');
    const keys = JSON.parse((await run("cat", [path("data/keys.json")])).stdout);
    expect(output).toContain(`Write key   ${keys.writeKey}`);
    expect(output).toContain(`Secret key  ${keys.secretKey}`);
    const pasted = output.slice(output.indexOf("  curl "), output.indexOf("Stop with"));
    const { stdout } = await run("sh", ["-c", pasted]);
    const [answer = "", profile = ""] = stdout.replaceAll("}{", "}\n{").split("\n");
    expect(JSON.parse(answer)).toMatchObject({ success: true, accepted: 1, rejected: [] });
    expect(JSON.parse(profile)).toMatchObject({
      profileId: "user:ana",
      features: { productViews: 1, lastName: "Vase" },
    });
  });

  it("names a command that starts over, for the folder that was started", async () => {
    const running = await start("--data", "my data", "--config", "freshet.config.ts");
    await running.stop();
    const [, command = ""] = /Start over with: (.+)/.exec(running.output()) ?? [];
    expect(command).toMatch(/reset --config freshet\.config\.ts --data 'my data'$/);
    const { stdout } = await run("sh", ["-c", `${command} --yes`], { cwd: project.path });
    expect(stdout).toContain(`deleted "${path("my data")}"`);
    expect(existsSync(path("my data"))).toBe(false);
  });

  it("names the script of npm where npm started it in a folder that has one", async () => {
    save("package.json", '{ "type": "module", "scripts": { "freshet": "node main.js" } }');
    const npm = { npm_lifecycle_event: "start", npm_package_json: path("package.json") };
    const launching = launch(["start", "--port", "0"], inProject(npm));
    launched.push(launching);
    const running = await whenRunning(launching);
    expect(running.output()).toContain("Start over with: npm run freshet -- reset\n");
  });

  it("names the flags of Node that it was started without", async () => {
    const plain = await start();
    const [, named = ""] = /npm start do\.\n {2}(--.+)\n/.exec(plain.output()) ?? [];
    const flags = named.split(" ");
    expect(flags).toContain("--no-allocation-site-pretenuring");
    const given = flags.map((flag) => flag.replace(/=.*/, "=200"));
    const options = { ...inProject(), nodeFlags: given.slice(1) };
    const launching = launch(["start", "--port", "0", "--data", "other"], options);
    launched.push(launching);
    const running = await whenRunning(launching);
    expect(running.output()).toContain(`npm start do.\n  ${flags[0]}\n`);
  });

  it("keeps keys where only the owner can read them, and uses them again", async () => {
    const first = await start();
    expect(statSync(path("data/keys.json")).mode & 0o777).toBe(0o600);
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    const second = await start();
    const keysOf = (text: string) => text.match(/(?:wk|sk)_[\w-]+/g);
    expect(keysOf(second.output())).toEqual(keysOf(first.output()));
  });

  it("ends in order on SIGTERM and on SIGINT, within seconds and with exit code 0", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const running = await startKnown();
      await sendBatch(running.url, [view(signal)]);
      const before = Date.now();
      running.signal(signal);
      expect(await running.exited).toEqual({ code: 0, signal: null });
      expect(Date.now() - before).toBeLessThan(serverLimits.drainMsMax);
      expect(running.output()).toContain("stopping: answering what is open");
    }
  });

  it("ends in order although a page holds a stream open", async () => {
    const running = await startKnown();
    await sendBatch(running.url, [view("streamed")]);
    const { body } = await ask(`${running.url}/v1/tokens`, {
      headers: secret,
      body: { userId: "ana" },
    });
    const stream = await fetch(`${running.url}/v1/stream?token=${body.token}`);
    const before = Date.now();
    expect(await running.stop()).toEqual({ code: 0, signal: null });
    expect(Date.now() - before).toBeLessThan(serverLimits.drainMsMax);
    await stream.text().catch(() => "");
  });

  it("finds profiles and receipts of before after a restart, in order or not", async () => {
    const first = await startKnown();
    const { body: sent } = await sendBatch(first.url, [view("a"), view("b")]);
    const before = await readProfile(first.url, "ana", sent.receipt);
    expect(before.body.features).toEqual({ productViews: 2, lastName: "Vase" });
    await first.stop();
    const second = await startKnown();
    const after = await readProfile(second.url, "ana", sent.receipt);
    expect({ ...after.body, asOf: 0 }).toEqual({ ...before.body, asOf: 0 });
    await second.kill();
    const third = await startKnown();
    const again = await readProfile(third.url, "ana", sent.receipt);
    expect({ ...again.body, asOf: 0 }).toEqual({ ...before.body, asOf: 0 });
    expect((await readProfile(third.url, "ana", "made-up")).status).toBe(400);
  });

  it("refuses a port that is in use, says what to do, and lets go of the data folder", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { code, output } = await verb(["start", "--port", String(port)]);
    expect(code).toBe(1);
    expect(output).toBe(
      `port ${port} is in use on 127.0.0.1\n` +
        `  hint: stop what runs there, or take another one: FRESHET_PORT=${port + 1} npm start\n`,
    );
    other.close();
    await (await start()).stop();
  });

  it("refuses a data folder that another process has open", async () => {
    await start();
    const { code, output } = await verb(["start", "--port", "0"]);
    expect(code).toBe(1);
    expect(output).toContain("is open in another process");
    expect(output).toContain("hint: stop the other process, or give this one another data folder");
  });

  it("refuses a data folder with files of somebody else, and leaves it as it is", async () => {
    const before = readdirSync(project.path);
    const { code, output } = await verb(["start", "--port", "0", "--data", "."]);
    expect(code).toBe(1);
    expect(output).toContain("is not a data folder of Freshet");
    expect(readdirSync(project.path)).toEqual(before);
  });

  it("refuses a folder of a later format", async () => {
    mkdirSync(path("data"));
    save("data/freshet.json", '{ "format": 99 }');
    const { code, output } = await verb(["start", "--port", "0"]);
    expect([code, output]).toEqual([1, expect.stringContaining("has format 99")]);
  });

  it("goes on after a first start that was killed at any moment", async () => {
    for (const ms of [60, 120, 180, 240, 300]) {
      const process = launch(["start", "--port", "0"], inProject());
      await new Promise((resolve) => setTimeout(resolve, ms));
      await process.kill();
    }
    await (await start()).stop();
    expect((await verb(["reset", "--yes"])).code).toBe(0);
  });
});

describe("a wrong setting", () => {
  it("of the configuration names the nearest right one", async () => {
    save("freshet.config.ts", configText.replace("data:", "dta:"));
    const { code, output } = await verb(["start", "--port", "0"]);
    expect(code).toBe(2);
    expect(output).toBe(
      '"dta" in the configuration is no setting of Freshet\n  hint: did you mean "data"?\n',
    );
  });

  it("of the environment names the nearest right one", async () => {
    const { code, output } = await verb(["start"], { FRESHET_PROT: "1" });
    expect(code).toBe(2);
    expect(output).toContain('hint: did you mean "FRESHET_PORT"?');
  });

  it("is refused where its value makes no sense", async () => {
    expect((await verb(["start"], { FRESHET_PORT: "many" })).output).toContain(
      'the port is "many"',
    );
    expect((await verb(["start"], { FRESHET_LOG_LEVEL: "loud" })).output).toContain("use one of");
    const keys = { FRESHET_WRITE_KEY: "same", FRESHET_SECRET_KEY: "same" };
    expect((await verb(["start", "--port", "0"], keys)).output).toContain("are the same text");
  });

  it("is said where there is no configuration at all", async () => {
    const { code, output } = await runVerb(["start"], { folder: "/" });
    expect(code).toBe(2);
    expect(output).toContain("there is no freshet.config.ts here or in a folder above");
  });
});

describe("a broken plan", () => {
  const broken: readonly (readonly [string, string, RegExp])[] = [
    ["that does not parse", unreadable, /plan\.ts:14:\d+/],
    [
      "that defines a name twice",
      planText.replace("lastName]", 'count("productViews", viewed)]'),
      /feature "productViews" is defined twice \(.*plan\.ts:14:\d+\)/,
    ],
    [
      "that uses what it does not define",
      planText.replace("[productViews, lastName]", "[lastName]"),
      /segment "keen" uses feature "productViews", which is not defined \(.*plan\.ts:15:\d+\)/,
    ],
    [
      "that throws",
      planText.replace('"small"', "missing()"),
      /plan\.ts:10:\d+ threw ReferenceError/,
    ],
    ["that imports what does not exist", planText.replaceAll("count", "counts"), /plan\.ts:1:\d+/],
    ["that exports nothing", planText.replace("export default", "void"), /does not export a plan/],
  ];
  for (const [what, text, message] of broken)
    it(`${what} is named by file and line, with a hint and exit code 1`, async () => {
      save("plan.ts", text);
      const { code, output } = await verb(["start", "--port", "0"]);
      expect([code, output]).toEqual([1, expect.stringMatching(message)]);
      expect(output).toContain(project.path);
      expect(output).toMatch(/\n {2}hint: .+\n$/);
      expect(output).not.toContain("    at ");
    });

  it("that is missing, or whose table is, is said as such", async () => {
    save("freshet.config.ts", configText.replace("plan.ts", "plot.ts"));
    expect((await verb(["start", "--port", "0"])).output).toContain("there is no plan at");
    save("freshet.config.ts", configText);
    save("plan.ts", planText.replace("products.csv", "nothing.csv"));
    const { code, output } = await verb(["start", "--port", "0"]);
    expect([code, output]).toEqual([1, expect.stringContaining('table "products" cannot be read')]);
  });
});

describe("saving while it runs", () => {
  it("reloads the plan, says what changed, and keeps what was counted", async () => {
    const running = await startKnown({ watch: true });
    await sendBatch(running.url, [view("one"), view("two")]);
    const easier = planText.replace("gte(productViews, 3)", "gte(productViews, 1)");
    save("plan.ts", easier);
    await running.wrote(/plan reloaded \(epoch \d+\)\n {2}~ .*keen/);
    await sendBatch(running.url, [view("ben", { userId: "ben" })]);
    await eventually("the new condition", async () => {
      return (await readProfile(running.url, "ben")).body.segments.includes("keen");
    });
    save("plan.ts", easier.replace("lastName]", 'lastName, count("viewsAgain", viewed)]'));
    await running.wrote(/\+ .*viewsAgain/);
    const { body: sent } = await sendBatch(running.url, [view("three")]);
    const { body } = await readProfile(running.url, "ana", sent.receipt);
    expect(body.features).toMatchObject({ productViews: 3, viewsAgain: 1 });
    expect(body.segments).toEqual(["keen"]);
    save("plan.ts", planText);
    await running.wrote(/- .*viewsAgain/);
    expect(readdirSync(path("data/plans")).filter((name) => name.startsWith("load-"))).toEqual([]);
  });

  it("keeps the old plan in force when the new one is broken, and takes the next good one", async () => {
    const running = await startKnown({ watch: true });
    save("plan.ts", unreadable);
    await running.wrote(/the plan was not reloaded: .*plan\.ts:14:\d+[\s\S]*hint: /);
    const { body: sent } = await sendBatch(running.url, [view("one")]);
    const { body } = await readProfile(running.url, "ana", sent.receipt);
    expect(body.features).toEqual({ productViews: 1, lastName: "Vase" });
    save("plan.ts", planText.replace("lastName]", 'lastName, count("viewsAgain", viewed)]'));
    await running.wrote(/\+ .*viewsAgain/);
  });

  it("reads a table's file again, and leaves the one in force when it is broken", async () => {
    const running = await startKnown({ watch: true });
    const nameOf = async (id: string) => {
      const { body } = await sendBatch(running.url, [view(id)]);
      return (await readProfile(running.url, "ana", body.receipt)).body.features.lastName;
    };
    expect(await nameOf("first")).toBe("Vase");
    save("products.csv", "product_id,name\ncer-01,Jug\n");
    let attempt = 0;
    await eventually("the new table", async () => (await nameOf(`next-${attempt++}`)) === "Jug");
    save("products.csv", 'product_id,name\ncer-01,"Jug\n');
    await running.wrote(/not reloaded: table "products"/);
    expect(await nameOf("last")).toBe("Jug");
  });
});

describe("a thread of its own for capture", () => {
  const inThread = { FRESHET_COLLECTOR: "thread" };

  it("takes events by the plan that was saved last, and everything else goes through it", async () => {
    const running = await startKnown({ watch: true }, inThread);
    const { body: first } = await sendBatch(running.url, [view("one"), { type: "odd" }]);
    expect(first).toMatchObject({ accepted: 1, rejected: [{ index: 1 }] });
    const { body } = await readProfile(running.url, "ana", first.receipt);
    expect(body.features).toEqual({ productViews: 1, lastName: "Vase" });
    save(
      "plan.ts",
      planText.replace('product_id: "string" });', 'product_id: "string", size: "number" });'),
    );
    await running.wrote(/plan reloaded \(epoch \d+\)/);
    const { body: refused } = await sendBatch(running.url, [view("two")]);
    expect(refused.rejected).toMatchObject([{ code: "contractViolated" }]);
    save("products.csv", "product_id,name\ncer-01,Jug\n");
    save("plan.ts", planText);
    await running.wrote(/plan reloaded \(epoch \d+\)[\s\S]*plan reloaded \(epoch \d+\)/);
    const { body: last } = await sendBatch(running.url, [view("three")]);
    const { body: after } = await readProfile(running.url, "ana", last.receipt);
    expect(after.features).toEqual({ productViews: 2, lastName: "Jug" });
  });

  it("lets go of its port and its folder when it cannot start, and when it stops", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const { code, output } = await verb(["start", "--port", String(port)], inThread);
    expect([code, output]).toEqual([1, expect.stringContaining(`port ${port} is in use`)]);
    other.close();
    const running = await startKnown({}, inThread);
    await sendBatch(running.url, [view("one")]);
    expect((await running.stop()).code).toBe(0);
    const again = await startKnown({}, inThread);
    expect((await readProfile(again.url, "ana")).body.features).toMatchObject({ productViews: 1 });
  });
});

describe("the other verbs", () => {
  it("plan prints the plan in words and as data, and writes nothing", async () => {
    const words = await verb(["plan"]);
    expect(words.code).toBe(0);
    expect(words.output).toContain('plan "small"');
    expect(words.output).toContain("keen: productViews ≥ 3");
    const data = await verb(["plan", "--json"]);
    expect(JSON.parse(data.output)).toMatchObject({
      name: "small",
      events: [{ name: "Product Viewed" }],
    });
    expect(existsSync(path("data"))).toBe(false);
    save("plan.ts", unreadable);
    expect((await verb(["plan"])).code).toBe(1);
  });

  it("reset deletes the folder when it is told to, and only then", async () => {
    expect((await verb(["reset", "--yes"])).output).toContain("nothing to reset");
    const running = await startKnown();
    await sendBatch(running.url, [view("gone")]);
    const inUse = await verb(["reset", "--yes"]);
    expect([inUse.code, inUse.output]).toEqual([1, expect.stringContaining("is in use")]);
    await running.stop();
    const unasked = await verb(["reset"]);
    expect([unasked.code, unasked.output]).toEqual([
      2,
      expect.stringContaining("add --yes to mean it"),
    ]);
    expect(existsSync(path("data"))).toBe(true);
    expect((await verb(["reset", "--yes"])).code).toBe(0);
    expect(existsSync(path("data"))).toBe(false);
    const again = await startKnown();
    expect((await readProfile(again.url, "ana")).status).toBe(404);
  });

  it("reset refuses a folder that is not Freshet's", async () => {
    const { code, output } = await verb(["reset", "--yes", "--data", "."]);
    expect([code, output]).toEqual([1, expect.stringContaining("is not a data folder of Freshet")]);
    expect(existsSync(path("plan.ts"))).toBe(true);
  });

  it("doctor says what is fine, what is worth knowing and what is wrong", async () => {
    const running = await startKnown();
    const fine = await verb(["doctor", "--url", running.url]);
    expect(fine.code).toBe(0);
    expect(fine.output).toContain('ok    plan "small"');
    expect(fine.output).toContain("in use by a server");
    expect(fine.output).toContain('ok    sources "default" (browser');
    expect(fine.output).toContain(`ok    a server answers at ${running.url}`);
    save("plan.ts", unreadable);
    const wrong = await verb(["doctor", "--json", "--url", "http://127.0.0.1:1"]);
    expect(wrong.code).toBe(1);
    const findings = JSON.parse(wrong.output);
    expect(findings).toContainEqual(
      expect.objectContaining({ level: "wrong", what: expect.stringContaining("plan.ts:14:") }),
    );
    expect(findings).toContainEqual(
      expect.objectContaining({ what: expect.stringContaining("no server") }),
    );
  });

  it("called wrongly, they exit with 2 and say how to be called; help exits with 0", async () => {
    for (const args of [
      [],
      ["begin"],
      ["start", "--prt", "1"],
      ["plan", "extra"],
      ["start", "--port"],
    ]) {
      const { code, output } = await verb(args);
      expect([args, code]).toEqual([args, 2]);
      expect(output).toMatch(/Usage:|add --help/);
    }
    for (const args of [["--help"], ["start", "--help"], ["reset", "--help"], ["--version"]])
      expect([args, (await verb(args)).code]).toEqual([args, 0]);
  });
});
