import type { Command } from "commander";
import { printPlan } from "../app/print-plan.ts";
import { printSources } from "../app/print-sources.ts";
import { printContracts } from "../app/registry/print-contracts.ts";
import { type PlaceOptions, peekPlan, readSettings } from "../app/settings.ts";

export function planVerb(program: Command): void {
  program
    .command("plan")
    .description(
      "check the plan and print it, what each source does, and where the contracts are registered",
    )
    .option("--config <file>", "configuration that names the plan")
    .option("--data <folder>", "data folder")
    .option("--json", "print the plan as data")
    .action(async (options: PlaceOptions & { readonly json?: boolean }) => {
      const settings = await readSettings(options);
      const { plan } = await peekPlan(settings);
      if (options.json) process.stdout.write(`${JSON.stringify(plan.definition, null, 2)}\n`);
      else {
        const contracts = await printContracts(plan, settings);
        process.stdout.write(`${printPlan(plan)}\n${printSources(settings)}${contracts}`);
      }
    });
}
