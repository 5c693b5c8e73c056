import type { FeatureDefinition } from "../plan/definition.ts";
import { lifetime, type WindowedFeature } from "../window.ts";
import type { CompiledFeature } from "./compiled.ts";
import { featureTypes } from "./index.ts";
import { keyed } from "./keyed.ts";
import { sliding } from "./sliding.ts";

/** What of a definition decides how it folds. */
export type FoldDefinition = Pick<FeatureDefinition, "type" | "window" | "options"> & {
  readonly by?: unknown;
};

/**
 * A definition as functions. A feature over sessions is a lifetime feature here: its state lives and ends
 * with the session that holds it (`session.ts`).
 */
export function compileFeature(definition: FoldDefinition): CompiledFeature {
  const feature = windowed(definition);
  return definition.by === undefined ? feature : keyed(feature);
}

function windowed({ type: name, window, options }: FoldDefinition): WindowedFeature {
  const type = Object.hasOwn(featureTypes, name) ? featureTypes[name] : undefined;
  if (type === undefined) throw new Error(`feature type "${name}" does not exist`);
  switch (window.kind) {
    case "lifetime":
    case "session":
      return lifetime(type, options);
    case "sliding":
      return sliding(type, options, window.ms);
  }
}
