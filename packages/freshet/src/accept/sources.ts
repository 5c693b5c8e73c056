/** A way in that customers name: its write key, and whether that key is in the hands of browsers. */
export interface Source {
  readonly name: string;
  readonly writeKey: string;
  /** `browser`: anybody can read the key, so the address comes from the connection and is never believed. */
  readonly kind: "browser" | "server";
}

export interface Sources {
  readonly list: readonly Source[];
  /** A hash look-up, so the time that it takes does not tell how much of a guessed key was right. */
  readonly byKey: ReadonlyMap<string, Source>;
}

/** Throws when two sources share a key or a name: which one an event came from must be certain. */
export function sourcesOf(list: readonly Source[]): Sources {
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
  return { list, byKey };
}
