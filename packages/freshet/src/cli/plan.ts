import type { Command } from "commander";
import { printPlan } from "../app/print-plan.ts";
import { type PlaceOptions, peekPlan, readSettings } from "../app/settings.ts";

export function planVerb(program: Command): void {
  program
    .command("plan")
    .description("check the plan and print it")
    .option("--config <file>", "configuration that names the plan")
    .option("--data <folder>", "data folder")
    .option("--json", "print the plan as data")
    .action(async (options: PlaceOptions & { readonly json?: boolean }) => {
      const { plan } = await peekPlan(await readSettings(options));
      process.stdout.write(
        options.json ? `${JSON.stringify(plan.definition, null, 2)}\n` : printPlan(plan),
      );
    });
}
