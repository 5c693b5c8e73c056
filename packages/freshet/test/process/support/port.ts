import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below those that systems give to connections by themselves: Linux from 32,768 on, others from 49,152 on. */
const [portMin, portMax] = [20_000, 32_000];
const attemptsMax = 100;

/**
 * A port that nobody has, and that no connection takes while its listener is away: for servers that are started again
 * at the same address. By chance, as tests run side by side.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const port = randomInt(portMin, portMax);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${portMin} to ${portMax} is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer().once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
