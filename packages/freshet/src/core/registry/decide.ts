import type { RegistryChange } from "./change.ts";
import type { RegistryCommand } from "./command.ts";
import {
  decideDeleteConfig,
  decideDeleteMode,
  decideSetConfig,
  decideSetMode,
} from "./configure.ts";
import { decideDeleteSubject, decideDeleteVersion } from "./delete.ts";
import { decideRegister, type Registered } from "./register.ts";
import type { SchemaTypes } from "./schema.ts";
import type { Mode, SubjectConfig } from "./settings.ts";
import type { RegistryReader } from "./state.ts";

/** The answer to each kind of command. */
export interface RegistryAnswers {
  readonly register: Registered;
  readonly deleteSubject: readonly number[];
  readonly deleteVersion: number;
  readonly setConfig: SubjectConfig;
  readonly deleteConfig: SubjectConfig;
  readonly setMode: Mode;
  readonly deleteMode: Mode;
}

export interface RegistryDecision<Answer> {
  /** Empty where the registry is as the command wants it already. */
  readonly changes: readonly RegistryChange[];
  readonly answer: Answer;
}

type AnyDecision = RegistryDecision<RegistryAnswers[RegistryCommand["kind"]]>;

/** What a command does to the registry as it is, and its answer; throws RegistryError where it is refused. */
export function decide<Kind extends RegistryCommand["kind"]>(
  state: RegistryReader,
  types: SchemaTypes,
  command: RegistryCommand & { readonly kind: Kind },
): RegistryDecision<RegistryAnswers[Kind]> {
  // Each case below gives the answer of its own kind.
  return decideAny(state, types, command) as RegistryDecision<RegistryAnswers[Kind]>;
}

function decideAny(
  state: RegistryReader,
  types: SchemaTypes,
  command: RegistryCommand,
): AnyDecision {
  const { subject } = command;
  switch (command.kind) {
    case "register":
      return decideRegister(state, types, subject, command.request);
    case "deleteSubject":
      return decideDeleteSubject(state, subject, command.isPermanent);
    case "deleteVersion":
      return decideDeleteVersion(state, subject, command.version, command.isPermanent);
    case "setConfig":
      return decideSetConfig(state, subject, command.config);
    case "deleteConfig":
      return decideDeleteConfig(state, subject);
    case "setMode":
      return decideSetMode(state, subject, command.mode, command.isForced);
    case "deleteMode":
      return decideDeleteMode(state, subject);
  }
}
