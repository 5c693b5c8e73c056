import { contentHash, isSameContent, type SchemaContent } from "./schema.ts";
import type { Mode, SubjectConfig } from "./settings.ts";

/** One version of a subject. What is deleted softly keeps its number, and can be read when asked for. */
export interface SubjectVersion {
  readonly version: number;
  readonly id: number;
  readonly isDeleted: boolean;
}

/** A place that uses an id. */
export interface Place {
  readonly subject: string;
  readonly version: number;
}

/**
 * All that the registry knows. Changed by `apply` alone; readers must not.
 *
 * - G1 an id never stands for another content than the one it was given to, and is not given again.
 * - G2 every version's id is in `schemas`, and every schema is the id of at least one version.
 * - G3 versions of a subject ascend; a subject without versions is not there.
 * - G4 the indexes (`idsByHash`, `places`, `referrers`, `schemaChars`) say what the rest says.
 */
export interface RegistryState {
  nextId: number;
  readonly schemas: Map<number, SchemaContent>;
  readonly subjects: Map<string, readonly SubjectVersion[]>;
  /** By subject; `globalScope` for all. */
  readonly configs: Map<string, SubjectConfig>;
  readonly modes: Map<string, Mode>;
  readonly idsByHash: Map<string, Set<number>>;
  /** By id, then by `placeKey`. */
  readonly places: Map<number, Map<string, Place>>;
  /** By `placeKey`: ids of the schemas that refer to that version, deleted ones among them. */
  readonly referrers: Map<string, Set<number>>;
  /** Length of all schemas, as limits count it. */
  schemaChars: number;
}

/** No subject has the empty name. */
export const globalScope = "";

export function emptyRegistry(): RegistryState {
  return {
    nextId: 1,
    schemas: new Map(),
    subjects: new Map(),
    configs: new Map(),
    modes: new Map(),
    idsByHash: new Map(),
    places: new Map(),
    referrers: new Map(),
    schemaChars: 0,
  };
}

export type RegistryReader = Readonly<
  Omit<RegistryState, "schemas" | "subjects" | "configs" | "modes">
> & {
  readonly schemas: ReadonlyMap<number, SchemaContent>;
  readonly subjects: ReadonlyMap<string, readonly SubjectVersion[]>;
  readonly configs: ReadonlyMap<string, SubjectConfig>;
  readonly modes: ReadonlyMap<string, Mode>;
};

export function versionsOf(state: RegistryReader, subject: string): readonly SubjectVersion[] {
  return state.subjects.get(subject) ?? [];
}

export function liveVersionsOf(state: RegistryReader, subject: string): SubjectVersion[] {
  return versionsOf(state, subject).filter(({ isDeleted }) => !isDeleted);
}

export function contentOf(state: RegistryReader, id: number): SchemaContent {
  const content = state.schemas.get(id);
  if (content === undefined) throw new Error(`schema ${id} is used, but not there`);
  return content;
}

/** The ids that a content has, ascending; several only after an import. */
export function idsOf(state: RegistryReader, content: SchemaContent): number[] {
  const ids = [...(state.idsByHash.get(contentHash(content)) ?? [])];
  return ascending(ids.filter((id) => isSameContent(contentOf(state, id), content)));
}

export const placeKey = ({ subject, version }: Place): string => `${version}/${subject}`;

/** Ids of schemas that refer to a version, ascending: those in use, or also those that are deleted softly. */
export function referrersOf(
  state: RegistryReader,
  place: Place,
  include: "live" | "all" = "live",
): number[] {
  const ids = [...(state.referrers.get(placeKey(place)) ?? [])];
  const isCounted = (id: number) => placesOf(state, id).some((used) => isLive(state, used));
  return ascending(include === "all" ? ids : ids.filter(isCounted));
}

/** Where an id is used, in no order that means anything. */
export function placesOf(state: RegistryReader, id: number): Place[] {
  return [...(state.places.get(id)?.values() ?? [])];
}

export function isLive(state: RegistryReader, { subject, version }: Place): boolean {
  return versionsOf(state, subject).some((one) => one.version === version && !one.isDeleted);
}

function ascending(ids: number[]): number[] {
  return ids.sort((a, b) => a - b);
}
