import { utf8 } from "../../adapters/codec/msgpack.ts";
import { httpRegistry } from "../../adapters/registry/http.ts";
import { openLmdbState, openLmdbStateReader } from "../../adapters/state/lmdb.ts";
import { checkLmdbFile } from "../../adapters/state/lmdb-file.ts";
import type { Clock } from "../../engine/port/clock.ts";
import { RegistryUnavailableError } from "../../engine/port/errors.ts";
import type { SchemaRegistry } from "../../engine/port/schema-registry.ts";
import type { StateStore } from "../../engine/port/state-store.ts";
import { EmbeddedRegistry } from "../../engine/registry/embedded.ts";
import { registryFolder } from "../folder.ts";
import { UsageError } from "../usage-error.ts";
import type { RegistryConfig } from "./config.ts";
import { SchemaThread, type SchemaThreadOptions } from "./thread.ts";

export interface OpenRegistry {
  /** Where schemas come from. */
  readonly schemas: SchemaRegistry;
  /** Set where this server is the registry, for others too. */
  readonly embedded?: EmbeddedRegistry;
  /** Set where it should be, but its store is not what a registry has written. */
  readonly fault?: string;
  close(): Promise<void>;
}

/**
 * The registry of the configuration; without one, the one inside, in a store of its own in the data folder. Events must
 * not wait for schemas: where the store is damaged, everything but the registry starts.
 */
export async function openRegistry(options: {
  readonly data: string;
  readonly config: RegistryConfig | undefined;
  readonly clock: Clock;
  readonly onJob?: SchemaThreadOptions["onJob"];
}): Promise<OpenRegistry> {
  const { data, config, clock, onJob } = options;
  if (config !== undefined) {
    const schemas = outside(config, clock);
    return { schemas, close: () => schemas.close() };
  }
  const folder = registryFolder(data);
  let store: StateStore | undefined;
  const work = new SchemaThread(onJob === undefined ? {} : { onJob });
  try {
    checkLmdbFile(folder);
    store = await openLmdbState({ folder });
    const embedded = new EmbeddedRegistry({ store, text: utf8, work, clock });
    return inside(embedded, store, work);
  } catch (error) {
    await store?.close();
    return damaged(folder, error);
  }
}

/** For tools, beside a server or alone. Throws where the store cannot be read. */
export function openRegistryReader(data: string): StateStore {
  const folder = registryFolder(data);
  checkLmdbFile(folder);
  return openLmdbStateReader({ folder });
}

function inside(embedded: EmbeddedRegistry, store: StateStore, work: SchemaThread): OpenRegistry {
  return {
    schemas: embedded,
    embedded,
    async close() {
      // First, as commands may wait for it.
      await work.close();
      await embedded.close();
      await store.close();
    },
  };
}

function damaged(folder: string, cause: unknown): OpenRegistry {
  const why = cause instanceof Error ? cause.message : String(cause);
  const fault = `the schema registry in "${folder}" cannot be used: ${why}`;
  const hint = "stop the server and restore the folder from a backup; freshet verify says more";
  const fail = () => Promise.reject(new RegistryUnavailableError({ message: fault, hint, cause }));
  const schemas: SchemaRegistry = {
    ...{ find: fail, latest: fail, version: fail, register: fail, references: fail },
    close: async () => {},
  };
  return { schemas, fault, close: async () => {} };
}

function outside(config: RegistryConfig, clock: Clock): SchemaRegistry {
  try {
    return httpRegistry({ ...config, clock, random: Math.random });
  } catch (error) {
    if (error instanceof TypeError)
      throw new UsageError(error.message, "write registry: { url, user, password }");
    throw error;
  }
}
