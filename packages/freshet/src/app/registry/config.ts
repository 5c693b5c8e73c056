import { object, secretText, text } from "../check.ts";

/** Somebody else's registry, instead of the one inside. */
export interface RegistryConfig {
  /** http or https, with a path where it has one. */
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
}

const shape = object({ url: text, user: text, password: secretText }, ["url"]);

/** Throws a UsageError at what is wrong. */
export function checkRegistry(registry: RegistryConfig | undefined): void {
  if (registry !== undefined) shape(registry, "registry");
}
