import { FreshetError } from "@freshet/protocol";
import {
  contractName,
  type EventVersion,
  type PlanContract,
  planContracts,
  versionsOf,
} from "../core/plan/contract.ts";
import type { EventDefinition, PlanDefinition } from "../core/plan/definition.ts";
import { type Difference, parseSchema, schemaDifferences } from "../schema/index.ts";

/**
 * What a change of plan does to contracts, one line each: whether what was sent under the old ones meets the new ones.
 * Old events are up-cast, so that a version that stays listed breaks nothing.
 */
export function contractChanges(before: PlanDefinition, after: PlanDefinition): string[] {
  const old = new Map(before.events.map((event) => [event.name, event]));
  return after.events.flatMap((event) => {
    const was = old.get(event.name);
    return was === undefined || sameContract(was, event) ? [] : [changeOf(was, event)];
  });
}

function sameContract(one: EventDefinition, other: EventDefinition): boolean {
  return JSON.stringify(versionsOf(one)) === JSON.stringify(versionsOf(other));
}

function changeOf(was: EventDefinition, is: EventDefinition): string {
  const [from, to] = [newestOf(was), newestOf(is)];
  const name = contractName(is.name, to.version);
  const lost = versionsOf(was)
    .map(({ version }) => version)
    .filter((version) => !versionsOf(is).some((one) => one.version === version));
  const gone =
    lost.length === 0
      ? ""
      : `; version ${lost.join(", ")} is not listed any more: its events are applied as they are`;
  if (from.version !== to.version) {
    const stays = lost.includes(from.version) ? "" : `, and ${from.version} is up-cast`;
    return `contract ${name}: a new version${stays}${gone}`;
  }
  return `contract ${name}: ${comparison(contractOf(was), contractOf(is))}${gone}`;
}

function newestOf(event: EventDefinition): EventVersion {
  const newest = versionsOf(event).at(-1);
  if (newest === undefined) throw new Error("an event has at least one version");
  return newest;
}

function contractOf(event: EventDefinition): PlanContract {
  const newest = planContracts({ events: [event] }).at(-1);
  if (newest === undefined) throw new Error("an event has at least one contract");
  return newest;
}

function comparison(was: PlanContract, is: PlanContract): string {
  if (was.text === is.text && was.message === is.message) return "its earlier versions changed";
  if (was.language !== is.language)
    return `declared in ${is.language} instead of ${was.language}; give it a new version`;
  const [first, ...others] = differencesOf(was, is);
  if (first === undefined) return "backward compatible with what it was";
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return `NOT backward compatible: ${first.reason}, at ${first.path}${more}; give it a new version`;
}

/** A plan of another program's version may hold what this one refuses: then there is nothing to compare. */
function differencesOf(was: PlanContract, is: PlanContract): readonly Difference[] {
  try {
    return schemaDifferences(
      parseSchema(is.language, is.text),
      parseSchema(was.language, was.text),
    );
  } catch (error) {
    if (!(error instanceof FreshetError)) throw error;
    return [{ kind: "SCHEMA_INVALID", path: "/", reason: error.message, info: "" }];
  }
}
