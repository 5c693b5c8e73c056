import { expect, it } from "vitest";
import { simulate } from "../../src/testing/simulation/simulate.ts";
import { ports } from "./ports.ts";
import { sabotages } from "./sabotage.ts";

/** CI runs 200, anybody any number: `npm run simulate -- --seeds 1000`. */
const seeds = Number(process.env["FRESHET_SEEDS"] ?? 25);
const from = Number(process.env["FRESHET_SEED"] ?? 1);
const replay = (seed: number) =>
  `node packages/freshet/test/simulation/main.ts --seeds 1 --from ${seed}`;

it(`keeps its promises in ${seeds} worlds in which everything goes wrong`, {
  timeout: 600_000,
}, async () => {
  for (let seed = from; seed < from + seeds; seed++) {
    const { faults } = await simulate(seed, { ports });
    expect(faults, `seed ${seed}; replay with: ${replay(seed)}`).toEqual([]);
  }
});

it("comes to the same when each state goes through the codec after each step", {
  timeout: 600_000,
}, async () => {
  for (let seed = from; seed < from + Math.ceil(seeds / 5); seed++) {
    const plain = await simulate(seed, { ports });
    const roundTripped = await simulate(seed, { ports, roundTripStates: true });
    const hint = `seed ${seed}; replay with: ${replay(seed)} --round-trip`;
    expect(roundTripped.faults, hint).toEqual([]);
    expect(roundTripped.digest, hint).toBe(plain.digest);
  }
});

it("gives the same run for the same seed", { timeout: 60_000 }, async () => {
  const [once, again] = [await simulate(from, { ports }), await simulate(from, { ports })];
  expect(again).toEqual(once);
});

for (const [what, { breaks, by }] of Object.entries(sabotages))
  it(`finds ${what}`, { timeout: 120_000 }, async () => {
    const found: string[] = [];
    for (let seed = 1; seed <= 12 && !found.some((fault) => breaks.test(fault)); seed++)
      found.push(...(await simulate(seed, { ports, sabotage: by })).faults);
    expect(
      found.some((fault) => breaks.test(fault)),
      `found only: ${found.slice(0, 3).join("\n")}`,
    ).toBe(true);
  });
