/**
 * The real process, killed while a run over dead letters is under way: the run goes on after the restart, and each
 * letter's event is applied once, also where the run was asked for twice (P2, P6).
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { replayCommand, withSeed } from "../../src/testing/seed.ts";
import {
  ask,
  basic,
  eventually,
  missingIn,
  readMetrics,
  readProfile,
  secret,
  settled,
} from "./support/client.ts";
import { makeFolder, type TestFolder } from "./support/folder.ts";
import { type Running, runVerb, secretKey, startServer } from "./support/server.ts";

const kills = Number(process.env.FRESHET_KILLS ?? 5);
const lettersPerKill = 2500;
const users = 5;

let folder: TestFolder;
let running: Running | undefined;
beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(async () => {
  await running?.kill();
  await folder.remove();
});

it(`sends each dead letter once when it is killed ${kills} times while it sends them`, {
  timeout: 60_000 + kills * 20_000,
}, async () => {
  await withSeed(import.meta.url, async (seed) => {
    console.log(`FRESHET_KILLS=${kills} ${replayCommand(seed, import.meta.url)}`);
    await run(randomOf(seed));
  });
});

async function run(random: Random): Promise<void> {
  const data = join(folder.path, "data");
  const start = async () => {
    running = await startServer({ data });
    return running;
  };
  const changes = join(folder.path, "changes.json");
  const toNumber = [{ op: "convert", path: "/properties/total", to: "number" }];
  writeFileSync(changes, JSON.stringify({ all: true, changes: toNumber }));
  let cutOff = 0;
  let server = await start();
  for (let kill = 0; kill < kills; kill++) {
    await breakOrders(server.url, kill);
    const body = { all: true, changes: toNumber };
    // Whoever asked gets no answer; two asked.
    for (let person = 0; person < 2; person++)
      ask(`${server.url}/v1/dead-letters/correct`, { body, headers: secret }).catch(() => {});
    await sleep(random.below(120));
    await server.kill();
    server = await start();
    const left = await jobsOf(server.url);
    if (left.some(({ status }) => status === "running")) cutOff++;
    await eventually(
      "all runs have ended",
      async () => (await jobsOf(server.url)).every(({ status }) => status === "done"),
      30_000,
    );
    await pressAgain(server.url, changes);
    await check(server.url, (kill + 1) * lettersPerKill);
  }
  console.log(`${cutOff} of ${kills} kills found a run under way`);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  const { code, output } = await runVerb(["verify", "--data", data, "--replay"]);
  expect(output).toMatch(/replay: gives the live state/);
  expect(code, output).toBe(0);
}

/** Orders whose total is a text, of which each batch keeps all as dead letters. */
async function breakOrders(url: string, kill: number): Promise<void> {
  for (let from = 0; from < lettersPerKill; from += 500) {
    const batch = Array.from({ length: 500 }, (_, index) => ({
      ...{ type: "track", event: "Order Completed", messageId: `order-${kill}-${from + index}` },
      userId: `user-${(from + index) % users}`,
      properties: { order_id: `${kill}-${from + index}`, total: "1.25" },
    }));
    const { body } = await ask(`${url}/v1/batch`, { body: { batch }, headers: basic });
    expect(body.rejected).toHaveLength(500);
  }
  await settled(url);
}

async function jobsOf(url: string): Promise<{ readonly status: string }[]> {
  return (await ask(`${url}/v1/dead-letters/jobs`, { headers: secret })).body.jobs;
}

/** By the command line, as somebody would who is not sure that it went through. */
async function pressAgain(url: string, changes: string): Promise<void> {
  const args = ["dead-letters", "correct", "--file", changes, "--url", url, "--json"];
  const environment = { FRESHET_SECRET_KEY: secretKey };
  const { code, output } = await runVerb(args, { environment });
  expect(code, output).toBe(0);
  expect(JSON.parse(output)).toMatchObject({ status: "done", refused: {} });
}

async function check(url: string, letters: number): Promise<void> {
  const ledger = await settled(url);
  expect(missingIn(ledger)).toBe(0);
  expect(ledger).toMatchObject({ applied: letters, rejected: letters });
  const { body: summary } = await ask(`${url}/v1/dead-letters/summary`, { headers: secret });
  expect(summary).toMatchObject({ waiting: 0, sent: letters, total: letters });
  const metrics = await readMetrics(url);
  expect(metrics.get("freshet_events_corrected_total")).toBe(letters);
  for (let user = 0; user < users; user++) {
    const { body } = await readProfile(url, `user-${user}`);
    const orders = letters / users;
    expect(body.features, `user-${user}`).toMatchObject({ orders, spendCents: orders * 125 });
  }
}
