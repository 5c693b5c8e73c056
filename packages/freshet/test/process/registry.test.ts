/** The registry of the real process: killed while it registers, and used by a second process instead of its own. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { httpRegistry } from "../../src/adapters/registry/http.ts";
import { verifyRegistry } from "../../src/app/registry/verify.ts";
import type { SchemaRegistry } from "../../src/engine/port/schema-registry.ts";
import { registryContract } from "../../src/testing/contract/schema-registry.ts";
import { randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { makeFolder, makeProject, type TestFolder } from "./support/folder.ts";
import { freePort } from "./support/port.ts";
import { type Running, runVerb, secretKey, shopConfig, startServer } from "./support/server.ts";

registryContract("another process, over HTTP", async () => {
  const folder = await makeFolder();
  // The clients that are open go on asking there while it is away.
  const place = { data: folder.path, port: await freePort() };
  let server: Running | undefined;
  const clients: SchemaRegistry[] = [];
  return {
    async open() {
      server ??= await startServer(place);
      const limits = { attemptsMax: 2, retryMs: 1, breakerMs: 1 };
      const password = secretKey;
      const client = httpRegistry({
        ...{ url: server.url, user: "freshet", password, limits },
        ...{ clock: systemClock(), random: () => 0 },
      });
      clients.push(client);
      return client;
    },
    async crash() {
      await server?.kill();
      server = undefined;
    },
    async fail(isFailing) {
      if (server === undefined) throw new Error("open it first");
      if (isFailing) await server.kill();
      else server = await startServer(place);
    },
    async remove() {
      for (const client of clients) await client.close();
      await server?.kill();
      await folder.remove();
    },
  };
});

let folder: TestFolder | undefined;
let server: Running | undefined;
afterEach(async () => {
  await server?.kill();
  await folder?.remove();
});

it("keeps every id that it gave, to the same schema, however often it is killed", () =>
  withSeed(import.meta.url, async (seed) => {
    const random = randomOf(seed);
    folder = await makeFolder();
    const given = new Map<number, string>();
    const subjects = new Set<string>();
    const gone = new Set<number>();
    const perhapsGone = new Set<number>();
    for (let life = 0; life < 4; life++) {
      server = await startServer({ data: folder.path });
      for (const [id, schema] of given) {
        const { status, body } = await ask(`/schemas/ids/${id}`);
        if (gone.has(id)) expect(status, `id ${id}`).toBe(404);
        else if (!perhapsGone.has(id) || status === 200)
          expect(body.schema, `id ${id}`).toBe(schema);
      }
      const listed = ((await ask("/subjects")).body as string[]).filter((name) => isOurs(name));
      expect(listed).toEqual(expect.arrayContaining([...subjects]));
      // Each client may have had one registration under way that it was not told of, in each life before.
      expect(listed.length - subjects.size).toBeLessThanOrEqual(life * clientsOfLife * 2);
      const progress = { answers: 0 };
      const load = Array.from({ length: clientsOfLife }, (_, worker) =>
        registerOn(`${life}-${worker}`, progress),
      );
      const enough = 15 + random.below(30);
      while (progress.answers < enough) await sleep(1);
      await server.kill();
      for (const answers of await Promise.all(load))
        for (const { id, schema, subject, fate } of answers) {
          expect(given.get(id) ?? schema).toBe(schema);
          given.set(id, schema);
          if (fate === "kept") subjects.add(subject);
          if (fate === "gone") gone.add(id);
          if (fate === "unknown") perhapsGone.add(id);
        }
      const findings = await verifyRegistry(folder.path);
      expect(findings.map(({ level }) => level)).toEqual(["fine"]);
    }
    expect(given.size).toBeGreaterThan(20);
    expect(gone.size).toBeGreaterThan(3);
  }));

/** Not those of the shop's plan. */
const isOurs = (subject: string) => /^\d+-\d+-\d+$/.test(subject);

const clientsOfLife = 4;

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field, which is the check.
  readonly body: any;
}

async function ask(path: string, body?: object, method?: "DELETE" | "PUT"): Promise<Answer> {
  const answer = await fetch(`${server?.url}${path}`, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: { authorization: `Bearer ${secretKey}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}

interface Registered {
  readonly id: number;
  readonly schema: string;
  readonly subject: string;
  /** Whether it was deleted for good, as far as its client was told. */
  fate: "kept" | "gone" | "unknown";
}

/** Registers one schema after another until there is no answer, and deletes each third one for good. */
async function registerOn(name: string, progress: { answers: number }): Promise<Registered[]> {
  const answered: Registered[] = [];
  for (let n = 0; ; n++) {
    const fields = [{ name: `f${n}`, type: "string" }];
    const schema = JSON.stringify({ type: "record", name: `R${name.replace("-", "_")}`, fields });
    const subject = `${name}-${n}`;
    try {
      const { body } = await ask(`/subjects/${subject}/versions`, { schema });
      const registered: Registered = { id: body.id, schema, subject, fate: "kept" };
      answered.push(registered);
      progress.answers++;
      if (n % 3 < 2) continue;
      registered.fate = "unknown";
      await ask(`/subjects/${subject}`, undefined, "DELETE");
      await ask(`/subjects/${subject}?permanent=true`, undefined, "DELETE");
      registered.fate = "gone";
    } catch {
      return answered;
    }
  }
}

it("uses the registry of its configuration instead of its own, for the plan's contracts too", async () => {
  folder = await makeFolder();
  server = await startServer({ data: folder.path });
  const config = await writeConfig(folder.path, server.url);
  const second = await makeFolder();
  const other = await startServer({ data: second.path, config });
  try {
    const headers = { authorization: `Bearer ${secretKey}` };
    const answer = await fetch(`${other.url}/subjects`, { headers });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      error_code: 404,
      message: expect.stringContaining("has no registry of its own"),
    });
    const contracts = ["Order Completed", "second.Order Completed"];
    await expect
      .poll(async () => (await ask("/subjects")).body, { timeout: 10_000 })
      .toEqual(expect.arrayContaining(contracts));
    const [own, theirs] = await Promise.all(
      contracts.map((name) => ask(`/subjects/${encodeURIComponent(name)}/versions/latest`)),
    );
    expect(theirs?.body).toEqual({ ...own?.body, subject: contracts[1] });
  } finally {
    await other.kill();
    await second.remove();
  }
});

it("starts while the registry of its configuration does not answer, and says so", async () => {
  folder = await makeFolder();
  const config = await writeConfig(folder.path, "http://127.0.0.1:9");
  server = await startServer({ data: join(folder.path, "data"), config });
  await server.wrote(/the plan's contracts are not all in the registry yet/);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
});

it("registers the contracts of a plan that is saved, and does not take one that the registry refuses", async () => {
  folder = await makeProject({
    "freshet.config.ts": 'export default { plan: "plan.ts", contracts: { registry: "require" } };',
    "plan.ts": planOf('{ total: "number" }'),
  });
  const config = join(folder.path, "freshet.config.ts");
  server = await startServer({ data: join(folder.path, "data"), config, watch: true });
  const versions = async () => (await ask("/subjects/Paid/versions")).body;
  expect(await versions()).toEqual([1]);
  const next = planOf('{ total: "number", currency: "string" }');
  await writeFile(join(folder.path, "plan.ts"), next);
  await server.wrote(/the plan was not reloaded: the registry refuses contract "Paid@1": /);
  expect(await versions()).toEqual([1]);
  await ask("/config/Paid", { compatibility: "FORWARD" }, "PUT");
  await writeFile(join(folder.path, "plan.ts"), `${next}\n`);
  await server.wrote(/plan reloaded \(epoch \d+\)/);
  expect(await versions()).toEqual([1, 2]);
  const { output } = await runVerb([
    "plan",
    "--config",
    config,
    "--data",
    join(folder.path, "data"),
  ]);
  expect(output).toMatch(/Paid@1: JSON, subject "Paid" version 2, id 2/);
});

function planOf(shape: string): string {
  return `import { count, definePlan, event } from "freshet/plan";
const paid = event("Paid", ${shape});
export default definePlan({ name: "own", events: [paid], features: [count("n", paid)] });
`;
}

async function writeConfig(path: string, url: string): Promise<string> {
  const file = `${path}/outside.config.ts`;
  const plan = shopConfig.replace("freshet.config.ts", "plan.ts");
  const registry = { url, user: "freshet", password: secretKey };
  const contracts = { subjectPrefix: "second." };
  await writeFile(file, `export default ${JSON.stringify({ plan, registry, contracts })};\n`);
  return file;
}
