import { RegistryError } from "./error.ts";
import { registryLimits } from "./limits.ts";

/** The only context there is, as others write it in front of a subject. */
const defaultContext = /^:\.:/;

/** A subject as it is kept. Throws where the name cannot be one. */
export function subjectOf(name: string): string {
  const subject = name.replace(defaultContext, "");
  const { subjectCharsMax } = registryLimits;
  if (subject === "" || subject === "__GLOBAL" || subject === "__EMPTY") throw invalid(subject);
  if (subject.startsWith(":.") || /\p{Cc}|\p{Surrogate}/u.test(subject)) throw invalid(subject);
  if (subject.length > subjectCharsMax)
    throw new RegistryError(
      "subjectInvalid",
      `The subject has ${subject.length} characters, at most ${subjectCharsMax} are taken`,
    );
  return subject;
}

/** Prefixes name contexts too: `:*:` is all of them. */
export function prefixOf(text: string): string {
  return text.replace(/^:\*:|^:\.:/, "");
}

function invalid(subject: string): RegistryError {
  return new RegistryError(
    "subjectInvalid",
    `The specified subject '${subject.slice(0, 200)}' is not a valid subject`,
  );
}

/** Ids and versions are 32 bits on the wire, signed in some clients. */
export const numberMax = 2_147_483_647;

/** A version that was named: a number, or the latest that is not deleted. */
export type VersionName = number | "latest";

export function versionName(text: string): VersionName {
  if (text === "latest" || text === "-1") return "latest";
  const version = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (version >= 1 && version <= numberMax) return version;
  throw new RegistryError(
    "versionInvalid",
    `The specified version '${text.slice(0, 60)}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
  );
}
