import { compatibilityLevels } from "./level.ts";
import { numberMax } from "./name.ts";
import { modes } from "./settings.ts";
import { placeKey, type RegistryReader } from "./state.ts";

/** What no sequence of commands leaves behind (G1 to G3), one sentence each; none in a registry that is whole. */
export function registryFaults(state: RegistryReader): string[] {
  return [
    ...versionFaults(state),
    ...schemaFaults(state),
    ...referenceFaults(state),
    ...settingFaults(state),
  ];
}

function versionFaults({ subjects, schemas }: RegistryReader): string[] {
  return [...subjects].flatMap(([subject, versions]) =>
    versions.flatMap(({ version, id }) => [
      ...(schemas.has(id)
        ? []
        : [`the registry has no schema ${id}, which is version ${version} of ${subject}`]),
      ...(isNumber(version) ? [] : [`${subject} has a version ${version}`]),
    ]),
  );
}

function schemaFaults({ schemas, places, nextId }: RegistryReader): string[] {
  return [...schemas.keys()].flatMap((id) => [
    ...(places.has(id) ? [] : [`the registry has schema ${id}, which nothing uses`]),
    ...(id < nextId ? [] : [`the registry would give id ${id} a second time`]),
    ...(isNumber(id) ? [] : [`the registry has a schema with the id ${id}`]),
  ]);
}

/** Deleted softly is good enough: what is deleted for good is referred to by nothing. */
function referenceFaults({ schemas, subjects }: RegistryReader): string[] {
  const known = new Set(
    [...subjects].flatMap(([subject, versions]) =>
      versions.map(({ version }) => placeKey({ subject, version })),
    ),
  );
  return [...schemas].flatMap(([id, { references }]) =>
    references
      .filter((place) => !known.has(placeKey(place)))
      .map(
        ({ subject, version }) =>
          `schema ${id} refers to version ${version} of ${subject}, which is not there`,
      ),
  );
}

function settingFaults({ configs, modes: set }: RegistryReader): string[] {
  const levels: readonly string[] = compatibilityLevels;
  const unknown = [...configs].filter(
    ([, { compatibilityLevel: level }]) => level !== undefined && !levels.includes(level),
  );
  return [
    ...unknown.map(([subject]) => `the level of "${subject}" is none that there is`),
    ...[...set]
      .filter(([, mode]) => !modes.includes(mode))
      .map(([name]) => `the mode of "${name}" is none that there is`),
  ];
}

const isNumber = (value: number) => Number.isInteger(value) && value >= 1 && value <= numberMax;
