import { resolve } from "node:path";
import type { Command } from "commander";
import { type PlaceOptions, readSettings } from "../app/settings.ts";
import { verifyFolder } from "../app/verify.ts";

export function verifyVerb(program: Command): void {
  program
    .command("verify")
    .description(
      "check a data folder from end to end: log, checkpoint, plans, every state, the ledger; writes nothing",
    )
    .option("--config <file>", "configuration")
    .option("--data <folder>", "data folder")
    .option("--replay", "reduce the log again as well, and compare every profile")
    .option("--json", "print findings as data")
    .action(
      async (options: PlaceOptions & { readonly replay?: boolean; readonly json?: boolean }) => {
        const data =
          options.data === undefined ? (await readSettings(options)).data : resolve(options.data);
        const { isTTY } = process.stderr;
        const findings = await verifyFolder({
          data,
          replay: options.replay === true,
          ...(isTTY ? { onProgress: (text) => process.stderr.write(`\r${text}\u001b[K`) } : {}),
        });
        if (isTTY) process.stderr.write("\r\u001b[K");
        if (options.json === true) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
        else
          for (const { level, what, advice } of findings)
            process.stdout.write(
              `${marks[level]} ${what}\n${advice === undefined ? "" : `      ${advice}\n`}`,
            );
        if (findings.some(({ level }) => level === "wrong")) process.exitCode = 1;
      },
    );
}

const marks = { fine: "ok   ", note: "note ", wrong: "WRONG" } as const;
