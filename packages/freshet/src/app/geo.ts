import { readFileSync } from "node:fs";
import type { Json } from "@freshet/protocol";
import { Reader, type Response } from "maxmind";
import type { GeoDatabase } from "../accept/index.ts";
import { UsageError } from "./usage-error.ts";
import { watchFiles } from "./watch.ts";

/** The database of places in force; another one once its file is replaced. */
export interface GeoFile {
  current(): GeoDatabase;
  /** Reads it again whenever it is replaced, until what it returns is called. A broken file leaves the one in force. */
  watch(onReload: (error: Error | null) => void): () => void;
}

/** Throws a UsageError where the file is missing or broken: places that are silently absent are found weeks later. */
export function openGeoFile(file: string): GeoFile {
  let database = readGeo(file);
  const reload = (onReload: (error: Error | null) => void) => async () => {
    try {
      database = readGeo(file);
      onReload(null);
    } catch (error) {
      onReload(error as Error);
    }
  };
  return {
    current: () => database,
    watch: (onReload) => watchFiles({ files: [file], tables: [], folder: "" }, reload(onReload)),
  };
}

export function readGeo(file: string): GeoDatabase {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new UsageError(
      `the database of places "${file}" cannot be read: ${(cause as Error).message}`,
      "name a file in MaxMind's format, relative to the configuration",
      1,
    );
  }
  try {
    const reader = new Reader<Response>(bytes);
    // The reader looks at nothing but the end of the file: a cut one is found by asking.
    for (const address of ["1.1.1.1", "255.255.255.254"]) reader.get(address);
    const version = Math.floor(reader.metadata.buildEpoch.getTime() / 1000);
    return { version, lookUp: (address) => lookUp(reader, address) };
  } catch (cause) {
    throw new UsageError(
      `"${file}" is no database of places: ${(cause as Error).message}`,
      "use a file in MaxMind's format (.mmdb), whole",
      1,
    );
  }
}

/** An IPv6 address has no place in a database of IPv4 ones, which the reader calls an error. */
function lookUp(reader: Reader<Response>, address: string): Json {
  if (address.includes(":") && reader.metadata.ipVersion === 4) return null;
  return reader.get(address.split("%", 1).join("")) as Json;
}
