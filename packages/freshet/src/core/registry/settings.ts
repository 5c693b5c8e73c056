import type { CompatibilityLevel } from "./level.ts";
import { globalScope, type RegistryReader } from "./state.ts";

export const modes = ["READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT"] as const;
export type Mode = (typeof modes)[number];

/** What a subject, or all of them, may have set. */
export interface SubjectConfig {
  readonly compatibilityLevel?: CompatibilityLevel;
  /** Schemas are normalized before they are compared and kept, whether a request asks for it or not. */
  readonly normalize?: boolean;
  /** Name of a property of the metadata: only versions with one value of it are compared. */
  readonly compatibilityGroup?: string;
}

const levelDefault: CompatibilityLevel = "BACKWARD";
const modeDefault: Mode = "READWRITE";

/** What holds for a subject: its own settings before the global ones. */
export function configInForce(
  state: RegistryReader,
  subject: string,
): SubjectConfig & { readonly compatibilityLevel: CompatibilityLevel } {
  const all = state.configs.get(globalScope);
  return { compatibilityLevel: levelDefault, ...all, ...state.configs.get(subject) };
}

/** `READONLY_OVERRIDE` for all wins over what a subject says. */
export function modeInForce(state: RegistryReader, subject: string): Mode {
  const all = state.modes.get(globalScope) ?? modeDefault;
  return all === "READONLY_OVERRIDE" ? all : (state.modes.get(subject) ?? all);
}

export function isReadOnly(mode: Mode): boolean {
  return mode === "READONLY" || mode === "READONLY_OVERRIDE";
}
