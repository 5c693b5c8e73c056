import { existsSync } from "node:fs";
import { utf8 } from "../../adapters/codec/msgpack.ts";
import {
  apply,
  emptyRegistry,
  type RegistryReader,
  type RegistryState,
  registryFaults,
  textOf,
  workHere,
} from "../../core/registry/index.ts";
import type { StateStore } from "../../engine/port/state-store.ts";
import { changeOf } from "../../engine/registry/row.ts";
import type { Finding } from "../doctor.ts";
import { registryFolder } from "../folder.ts";
import { openRegistryReader } from "./open.ts";
import { createSchemaTypes } from "./types.ts";

/** Checks the store of the registry inside, and writes nothing. A server may have it open. */
export async function verifyRegistry(data: string): Promise<Finding[]> {
  if (!existsSync(registryFolder(data)))
    return [{ level: "note", what: "registry: none in this folder" }];
  let store: StateStore;
  try {
    store = openRegistryReader(data);
  } catch (error) {
    return [wrong(`its store cannot be opened: ${messageOf(error)}`)];
  }
  try {
    return await check(store);
  } finally {
    await store.close();
  }
}

async function check(store: StateStore): Promise<Finding[]> {
  const { state, unreadable } = readRows(store);
  // Without a row others look wrong that are not: first things first.
  if (unreadable.length > 0) return summary(unreadable);
  const faults = registryFaults(state);
  if (faults.length > 0) return summary(faults);
  const unsound = await schemaFaults(state);
  if (unsound.length > 0) return summary(unsound);
  const versions = [...state.subjects.values()].flat();
  const hidden = versions.filter(({ isDeleted }) => isDeleted).length;
  const counts = `${state.subjects.size} subjects, ${versions.length} versions (${hidden} deleted softly), ${state.schemas.size} schemas`;
  return [
    {
      level: "fine",
      what: `registry: ${counts}, each is understood and all it refers to is there`,
    },
  ];
}

/** In one turn: a server that runs cannot write between two rows. */
function readRows(store: StateStore): {
  readonly state: RegistryState;
  readonly unreadable: readonly string[];
} {
  const state = emptyRegistry();
  const unreadable: string[] = [];
  for (const [key, value] of store.scan("registry", {})) {
    try {
      apply(state, [changeOf(key, utf8.decode(value))]);
    } catch (error) {
      unreadable.push(messageOf(error));
    }
  }
  return { state, unreadable };
}

/** Every schema is understood with all it refers to, and written as it would be kept: else nobody would find it again. */
async function schemaFaults(state: RegistryReader): Promise<string[]> {
  const work = workHere(createSchemaTypes());
  const faults: string[] = [];
  for (const [id, content] of state.schemas) {
    try {
      const text = textOf(state, content);
      const written = await work.run({ kind: "write", text, isNormal: false });
      if (written !== content.schema)
        faults.push(`schema ${id} is not written as it would be kept`);
    } catch (error) {
      faults.push(`schema ${id} is not understood: ${messageOf(error)}`);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return faults;
}

/** The first few; what is broken once is often broken often. */
function summary(faults: readonly string[]): Finding[] {
  const shown = faults.slice(0, shownMax).map(wrong);
  const more = faults.length - shown.length;
  return more > 0 ? [...shown, wrong(`${more} more of the same kind`)] : shown;
}

const shownMax = 5;

function wrong(what: string): Finding {
  return {
    level: "wrong",
    what: `registry: ${what}`,
    advice: "restore the folder `registry` from a backup; events do not depend on it",
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
