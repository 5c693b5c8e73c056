import { UsageError } from "../app/usage-error.ts";

interface Described {
  readonly message: string;
  readonly hint?: string;
  readonly code?: string;
}

/** Prints what went wrong and what to do; returns the exit code. Only unexpected errors show a stack. */
export function reportFailure(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n  hint: ${error.hint}\n`);
    return error.exitCode;
  }
  const known = error as Partial<Described>;
  if (typeof known?.hint === "string") {
    process.stderr.write(`${known.message}\n  hint: ${known.hint}\n`);
    return 1;
  }
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
}
