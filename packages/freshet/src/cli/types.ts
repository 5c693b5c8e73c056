import { resolve } from "node:path";
import type { Command } from "commander";
import { type PlaceOptions, peekPlan, readSettings } from "../app/settings.ts";
import { typesOf } from "../app/types.ts";
import { UsageError } from "../app/usage-error.ts";
import { writeWhole } from "../app/write-whole.ts";

interface Options extends PlaceOptions {
  readonly out?: string;
  readonly name?: string;
}

export function typesVerb(program: Command): void {
  program
    .command("types")
    .description("write the plan's events and placements as TypeScript types for the SDKs")
    .option("--out <file>", "file to write; standard output unless said")
    .option("--name <name>", "name of the type; the plan's unless said")
    .option("--config <file>", "configuration that names the plan")
    .option("--data <folder>", "data folder")
    .action(async (options: Options) => {
      const { plan } = await peekPlan(await readSettings(options));
      const text = typesOf(plan.definition, nameOf(options.name));
      if (options.out === undefined) process.stdout.write(text);
      else writeWhole(resolve(options.out), text);
    });
}

function nameOf(name: string | undefined): string | undefined {
  if (name === undefined || /^[A-Za-z_$][\w$]*$/.test(name)) return name;
  throw new UsageError(`"${name}" is no name for a type`, "use letters, digits and underscores");
}
