import { parseArgs } from "node:util";
import { simulate } from "../../src/testing/simulation/simulate.ts";
import { ports } from "./ports.ts";

const usage = `simulation of the engine by seed

  node packages/freshet/test/simulation/main.ts [--seeds 200] [--from 1] [--round-trip] [--verbose]

  --seeds <n>     how many seeds to run (200)
  --from <seed>   the first of them (1)
  --round-trip    encode and decode each state after each step
  --verbose       say what happened in each seed
`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
    "round-trip": { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const [seeds, from] = [Number(values.seeds), Number(values.from)];
if (values.help || !Number.isSafeInteger(seeds) || !Number.isSafeInteger(from)) {
  process.stdout.write(usage);
  process.exit(values.help ? 0 : 2);
}

const began = performance.now();
let failed = 0;
const totals: { [what: string]: number } = {};
for (let seed = from; seed < from + seeds; seed++) {
  const startedAt = performance.now();
  const report = await simulate(seed, { ports, roundTripStates: values["round-trip"] });
  for (const [what, count] of Object.entries(report.counts))
    totals[what] = (totals[what] ?? 0) + count;
  if (values.verbose)
    console.log(
      seed,
      report.digest,
      `${Math.round(performance.now() - startedAt)} ms`,
      report.counts,
    );
  if (report.faults.length === 0) continue;
  failed++;
  const flags = values["round-trip"] ? " --round-trip" : "";
  console.log(`seed ${seed} broke ${report.faults.length} promises:`);
  for (const fault of report.faults.slice(0, 5)) console.log(`  ${fault}`);
  console.log(
    `  replay with: node packages/freshet/test/simulation/main.ts --from ${seed} --seeds 1${flags}`,
  );
}
const ms = performance.now() - began;
console.log(`${seeds} seeds, ${failed} failed, ${Math.round(ms / seeds)} ms each`, totals);
process.exitCode = failed === 0 ? 0 : 1;
