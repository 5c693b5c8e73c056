import type { Command } from "commander";
import { deadLettersVerb } from "./dead-letters.ts";
import { doctorVerb } from "./doctor.ts";
import { importVerb } from "./import.ts";
import { inferVerb } from "./infer.ts";
import { planVerb } from "./plan.ts";
import { replayVerb } from "./replay.ts";
import { resetVerb } from "./reset.ts";
import { startVerb } from "./start.ts";
import { typesVerb } from "./types.ts";
import { verifyVerb } from "./verify.ts";

/** Every verb, in the order in which help lists them. */
export function registerVerbs(program: Command): void {
  for (const register of [
    startVerb,
    planVerb,
    typesVerb,
    importVerb,
    inferVerb,
    verifyVerb,
    replayVerb,
    deadLettersVerb,
    doctorVerb,
    resetVerb,
  ])
    register(program);
}
