import { object, oneOf, secretText, text } from "../check.ts";

/** Somebody else's registry, instead of the one inside. */
export interface RegistryConfig {
  /** http or https, with a path where it has one. */
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
}

export const contractModes = ["off", "register", "require"] as const;
export type ContractMode = (typeof contractModes)[number];

/** The contracts of the plan's events in the schema registry. */
export interface ContractConfig {
  /**
   * `register` unless said: each is registered, and one that the registry refuses is a warning. `require`: a plan with
   * such a contract is not taken. `off`: none is registered.
   */
  readonly registry?: ContractMode;
  /** In front of the event's name in its subject; nothing unless said. */
  readonly subjectPrefix?: string;
}

const shape = object({ url: text, user: text, password: secretText }, ["url"]);
const contractShape = object({ registry: oneOf(...contractModes), subjectPrefix: text });

/** Throws a UsageError at what is wrong. */
export function checkRegistry(
  registry: RegistryConfig | undefined,
  contracts: ContractConfig | undefined,
): void {
  if (registry !== undefined) shape(registry, "registry");
  if (contracts !== undefined) contractShape(contracts, "contracts");
}
