import type { SchemaRequest } from "./command.ts";
import { incompatibilities, propertyOf, textOf } from "./compatibility.ts";
import { schemaNotFound, subjectNotFound, versionNotFound } from "./error.ts";
import { registryLimits } from "./limits.ts";
import type { VersionName } from "./name.ts";
import { candidateOf, findVersion, type Registered } from "./register.ts";
import type { SchemaContent } from "./schema.ts";
import {
  contentOf,
  isLive,
  liveVersionsOf,
  type Place,
  placesOf,
  type RegistryReader,
  type SubjectVersion,
  versionsOf,
} from "./state.ts";
import type { SchemaWork } from "./work.ts";

/** Which versions a question is about. */
export type Include = "live" | "all" | "deleted";

export interface Page {
  readonly offset: number;
  /** Absent or negative: as many as there may be. */
  readonly limit: number;
}

export function pageOf<T>(rows: readonly T[], { offset, limit }: Page, rowsMax: number): T[] {
  const count = limit < 0 ? rowsMax : Math.min(limit, rowsMax);
  return rows.slice(offset, offset + count);
}

function included(versions: readonly SubjectVersion[], include: Include): SubjectVersion[] {
  switch (include) {
    case "live":
      return versions.filter(({ isDeleted }) => !isDeleted);
    case "all":
      return [...versions];
    case "deleted":
      return versions.filter(({ isDeleted }) => isDeleted);
  }
}

/** Names in ascending order. A subject is deleted when all of its versions are. */
export function listSubjects(state: RegistryReader, prefix: string, include: Include): string[] {
  const isIncluded = (versions: readonly SubjectVersion[]) => {
    const isDeleted = versions.every((one) => one.isDeleted);
    return include === "all" || isDeleted === (include === "deleted");
  };
  const found = [...state.subjects].filter(
    ([name, versions]) => name.startsWith(prefix) && isIncluded(versions),
  );
  return found.map(([name]) => name).sort();
}

/** Numbers of a subject's versions; throws where none of that kind is there. */
export function listVersions(state: RegistryReader, subject: string, include: Include): number[] {
  const all = included(versionsOf(state, subject), include === "live" ? "live" : "all");
  if (all.length === 0) throw subjectNotFound(subject);
  return included(all, include).map(({ version }) => version);
}

export function findRegistered(
  state: RegistryReader,
  subject: string,
  name: VersionName,
  include: "live" | "all",
): Registered {
  const versions = included(versionsOf(state, subject), include);
  if (versions.length === 0) throw subjectNotFound(subject);
  const found = name === "latest" ? versions.at(-1) : versions.find((one) => one.version === name);
  if (found === undefined) throw versionNotFound(name === "latest" ? -1 : name);
  return registered(state, subject, found);
}

function registered(state: RegistryReader, subject: string, found: SubjectVersion): Registered {
  const { id, version } = found;
  return { subject, version, id, content: contentOf(state, id) };
}

/** The version of a subject that has this very schema. */
export async function lookUp(
  state: RegistryReader,
  work: SchemaWork,
  subject: string,
  asked: { readonly request: SchemaRequest; readonly include: "live" | "all" },
): Promise<Registered> {
  const versions = () => included(versionsOf(state, subject), asked.include);
  if (versions().length === 0) throw subjectNotFound(subject);
  const { content } = await candidateOf(state, work, subject, asked.request);
  // Not those from before the wait: one of them may have been deleted for good.
  const found = findVersion(state, content, versions());
  if (found === undefined) throw schemaNotFound();
  return registered(state, subject, found);
}

/** The newest version whose metadata has all these properties. */
export function latestWithMetadata(
  state: RegistryReader,
  subject: string,
  asked: { readonly properties: ReadonlyMap<string, string>; readonly include: "live" | "all" },
): Registered {
  const versions = included(versionsOf(state, subject), asked.include);
  if (versions.length === 0) throw subjectNotFound(subject);
  const found = versions.findLast(({ id }) =>
    [...asked.properties].every(
      ([name, value]) => propertyOf(contentOf(state, id), name) === value,
    ),
  );
  if (found === undefined) throw schemaNotFound();
  return registered(state, subject, found);
}

/** By id, deleted or not: what was written with it must stay readable. */
export function schemaOf(state: RegistryReader, id: number): SchemaContent {
  const content = state.schemas.get(id);
  if (content === undefined) throw schemaNotFound(id);
  return content;
}

export function listPlaces(state: RegistryReader, id: number, include: "live" | "all"): Place[] {
  schemaOf(state, id);
  const places = placesOf(state, id).filter((place) => include === "all" || isLive(state, place));
  return places.sort((a, b) => compare(a.subject, b.subject) || a.version - b.version);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export interface SchemaFilter {
  readonly prefix: string;
  readonly include: "live" | "all";
  readonly isLatestOnly: boolean;
  readonly page: Page;
}

export function listSchemas(state: RegistryReader, filter: SchemaFilter): Registered[] {
  const { prefix, include, isLatestOnly, page } = filter;
  const rows = listSubjects(state, prefix, include).flatMap((subject) => {
    const versions = included(versionsOf(state, subject), include);
    return (isLatestOnly ? versions.slice(-1) : versions).map((one) => ({ subject, one }));
  });
  return pageOf(rows, page, registryLimits.listedSchemasMax).map(({ subject, one }) =>
    registered(state, subject, one),
  );
}

/**
 * Whether a schema could follow a version, or all that the level in force looks at; the reasons why not. A subject
 * that is not there yet takes everything; a version that is not there is an error.
 */
export async function testCompatibility(
  state: RegistryReader,
  work: SchemaWork,
  subject: string,
  asked: { readonly request: SchemaRequest; readonly version?: VersionName },
): Promise<string[]> {
  checkNamed(state, subject, asked.version);
  const candidate = await candidateOf(state, work, subject, asked.request);
  const compared = checkNamed(state, subject, asked.version);
  return incompatibilities(state, work, subject, candidate, compared);
}

/** The versions that a test names. */
function checkNamed(
  state: RegistryReader,
  subject: string,
  version: VersionName | undefined,
): SubjectVersion[] {
  const live = liveVersionsOf(state, subject);
  if (version === undefined) return live;
  if (version === "latest") return live.slice(-1);
  if (live.length === 0) throw subjectNotFound(subject);
  const named = live.filter((one) => one.version === version);
  if (named.length === 0) throw versionNotFound(version);
  return named;
}

/** The text in another form; as it is kept where its type has no such form. */
export async function formattedText(
  state: RegistryReader,
  work: SchemaWork,
  content: SchemaContent,
  format: string,
): Promise<string> {
  const formatted = await work.run({ kind: "format", text: textOf(state, content), format });
  return formatted ?? content.schema;
}

/** Ids of the schema that has the identifier that `guidOf` gives, ascending; several only after an import. */
export function idsByGuid(state: RegistryReader, guid: string): number[] {
  const ids = [...(state.idsByHash.get(guid.toLowerCase().replaceAll("-", "")) ?? [])];
  if (ids.length === 0) throw schemaNotFound(guid.slice(0, 60));
  return ids.sort((a, b) => a - b);
}
