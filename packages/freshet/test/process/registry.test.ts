/** The registry of the real process: killed while it registers, and used by a second process instead of its own. */
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { httpRegistry } from "../../src/adapters/registry/http.ts";
import type { SchemaRegistry } from "../../src/engine/port/schema-registry.ts";
import { registryContract } from "../../src/testing/contract/schema-registry.ts";
import { randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { makeFolder, type TestFolder } from "./support/folder.ts";
import { type Running, secretKey, shopConfig, startServer } from "./support/server.ts";

registryContract("another process, over HTTP", async () => {
  const folder = await makeFolder();
  let server: Running | undefined;
  const clients: SchemaRegistry[] = [];
  return {
    async open() {
      server ??= await startServer({ data: folder.path });
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
      const { port } = server;
      if (isFailing) await server.kill();
      else server = await startServer({ data: folder.path, port });
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
    for (let life = 0; life < 4; life++) {
      server = await startServer({ data: folder.path });
      for (const [id, schema] of given)
        expect((await ask(`/schemas/ids/${id}`)).body.schema, `id ${id}`).toBe(schema);
      const listed = (await ask("/subjects")).body as string[];
      expect(listed).toEqual(expect.arrayContaining([...subjects]));
      // Each client may have had one registration under way that it was not told of, in each life before.
      expect(listed.length - subjects.size).toBeLessThanOrEqual(life * clientsOfLife);
      const load = Array.from({ length: clientsOfLife }, (_, worker) =>
        registerOn(`${life}-${worker}`),
      );
      await sleep(150 + random.below(300));
      await server.kill();
      for (const answers of await Promise.all(load))
        for (const { id, schema, subject } of answers) {
          expect(given.get(id) ?? schema).toBe(schema);
          given.set(id, schema);
          subjects.add(subject);
        }
    }
    expect(given.size).toBeGreaterThan(20);
  }));

const clientsOfLife = 4;

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field, which is the check.
  readonly body: any;
}

async function ask(path: string, body?: object): Promise<Answer> {
  const answer = await fetch(`${server?.url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${secretKey}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}

/** Registers one schema after another until there is no answer; returns those that were answered. */
async function registerOn(name: string) {
  const answered: { id: number; schema: string; subject: string }[] = [];
  for (let n = 0; ; n++) {
    const fields = [{ name: `f${n}`, type: "string" }];
    const schema = JSON.stringify({ type: "record", name: `R${name.replace("-", "_")}`, fields });
    const subject = `${name}-${n}`;
    try {
      const { body } = await ask(`/subjects/${subject}/versions`, { schema });
      answered.push({ id: body.id, schema, subject });
    } catch {
      return answered;
    }
  }
}

it("uses the registry of its configuration instead of its own", async () => {
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
    expect((await ask("/subjects")).body).toEqual([]);
  } finally {
    await other.kill();
    await second.remove();
  }
});

async function writeConfig(path: string, url: string): Promise<string> {
  const file = `${path}/outside.config.ts`;
  const plan = shopConfig.replace("freshet.config.ts", "plan.ts");
  const registry = { url, user: "freshet", password: secretKey };
  await writeFile(file, `export default ${JSON.stringify({ plan, registry })};\n`);
  return file;
}
