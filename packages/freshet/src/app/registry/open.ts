import { utf8 } from "../../adapters/codec/msgpack.ts";
import { httpRegistry } from "../../adapters/registry/http.ts";
import { openLmdbState } from "../../adapters/state/lmdb.ts";
import type { Clock } from "../../engine/port/clock.ts";
import type { SchemaRegistry } from "../../engine/port/schema-registry.ts";
import { EmbeddedRegistry } from "../../engine/registry/embedded.ts";
import { registryFolder } from "../folder.ts";
import { UsageError } from "../usage-error.ts";
import type { RegistryConfig } from "./config.ts";
import { createSchemaTypes } from "./types.ts";

export interface OpenRegistry {
  /** Where schemas come from. */
  readonly schemas: SchemaRegistry;
  /** Set where this server is the registry, for others too. */
  readonly embedded?: EmbeddedRegistry;
  close(): Promise<void>;
}

/** The registry of the configuration; without one, the one inside, in a store of its own in the data folder. */
export async function openRegistry(options: {
  readonly data: string;
  readonly config: RegistryConfig | undefined;
  readonly clock: Clock;
}): Promise<OpenRegistry> {
  const { data, config, clock } = options;
  if (config !== undefined) {
    const schemas = outside(config, clock);
    return { schemas, close: () => schemas.close() };
  }
  const store = await openLmdbState({ folder: registryFolder(data) });
  try {
    const embedded = new EmbeddedRegistry({ store, text: utf8, types: createSchemaTypes() });
    return {
      schemas: embedded,
      embedded,
      async close() {
        await embedded.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
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
