import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The seed of this run: `FRESHET_SEED` where it is set, otherwise a new one each time, so that tests keep
 * looking in new places. A 32-bit integer.
 */
export function seedOfRun(): number {
  const text = process.env.FRESHET_SEED;
  if (text === undefined || text === "") return Math.floor(Math.random() * 0x7fffffff);
  const seed = Number(text);
  if (Number.isSafeInteger(seed)) return seed | 0;
  throw new Error(`FRESHET_SEED is "${text}", expected an integer`);
}

/**
 * Runs a random test and adds to its failure the seed and the command that replays it.
 *
 * @param file `import.meta.url` of the test's file
 */
export function withSeed<Result>(file: string, run: (seed: number) => Result): Result {
  const seed = seedOfRun();
  try {
    const result = run(seed);
    if (!(result instanceof Promise)) return result;
    return result.catch((error: unknown) => {
      throw replayable(error, seed, file);
    }) as Result;
  } catch (error) {
    throw replayable(error, seed, file);
  }
}

/** One command that replays what a seed did. */
export function replayCommand(seed: number, file: string): string {
  const path = relative(process.cwd(), file.startsWith("file:") ? fileURLToPath(file) : file);
  return `FRESHET_SEED=${seed} npx vitest run ${path}`;
}

function replayable(error: unknown, seed: number, file: string): Error {
  const message = error instanceof Error ? error.message : String(error);
  return new Error(`${message}\n\nreplay with: ${replayCommand(seed, file)}`, { cause: error });
}
