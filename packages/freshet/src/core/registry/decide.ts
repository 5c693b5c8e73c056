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
import type { Mode, SubjectConfig } from "./settings.ts";
import type { RegistryReader } from "./state.ts";
import type { SchemaWork } from "./work.ts";

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

/**
 * What a command does to the registry as it is, and its answer; rejects with RegistryError where it is refused. The
 * registry must not change meanwhile.
 */
export async function decide<Kind extends RegistryCommand["kind"]>(
  state: RegistryReader,
  work: SchemaWork,
  command: RegistryCommand & { readonly kind: Kind },
): Promise<RegistryDecision<RegistryAnswers[Kind]>> {
  // Each case below gives the answer of its own kind.
  return (await decideAny(state, work, command)) as RegistryDecision<RegistryAnswers[Kind]>;
}

function decideAny(
  state: RegistryReader,
  work: SchemaWork,
  command: RegistryCommand,
): AnyDecision | Promise<AnyDecision> {
  const { subject } = command;
  switch (command.kind) {
    case "register":
      return decideRegister(state, work, subject, command.request);
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
