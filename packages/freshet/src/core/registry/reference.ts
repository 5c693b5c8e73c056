import { RegistryError } from "./error.ts";
import { registryLimits } from "./limits.ts";
import type { ResolvedReference, SchemaContent, SchemaReference } from "./schema.ts";
import { contentOf, liveVersionsOf, type RegistryReader, versionsOf } from "./state.ts";

/** The latest version, where a reference does not name one. */
export const latestVersion = -1;

/**
 * References as they are kept: each with the version that it means now. Throws where one is not there, deleted ones
 * among them: what is referred to must stay (see `referrersOf`).
 */
export function settleReferences(
  state: RegistryReader,
  references: readonly SchemaReference[],
): SchemaReference[] {
  const { referencesMax } = registryLimits;
  if (references.length > referencesMax)
    throw invalid(`it has ${references.length} references, at most ${referencesMax} are taken`);
  return references.map((reference) => {
    const { name, subject, version } = reference;
    const live = liveVersionsOf(state, subject);
    const found =
      version === latestVersion ? live.at(-1) : live.find((one) => one.version === version);
    if (found !== undefined) return { name, subject, version: found.version };
    throw invalid(`No schema reference found for subject "${subject}" and version ${version}`);
  });
}

/**
 * All schemas that a content reaches, each before those that use it. One that is reached twice is looked at once, so
 * that the work is bounded by `referencesReachedMax`, whatever the references look like. They cannot go in a circle,
 * as each names a version that was there before.
 */
export function resolveReferences(
  state: RegistryReader,
  content: Pick<SchemaContent, "references">,
): ResolvedReference[] {
  const reached = new Map<string, ResolvedReference>();
  const visit = ({ name, subject, version }: SchemaReference, depth: number): void => {
    const found = versionsOf(state, subject).find((one) => one.version === version);
    if (found === undefined)
      throw invalid(`No schema reference found for subject "${subject}" and version ${version}`);
    const { schema, references } = contentOf(state, found.id);
    const known = reached.get(name);
    if (known !== undefined) {
      if (known.schema === schema) return;
      throw invalid(`two different schemas are referred to as "${name}"`);
    }
    if (depth > registryLimits.referenceDepthMax)
      throw invalid(`references are more than ${registryLimits.referenceDepthMax} deep`);
    for (const reference of references) visit(reference, depth + 1);
    reached.set(name, { name, schema });
    if (reached.size > registryLimits.referencesReachedMax)
      throw invalid(`more than ${registryLimits.referencesReachedMax} schemas are referred to`);
  };
  for (const reference of content.references) visit(reference, 1);
  return [...reached.values()];
}

function invalid(why: string): RegistryError {
  return new RegistryError("schemaInvalid", `Invalid schema, details: ${why}`);
}
