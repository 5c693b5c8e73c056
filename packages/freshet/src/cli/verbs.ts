import type { Command } from "commander";
import { doctorVerb } from "./doctor.ts";
import { planVerb } from "./plan.ts";
import { resetVerb } from "./reset.ts";
import { startVerb } from "./start.ts";

/** Every verb, in the order in which help lists them. */
export function registerVerbs(program: Command): void {
  for (const register of [startVerb, planVerb, doctorVerb, resetVerb]) register(program);
}
