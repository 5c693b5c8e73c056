import { existsSync } from "node:fs";
import { systemClock } from "../../adapters/clock/system.ts";
import { httpRegistry } from "../../adapters/registry/http.ts";
import { RegistryError } from "../../core/registry/index.ts";
import type { Settings } from "../config.ts";
import type { Finding } from "../doctor.ts";
import { registryFolder } from "../folder.ts";
import type { RegistryConfig } from "./config.ts";
import { openRegistryReader } from "./open.ts";

/** Which registry is used, and whether it answers. */
export async function registryFinding({ data, registry }: Settings): Promise<Finding> {
  return registry === undefined ? insideFinding(data) : outsideFinding(registry);
}

async function insideFinding(data: string): Promise<Finding> {
  const folder = registryFolder(data);
  if (!existsSync(folder))
    return { level: "fine", what: "schema registry: the one inside, still to be made" };
  try {
    const store = openRegistryReader(data);
    const rows = store.count("registry");
    await store.close();
    return { level: "fine", what: `schema registry: the one inside, with ${rows} rows` };
  } catch (error) {
    return {
      level: "wrong",
      what: `schema registry: "${folder}" cannot be read: ${(error as Error).message}`,
      advice: "restore it from a backup; freshet verify says more",
    };
  }
}

/** No subject of anybody's: a registry that does not know it has understood the question, and taken the password. */
const askedSubject = "freshet-doctor";

async function outsideFinding(config: RegistryConfig): Promise<Finding> {
  const what = `schema registry: ${config.url}`;
  try {
    const clock = systemClock();
    const limits = { attemptsMax: 1, callMsMax: 5000 };
    const client = httpRegistry({ ...config, clock, random: Math.random, limits });
    try {
      await client.latest(askedSubject);
    } finally {
      await client.close();
    }
  } catch (error) {
    if (!(error instanceof RegistryError)) {
      const { message, hint } = error as Error & { readonly hint?: string };
      return {
        level: "wrong",
        what: `${what}: ${message}`,
        ...(hint === undefined ? {} : { advice: hint }),
      };
    }
  }
  return { level: "fine", what: `${what}, which answers` };
}
