import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Json, readJson } from "@freshet/protocol";
import {
  agentReader,
  createEdge,
  type EdgePolicy,
  type EdgeServices,
  edgeLimits,
  type GeoDatabase,
  keyedHash,
  locator,
  type ReadAgent,
  type Source,
  type Sources,
  sourcesOf,
} from "../accept/index.ts";
import type { Settings } from "./config.ts";
import { policyOf, type SourceConfig } from "./source-config.ts";
import { UsageError } from "./usage-error.ts";

type EdgeSettings = Pick<Settings, "sources" | "defaults" | "geo" | "hashKey" | "folder">;

/** All sources with what is done at their edge. Throws a UsageError for settings that cannot be used. */
export function createSources(
  settings: EdgeSettings,
  writeKey: string,
  geo: (() => GeoDatabase) | undefined,
): Sources {
  const services = servicesOf(settings, geo);
  const own: SourceConfig = { name: "default", writeKey, kind: "browser" };
  const list = [own, ...settings.sources].map((config): Source => {
    const { name, kind } = config;
    const edge = edgeFor(policyOf(policyIn(config), settings.defaults), name, services);
    return { name, writeKey: config.writeKey, kind, ...(edge === undefined ? {} : { edge }) };
  });
  // Ways in without a key have no pages, and who uses them has proved who they are.
  const {
    allowedOrigins: _origins,
    rateLimit: _rate,
    identity: _identity,
    ...rest
  } = settings.defaults;
  try {
    return sourcesOf(list, edgeFor(rest, "of no key", services));
  } catch (cause) {
    throw new UsageError((cause as Error).message, "give each source a name and a key of its own");
  }
}

/** Settings of a source that are not about which source it is. */
export function policyIn(config: SourceConfig): EdgePolicy {
  const { name: _name, writeKey: _key, kind: _kind, ...policy } = config;
  return policy;
}

function edgeFor(policy: EdgePolicy, source: string, services: Omit<EdgeServices, "source">) {
  try {
    return createEdge(policy, { ...services, source });
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(
      `source "${source}" cannot be used: ${(cause as Error).message}`,
      "see docs/guides/identity-tokens.md for the keys that it takes",
    );
  }
}

function servicesOf(
  settings: EdgeSettings,
  geo: (() => GeoDatabase) | undefined,
): Omit<EdgeServices, "source"> {
  const coordinates = settings.geo?.coordinates ?? false;
  return {
    agents: sharedReaders(),
    locate: geo && locator(geo, { coordinates }),
    hash: () => hashOf(settings.hashKey),
    readKeySet: (path) => readKeySet(resolve(settings.folder, path)),
  };
}

/** Sources with the same patterns read user agents with one memory. */
function sharedReaders(): EdgeServices["agents"] {
  const readers = new Map<string, ReadAgent>();
  return (patterns) => {
    const key = patterns.map((pattern) => `${typeof pattern} ${pattern}`).join("\n");
    const reader = readers.get(key) ?? agentReader(patterns);
    readers.set(key, reader);
    return reader;
  };
}

function hashOf(key: string | undefined) {
  if (key === undefined)
    throw new UsageError(
      "a rule of privacy hashes, but there is no key to hash with",
      "set FRESHET_HASH_KEY, or hashKey in the configuration, and keep it: another key is other hashes",
    );
  if (key.length < edgeLimits.hashKeyCharsMin)
    throw new UsageError(
      `the hash key has ${key.length} characters`,
      `use at least ${edgeLimits.hashKeyCharsMin}, made at random: openssl rand -base64 32`,
    );
  return keyedHash(key);
}

function readKeySet(path: string): Json {
  try {
    return readJson(readFileSync(path, "utf8")) as Json;
  } catch (cause) {
    throw new UsageError(
      `the key set "${path}" cannot be read: ${(cause as Error).message}`,
      "name a JSON Web Key Set, relative to the configuration",
      1,
    );
  }
}
