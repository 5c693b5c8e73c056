import { ContractCounts } from "./contract/counts.ts";
import type { Edge } from "./edge/edge.ts";

/** A way in that customers name: its write key, and whether that key is in the hands of browsers. */
export interface Source {
  readonly name: string;
  readonly writeKey: string;
  /** `browser`: anybody can read the key, so the address comes from the connection and is never believed. */
  readonly kind: "browser" | "server";
  /** What is done with its events besides reading them; nothing where it is absent. */
  readonly edge?: Edge;
}

export interface Sources {
  readonly list: readonly Source[];
  /** A hash look-up, so the time that it takes does not tell how much of a guessed key was right. */
  readonly byKey: ReadonlyMap<string, Source>;
  /** For events of ways in without a write key: imports, hooks, the secret key, profile tokens. */
  readonly keyless?: Edge;
  /** How events of all of them met their contracts. */
  readonly contracts: ContractCounts;
}

/** Throws when two sources share a key or a name: which one an event came from must be certain. */
export function sourcesOf(list: readonly Source[], keyless?: Edge): Sources {
  const byKey = new Map<string, Source>();
  const names = new Set<string>();
  for (const source of list) {
    if (source.writeKey === "") throw new Error(`source "${source.name}" has an empty write key`);
    const other = byKey.get(source.writeKey);
    if (other !== undefined) {
      throw new Error(`sources "${other.name}" and "${source.name}" have the same write key`);
    }
    if (names.has(source.name)) throw new Error(`two sources are named "${source.name}"`);
    byKey.set(source.writeKey, source);
    names.add(source.name);
  }
  const contracts = new ContractCounts();
  return { list, byKey, contracts, ...(keyless === undefined ? {} : { keyless }) };
}

/** What is done with events of a source at the edge. */
export function edgeOf(source: Source, sources: Sources): Edge | undefined {
  return source.edge ?? (source.writeKey === "" ? sources.keyless : undefined);
}

/**
 * An identifier as profiles have it. One rule holds for all sources, or a person would be several profiles; so that a
 * read needs no source to find what was captured.
 */
export function storedIdentifier(
  field: "userId" | "anonymousId",
  value: string,
  { keyless }: Sources,
): string {
  return keyless?.privacy?.identifier(field, value) ?? value;
}
