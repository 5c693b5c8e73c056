import type { RegistryChange } from "./change.ts";
import { RegistryError, subjectNotFound, versionNotFound } from "./error.ts";
import type { VersionName } from "./name.ts";
import { isReadOnly, modeInForce } from "./settings.ts";
import {
  liveVersionsOf,
  placesOf,
  type RegistryReader,
  referrersOf,
  type SubjectVersion,
  versionsOf,
} from "./state.ts";

/** All versions of a subject: softly first, for good when asked again. The answer is their numbers. */
export function decideDeleteSubject(
  state: RegistryReader,
  subject: string,
  isPermanent: boolean,
): { readonly changes: readonly RegistryChange[]; readonly answer: readonly number[] } {
  const all = versionsOf(state, subject);
  const live = liveVersionsOf(state, subject);
  if (all.length === 0) throw subjectNotFound(subject);
  if (!isPermanent && live.length === 0)
    throw new RegistryError(
      "subjectSoftDeleted",
      `Subject '${subject}' was soft deleted. Set permanent=true to delete permanently`,
    );
  checkWritable(state, subject);
  if (isPermanent && live.length > 0)
    throw new RegistryError(
      "subjectNotSoftDeleted",
      `Subject '${subject}' was not deleted first before being permanently deleted`,
    );
  const versions = isPermanent ? all : live;
  checkUnreferenced(state, subject, versions, isPermanent ? "all" : "live");
  const changes = isPermanent
    ? purge(state, subject, versions)
    : [...versions.map((version) => hide(subject, version)), ...forgetSettings(state, subject)];
  return { changes, answer: versions.map(({ version }) => version) };
}

/** One version. The answer is its number. */
export function decideDeleteVersion(
  state: RegistryReader,
  subject: string,
  name: VersionName,
  isPermanent: boolean,
): { readonly changes: readonly RegistryChange[]; readonly answer: number } {
  const found = findVersionNamed(state, subject, name, isPermanent);
  if (!isPermanent && found.isDeleted)
    throw new RegistryError(
      "versionSoftDeleted",
      `Subject '${subject}' Version ${found.version} was soft deleted. Set permanent=true to delete permanently`,
    );
  checkWritable(state, subject);
  if (isPermanent && !found.isDeleted)
    throw new RegistryError(
      "versionNotSoftDeleted",
      `Subject '${subject}' Version ${found.version} was not deleted first before being permanently deleted`,
    );
  checkUnreferenced(state, subject, [found], isPermanent ? "all" : "live");
  if (isPermanent) return { changes: purge(state, subject, [found]), answer: found.version };
  const isLast = liveVersionsOf(state, subject).length === 1;
  return {
    changes: [hide(subject, found), ...(isLast ? forgetSettings(state, subject) : [])],
    answer: found.version,
  };
}

/** A number may be of a deleted version; the latest is one that is not, unless only deleted ones are left. */
function findVersionNamed(
  state: RegistryReader,
  subject: string,
  name: VersionName,
  isPermanent: boolean,
): SubjectVersion {
  const all = versionsOf(state, subject);
  if (all.length === 0) throw subjectNotFound(subject);
  const latest = liveVersionsOf(state, subject).at(-1) ?? (isPermanent ? all.at(-1) : undefined);
  const found = name === "latest" ? latest : all.find(({ version }) => version === name);
  if (found === undefined) throw versionNotFound(name === "latest" ? -1 : name);
  return found;
}

/** Versions go for good, and the schemas that nothing else uses with them. */
export function purge(
  state: RegistryReader,
  subject: string,
  versions: readonly SubjectVersion[],
): RegistryChange[] {
  const gone = new Set(versions.map(({ version }) => version));
  const ids = [...new Set(versions.map(({ id }) => id))];
  const unused = ids.filter((id) =>
    placesOf(state, id).every((place) => place.subject === subject && gone.has(place.version)),
  );
  return [
    ...versions.map(({ version }) => ({ kind: "version" as const, subject, version, row: null })),
    ...unused.map((id) => ({ kind: "schema" as const, id, content: null })),
  ];
}

function hide(subject: string, { version, id }: SubjectVersion): RegistryChange {
  return { kind: "version", subject, version, row: { id, isDeleted: true } };
}

/** A subject that comes back begins with the global settings. */
function forgetSettings(state: RegistryReader, subject: string): RegistryChange[] {
  return [
    ...(state.modes.has(subject) ? [{ kind: "mode" as const, subject, mode: null }] : []),
    ...(state.configs.has(subject) ? [{ kind: "config" as const, subject, config: null }] : []),
  ];
}

function checkWritable(state: RegistryReader, subject: string): void {
  if (isReadOnly(modeInForce(state, subject)))
    throw new RegistryError("notPermitted", `Subject ${subject} is in read-only mode`);
}

/**
 * Deleting must not take from a schema what it refers to; what goes with it does not count. For good it must not even
 * from a schema that is deleted softly: data may have been written with it, and the number could be given again.
 */
export function checkUnreferenced(
  state: RegistryReader,
  subject: string,
  versions: readonly SubjectVersion[],
  include: "live" | "all",
): void {
  const gone = new Set(versions.map(({ version }) => version));
  const staysBehind = (id: number) =>
    placesOf(state, id).some((place) => place.subject !== subject || !gone.has(place.version));
  for (const { version } of versions) {
    const ids = referrersOf(state, { subject, version }, include).filter(staysBehind);
    if (ids.length > 0) throw referenceExists(subject, version, ids);
  }
}

function referenceExists(subject: string, version: number, ids: readonly number[]): RegistryError {
  const shown = `{subject=${subject},version=${version}}, referenced by ids ${ids.slice(0, 10).join(", ")}`;
  return new RegistryError(
    "referenceExists",
    `One or more references exist to the schema ${shown}`,
  );
}
