import { existsSync } from "node:fs";
import { systemClock } from "../../adapters/clock/system.ts";
import { utf8 } from "../../adapters/codec/msgpack.ts";
import { httpRegistry } from "../../adapters/registry/http.ts";
import { contractName, type PlanContract, planContracts } from "../../core/plan/contract.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { RegistryError, workHere } from "../../core/registry/index.ts";
import type { SchemaLookUp } from "../../engine/port/schema-registry.ts";
import { EmbeddedRegistry } from "../../engine/registry/embedded.ts";
import type { Settings } from "../config.ts";
import { registryFolder } from "../folder.ts";
import { contractSubject } from "./contract-subject.ts";
import { openRegistryReader } from "./open.ts";
import { contractContent } from "./publish.ts";
import { createSchemaTypes } from "./types.ts";

type Looked = SchemaLookUp & { close(): Promise<void> };

/** Where each contract of the plan is in the registry: its subject, version and id. Nothing is registered by it. */
export async function printContracts(plan: Plan, settings: Settings): Promise<string> {
  const contracts = planContracts(plan.definition);
  if (settings.contracts.registry === "off" || contracts.length === 0) return "";
  const lines = await linesOf(contracts, settings).catch((error: unknown) => [
    `no answer: ${(error as Error).message}`,
  ]);
  return `\ncontracts in the registry (${contracts.length})\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

async function linesOf(contracts: readonly PlanContract[], settings: Settings): Promise<string[]> {
  const registry = open(settings);
  if (registry === null) return ["none yet: a start registers them"];
  try {
    const lines: string[] = [];
    for (const contract of contracts) {
      const subject = contractSubject(contract.event, settings.contracts.subjectPrefix);
      const where = await whereIs(registry, subject, contract);
      lines.push(
        `${contractName(contract.event, contract.version)}: ${contract.language}, ${where}`,
      );
    }
    return lines;
  } finally {
    await registry.close();
  }
}

async function whereIs(
  registry: SchemaLookUp,
  subject: string,
  contract: PlanContract,
): Promise<string> {
  try {
    const { version, id } = await registry.lookUp(subject, contractContent(contract));
    return `subject "${subject}" version ${version}, id ${id}`;
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return `not in subject "${subject}"`;
  }
}

/** Null where there is none yet. A server may have the one inside open. */
function open({ data, registry }: Settings): Looked | null {
  const clock = systemClock();
  if (registry !== undefined) {
    const limits = { attemptsMax: 1 };
    return httpRegistry({ ...registry, clock, random: Math.random, limits });
  }
  const folder = registryFolder(data);
  if (!existsSync(folder)) return null;
  const store = openRegistryReader(data);
  const work = workHere(createSchemaTypes());
  try {
    const embedded = new EmbeddedRegistry({ store, text: utf8, work, clock });
    return { lookUp: (...asked) => embedded.lookUp(...asked), close: () => store.close() };
  } catch (error) {
    void store.close();
    throw error;
  }
}
