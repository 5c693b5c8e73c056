import { isIP } from "node:net";
import type { Json, JsonObject } from "@freshet/protocol";
import { isObject } from "../field.ts";
import { BoundedCache } from "./cache.ts";
import { edgeLimits } from "./limits.ts";

/** One version of a database of places, such as a file in MaxMind's format. */
export interface GeoDatabase {
  /** When it was built, in seconds since 1970: its version. */
  readonly version: number;
  /** The database's own record of an address; null where it has none. Throws for what is no address. */
  lookUp(address: string): Json;
}

/** The place of an address with the database's version, or undefined where it is not known. */
export type Locate = (address: string) => JsonObject | undefined;

/** Looks up in the database that is in force at the moment; coordinates only where they are asked for. */
export function locator(
  database: () => GeoDatabase | undefined,
  options: { readonly coordinates: boolean },
): Locate {
  let known = new BoundedCache<string, JsonObject | null>(edgeLimits.addressesMax);
  let from: GeoDatabase | undefined;
  return (address) => {
    const current = database();
    if (current === undefined) return undefined;
    if (current !== from) {
      known = new BoundedCache(edgeLimits.addressesMax);
      from = current;
    }
    const remembered = known.get(address);
    if (remembered !== undefined) return remembered ?? undefined;
    const found = isIP(address) === 0 ? null : placeOf(current, address, options.coordinates);
    known.set(address, found);
    return found ?? undefined;
  };
}

function placeOf(database: GeoDatabase, address: string, coordinates: boolean): JsonObject | null {
  const record = database.lookUp(address);
  if (!isObject(record)) return null;
  const found: Record<string, Json> = {};
  const put = (name: string, ...candidates: (Json | undefined)[]) => {
    const value = candidates.find((candidate) => isText(candidate) || isNumber(candidate));
    if (value !== undefined) found[name] = value;
  };
  put("country", at(record, "country", "iso_code"), record.country_code, record.country);
  put("region", at(record, "subdivisions", "0", "iso_code"), record.state1, record.region);
  put("city", at(record, "city", "names", "en"), record.city);
  put("timezone", at(record, "location", "time_zone"), record.timezone);
  if (coordinates) {
    put("latitude", at(record, "location", "latitude"), record.latitude);
    put("longitude", at(record, "location", "longitude"), record.longitude);
  }
  return Object.keys(found).length === 0 ? null : { ...found, version: database.version };
}

/** MaxMind's files nest; the ones of ip-location-db are flat. */
function at(record: JsonObject, ...path: readonly string[]): Json | undefined {
  let value: Json | undefined = record;
  for (const step of path) {
    if (Array.isArray(value)) value = value[Number(step)] as Json | undefined;
    else if (isObject(value)) value = value[step];
    else return undefined;
  }
  return value;
}

function isText(value: Json | undefined): value is string {
  return typeof value === "string" && value !== "";
}

function isNumber(value: Json | undefined): value is number {
  return typeof value === "number";
}
