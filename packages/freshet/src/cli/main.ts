#!/usr/bin/env -S node --max-semi-space-size=64 --concurrent-marking-max-worker-num=1 --heap-growing-percent=300 --no-allocation-site-pretenuring --max-inlined-bytecode-size=1000 --max-inlined-bytecode-size-cumulative=3000
import { Command, CommanderError } from "commander";
import { requireNode } from "./node-version.ts";

requireNode(process.versions.node);

const { registerVerbs } = await import("./verbs.ts");
const { reportFailure } = await import("./report.ts");

const program = new Command("freshet")
  .description(
    "A real-time data pipeline for personalization: actions in, live profiles and decisions out",
  )
  .version("0.1.0")
  .showHelpAfterError("(add --help to see what the verb takes)")
  .exitOverride();
registerVerbs(program);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  // Help and version end here too, with exit code 0; wrong usage is 2 in every verb.
  process.exitCode =
    error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : reportFailure(error);
}
