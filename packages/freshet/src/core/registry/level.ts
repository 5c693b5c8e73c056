/** What a level of compatibility means; nothing else says it. */
export const compatibilityLevels = [
  "NONE",
  "BACKWARD",
  "BACKWARD_TRANSITIVE",
  "FORWARD",
  "FORWARD_TRANSITIVE",
  "FULL",
  "FULL_TRANSITIVE",
] as const;
export type CompatibilityLevel = (typeof compatibilityLevels)[number];

/** `backward`: what was written with the older schema is read with the newer; `forward`: the other way round. */
export type Direction = "backward" | "forward";

interface LevelRule {
  /** In which of them a new version must work. */
  readonly directions: readonly Direction[];
  readonly isTransitive: boolean;
}

export const levelRules: { readonly [level in CompatibilityLevel]: LevelRule } = {
  NONE: { directions: [], isTransitive: false },
  BACKWARD: { directions: ["backward"], isTransitive: false },
  BACKWARD_TRANSITIVE: { directions: ["backward"], isTransitive: true },
  FORWARD: { directions: ["forward"], isTransitive: false },
  FORWARD_TRANSITIVE: { directions: ["forward"], isTransitive: true },
  FULL: { directions: ["backward", "forward"], isTransitive: false },
  FULL_TRANSITIVE: { directions: ["backward", "forward"], isTransitive: true },
};

/** Which of the earlier versions, given oldest first, a new one is held against: newest first. */
export function comparedVersions<Version>(
  level: CompatibilityLevel,
  earlier: readonly Version[],
): readonly Version[] {
  const { directions, isTransitive } = levelRules[level];
  if (directions.length === 0) return [];
  return isTransitive ? earlier.toReversed() : earlier.slice(-1);
}
