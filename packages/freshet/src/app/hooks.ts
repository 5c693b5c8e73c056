import { compileHooks, type Hooks, type Sources } from "../accept/index.ts";
import type { Settings } from "./config.ts";
import { UsageError } from "./usage-error.ts";

/** Before anything is opened, so that a wrong secret or map leaves nothing behind. */
export function createHooks({ hooks }: Pick<Settings, "hooks">, sources: Sources): Hooks {
  try {
    return compileHooks(hooks, sources);
  } catch (error) {
    throw new UsageError(
      error instanceof Error ? error.message : String(error),
      "docs/guides/capture-hooks.md describes what a hook is made of",
    );
  }
}
