/**
 * A network that drops, delays, doubles and cuts, by chance, and a server that is killed and started again: what a
 * client holds for delivered counts exactly once. `FRESHET_SEEDS` and `FRESHET_KILLS` say how much of it there is. A
 * seed gives the same weather; which request meets which of it depends on the clients.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { randomOf, seedOfRun } from "../../../src/testing/index.ts";
import type { Random } from "../../../src/testing/random.ts";
import type { Fault } from "../support/bad-network.ts";
import { type Account, type Call, type Client, clientKinds } from "../support/client.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { openClient, openStage, type Stage } from "../support/stage.ts";

/** Shorter than a late answer, so that clients send again what was kept. */
const timeoutMs = 1000;
const kinds = clientKinds.filter(({ name }) => /analytics-node|python|Freshet/.test(name));

/** One seed where it is to be replayed; else one for every fifty of `FRESHET_SEEDS`, since each takes seconds. */
const seeds: readonly number[] =
  process.env.FRESHET_SEED === undefined
    ? Array.from(
        { length: Math.max(1, Math.floor(Number(process.env.FRESHET_SEEDS ?? 100) / 50)) },
        seedOfRun,
      )
    : [seedOfRun()];
const kills = Number(process.env.FRESHET_KILLS ?? 4);

const faults: readonly ((random: Random) => Fault)[] = [
  () => ({ kind: "cutRequest" }),
  () => ({ kind: "cutBody" }),
  () => ({ kind: "cutAnswer" }),
  () => ({ kind: "double" }),
  (random) => ({ kind: "delay", ms: random.below(300) }),
  () => ({ kind: "lateAnswer", ms: timeoutMs + 500 }),
  () => ({ kind: "refuse", code: "logUnavailable" }),
];

function calls(random: Random, most: number): readonly Call[] {
  return Array.from({ length: 1 + random.below(most) }, () => ({
    type: "track",
    event: "Product Viewed",
    userId: `u${random.below(20)}`,
    properties: { product_id: "cer-01" },
  }));
}

/** Says how to see a failure again. */
async function seeded(seed: number, run: (random: Random) => Promise<void>): Promise<void> {
  try {
    await run(randomOf(seed));
  } catch (error) {
    const test = "packages/freshet/test/real/conformance/bad-network.test.ts";
    const command = `FRESHET_SEED=${seed} npx vitest run --config vitest.real.config.ts ${test}`;
    throw new Error(
      `${error instanceof Error ? error.message : error}\n\nreplay with: ${command}`,
      {
        cause: error,
      },
    );
  }
}

async function onStage(run: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = await openStage();
  try {
    await run(stage);
  } finally {
    await stage.close();
  }
}

describe.each(kinds)("$name in a bad network", (kind) => {
  it.each(seeds)("counts exactly once what it holds for delivered (seed %i)", (seed) =>
    seeded(seed, (random) =>
      onStage(async (stage) => {
        const weather = random.fork();
        stage.network.plan(() =>
          stage.network.seen.length === 0 || weather.chance(0.5)
            ? weather.pick(faults)(weather)
            : { kind: "none" },
        );
        const client = openClient(kind, stage, timeoutMs);
        for (let burst = 0; burst < 25; burst++) {
          client.send(calls(random, 12));
          await sleep(random.below(200));
        }
        const account = await client.settle();
        await client.close();
        const { applied, delivered } = await expectExactlyOnce(stage, [account]);
        expect(applied).toBeGreaterThanOrEqual(delivered);
        expect(delivered).toBeGreaterThan(0);
        expect(stage.network.seen.some(({ fault }) => fault !== "none")).toBe(true);
      }),
    ),
  );
});

describe("a server that is killed under load", () => {
  it.each(seeds.slice(0, 1))(`loses and doubles nothing, ${kills} times (seed %i)`, (seed) =>
    seeded(seed, (random) =>
      onStage(async (stage) => {
        const clients = kinds.map((kind) => openClient(kind, stage));
        let isLoading = true;
        const loads = clients.map((client) => load(client, random.fork(), () => isLoading));
        for (let round = 0; round < kills; round++) {
          if (round === 0 || random.chance(0.5)) await afterWrite(stage);
          else await sleep(200 + random.below(600));
          await stage.kill();
          await sleep(random.below(400));
          await stage.start();
          stage.network.plan(() => ({ kind: "none" }));
        }
        isLoading = false;
        await Promise.all(loads);
        const accounts: Account[] = [];
        for (const client of clients) accounts.push(await client.settle());
        for (const client of clients) await client.close();
        const { delivered, duplicate } = await expectExactlyOnce(stage, accounts);
        expect(delivered).toBeGreaterThan(kills);
        expect(duplicate).toBeGreaterThan(0);
      }),
    ),
  );
});

async function load(client: Client, random: Random, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    client.send(calls(random, 8));
    await sleep(20 + random.below(80));
  }
}

/** Resolves when the server has acknowledged what it wrote and nobody was told: the worst moment to die. */
function afterWrite(stage: Stage): Promise<void> {
  return new Promise((resolve) => stage.network.plan(() => ({ kind: "cutAnswer", lost: resolve })));
}
