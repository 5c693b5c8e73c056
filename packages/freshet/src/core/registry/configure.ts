import type { RegistryChange } from "./change.ts";
import { checkUnreferenced, purge } from "./delete.ts";
import { RegistryError, subjectNotFound } from "./error.ts";
import { isReadOnly, type Mode, modeInForce, type SubjectConfig } from "./settings.ts";
import { globalScope, liveVersionsOf, type RegistryReader, versionsOf } from "./state.ts";

export interface ConfigDecision {
  readonly changes: readonly RegistryChange[];
  readonly answer: SubjectConfig;
}

/** What is not named stays as it was. */
export function decideSetConfig(
  state: RegistryReader,
  subject: string,
  config: SubjectConfig,
): ConfigDecision {
  checkWritable(state, subject);
  const answer = { ...state.configs.get(subject), ...config };
  return { changes: [{ kind: "config", subject, config: answer }], answer };
}

/** The answer is what was set until now. */
export function decideDeleteConfig(state: RegistryReader, subject: string): ConfigDecision {
  const answer = state.configs.get(subject);
  if (answer === undefined && subject !== globalScope) throw subjectNotFound(subject);
  checkWritable(state, subject);
  if (answer === undefined) return { changes: [], answer: {} };
  return { changes: [{ kind: "config", subject, config: null }], answer };
}

export interface ModeDecision {
  readonly changes: readonly RegistryChange[];
  readonly answer: Mode;
}

/**
 * IMPORT begins with an empty subject, as ids and versions from elsewhere would meet those that are there: what is
 * deleted softly goes for good, and what is not has to be deleted first, or the change forced.
 */
export function decideSetMode(
  state: RegistryReader,
  subject: string,
  mode: Mode,
  isForced: boolean,
): ModeDecision {
  const set: RegistryChange = { kind: "mode", subject, mode };
  if (mode !== "IMPORT" || isForced || modeInForce(state, subject) === "IMPORT")
    return { changes: [set], answer: mode };
  const subjects = subject === globalScope ? [...state.subjects.keys()] : [subject];
  if (subjects.some((one) => liveVersionsOf(state, one).length > 0))
    throw new RegistryError("notPermitted", "Cannot import since found existing subjects");
  if (subject === globalScope) return { changes: [...purgeAll(state), set], answer: mode };
  const versions = versionsOf(state, subject);
  checkUnreferenced(state, subject, versions, "all");
  return { changes: [...purge(state, subject, versions), set], answer: mode };
}

function purgeAll(state: RegistryReader): RegistryChange[] {
  const versions = [...state.subjects].flatMap(([subject, all]) =>
    all.map(({ version }) => ({ kind: "version" as const, subject, version, row: null })),
  );
  const schemas = [...state.schemas.keys()].map((id) => ({
    kind: "schema" as const,
    id,
    content: null,
  }));
  return [...versions, ...schemas];
}

/** The answer is what was set until now. */
export function decideDeleteMode(state: RegistryReader, subject: string): ModeDecision {
  const answer = state.modes.get(subject);
  if (answer === undefined) throw subjectNotFound(subject);
  return { changes: [{ kind: "mode", subject, mode: null }], answer };
}

function checkWritable(state: RegistryReader, subject: string): void {
  if (!isReadOnly(modeInForce(state, subject))) return;
  const who = subject === globalScope ? "The registry" : `Subject ${subject}`;
  throw new RegistryError("notPermitted", `${who} is in read-only mode`);
}
