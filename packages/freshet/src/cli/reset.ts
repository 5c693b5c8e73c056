import { existsSync, rmSync } from "node:fs";
import type { Command } from "commander";
import { isFolder } from "../app/folder.ts";
import { isInUse } from "../app/in-use.ts";
import { type PlaceOptions, readSettings } from "../app/settings.ts";
import { UsageError } from "../app/usage-error.ts";

export function resetVerb(program: Command): void {
  program
    .command("reset")
    .description("delete the data folder: all events, profiles, schemas and keys, and start over")
    .option("--config <file>", "configuration to take the data folder from")
    .option("--data <folder>", "data folder")
    .option("--yes", "do not ask")
    .action(async (options: PlaceOptions & { readonly yes?: boolean }) => {
      const { data } = await readSettings(options);
      if (!existsSync(data)) {
        process.stdout.write(`nothing to reset: "${data}" does not exist\n`);
        return;
      }
      if (!isFolder(data))
        throw new UsageError(
          `"${data}" is not a data folder of Freshet`,
          "name the right one with --data",
          1,
        );
      if (await isInUse(data))
        throw new UsageError(`"${data}" is in use by a running server`, "stop the server first", 1);
      if (options.yes !== true && !(await confirm(data))) {
        process.stdout.write("nothing was deleted\n");
        return;
      }
      rmSync(data, { recursive: true, force: true });
      process.stdout.write(`deleted "${data}"\n`);
    });
}

async function confirm(data: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new UsageError(
      "reset deletes everything and nobody is there to ask",
      "add --yes to mean it",
    );
  const { createInterface } = await import("node:readline/promises");
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await prompt.question(
    `Delete "${data}" with all events, profiles and schemas? (yes/no) `,
  );
  prompt.close();
  return answer.trim().toLowerCase() === "yes";
}
