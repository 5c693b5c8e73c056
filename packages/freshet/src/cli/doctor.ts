import type { Command } from "commander";
import { diagnose } from "../app/doctor.ts";
import type { PlaceOptions } from "../app/settings.ts";

export function doctorVerb(program: Command): void {
  program
    .command("doctor")
    .description(
      "look at the machine, the configuration, the plan and the data folder, and say what is wrong",
    )
    .option("--config <file>", "configuration")
    .option("--data <folder>", "data folder")
    .option("--url <url>", "a running server to ask as well", "http://127.0.0.1:8080")
    .option("--json", "print findings as data")
    .action(async (options: PlaceOptions & { readonly url: string; readonly json?: boolean }) => {
      const findings = await diagnose(options);
      if (options.json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
      else
        for (const { level, what, advice } of findings)
          process.stdout.write(
            `${marks[level]} ${what}\n${advice === undefined ? "" : `    ${advice}\n`}`,
          );
      if (findings.some(({ level }) => level === "wrong")) process.exitCode = 1;
    });
}

const marks = { fine: "ok   ", note: "note ", wrong: "WRONG" } as const;
