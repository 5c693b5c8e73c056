import type { RegistryChange } from "./change.ts";
import { charsOf } from "./change.ts";
import type { SchemaRequest } from "./command.ts";
import { type Candidate, incompatibilities, textOf } from "./compatibility.ts";
import { checkUnreferenced, purge } from "./delete.ts";
import { RegistryError } from "./error.ts";
import { registryLimits } from "./limits.ts";
import { numberMax } from "./name.ts";
import { settleReferences } from "./reference.ts";
import {
  isSameContent,
  type SchemaContent,
  type SchemaTypeName,
  schemaTypeNames,
} from "./schema.ts";
import { configInForce, isReadOnly, modeInForce } from "./settings.ts";
import {
  idsOf,
  liveVersionsOf,
  type RegistryReader,
  type SubjectVersion,
  versionsOf,
} from "./state.ts";
import type { SchemaWork } from "./work.ts";

export interface Registered {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  readonly content: SchemaContent;
}

export interface RegisterDecision {
  readonly changes: readonly RegistryChange[];
  readonly answer: Registered;
}

/** Understands a schema for a subject: its references settled, its text made canonical. */
export async function candidateOf(
  state: RegistryReader,
  work: SchemaWork,
  subject: string,
  request: SchemaRequest,
): Promise<Candidate> {
  const schemaType = typeOf(request.schemaType);
  const { schemaCharsMax, extrasCharsMax } = registryLimits;
  if (request.schema.trim() === "") throw invalid("Empty schema");
  if (request.schema.length > schemaCharsMax)
    throw tooLarge(`the schema has ${request.schema.length} characters`, schemaCharsMax);
  const references = settleReferences(state, request.references);
  const extras = {
    ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
    ...(request.ruleSet === undefined ? {} : { ruleSet: request.ruleSet }),
  };
  const extrasChars = JSON.stringify(extras).length;
  if (extrasChars > extrasCharsMax)
    throw tooLarge(`metadata and rules have ${extrasChars} characters`, extrasCharsMax);
  const sent = { schemaType, schema: request.schema, references, ...extras };
  const text = textOf(state, sent);
  const isNormal = request.normalize || configInForce(state, subject).normalize === true;
  // What is kept is canonical: sent again as it is, as at each start of a producer, it need not be understood again.
  const isKept = !isNormal && idsOf(state, sent).length > 0;
  const schema = isKept ? sent.schema : await work.run({ kind: "write", text, isNormal });
  return { text, content: { ...sent, schema } };
}

function typeOf(name: string): SchemaTypeName {
  const found = schemaTypeNames.find((one) => one === name);
  if (found !== undefined) return found;
  throw invalid(
    `Invalid schema type ${name.slice(0, 60)}. Valid types are ${schemaTypeNames.join(", ")}`,
  );
}

/** The newest version of a subject that has this content; undefined where there is none. */
export function findVersion(
  state: RegistryReader,
  content: SchemaContent,
  versions: readonly SubjectVersion[],
): SubjectVersion | undefined {
  // By the index: to hold a large text against a thousand others takes long.
  const ids = idsOf(state, content);
  return versions.findLast(({ id }) => ids.includes(id));
}

/**
 * What registering does, and the answer to it. What is there already changes nothing, in whatever mode: producers
 * ask so at each start.
 */
export async function decideRegister(
  state: RegistryReader,
  work: SchemaWork,
  subject: string,
  request: SchemaRequest,
): Promise<RegisterDecision> {
  const candidate = await candidateOf(state, work, subject, request);
  const { content } = candidate;
  const live = liveVersionsOf(state, subject);
  const same = findVersion(state, content, live);
  if (same !== undefined && (request.version ?? same.version) === same.version) {
    checkSameId(same.id, request.id);
    return { changes: [], answer: { subject, version: same.version, id: same.id, content } };
  }
  const isImport = checkMode(state, subject, request);
  const row = isImport
    ? imported(state, subject, content, request)
    : { id: idsOf(state, content)[0] ?? state.nextId, version: nextVersion(state, subject) };
  if (!isImport) {
    checkVersion(request, row.version);
    checkCompatible(subject, await incompatibilities(state, work, subject, candidate, live));
  }
  const answer = { subject, ...row, content };
  return { changes: changesOf(state, answer), answer };
}

function checkSameId(id: number, asked: number | undefined): void {
  if (asked === undefined || asked === id) return;
  throw new RegistryError(
    "idDoesNotMatch",
    `Schema already registered with id ${id} instead of input id ${asked}`,
  );
}

/** True in mode IMPORT, where ids come with the schemas and nothing is compared. */
function checkMode(state: RegistryReader, subject: string, { id }: SchemaRequest): boolean {
  const mode = modeInForce(state, subject);
  if (isReadOnly(mode)) throw notPermitted(`Subject ${subject} is in read-only mode`);
  const isImport = mode === "IMPORT";
  if (id === undefined && isImport) throw notPermitted(`Subject ${subject} is in import mode`);
  if (id !== undefined && !isImport) throw notPermitted(`Subject ${subject} is not in import mode`);
  return isImport;
}

function checkVersion({ version }: SchemaRequest, next: number): void {
  if (version !== undefined && version !== next)
    throw invalid(`Version ${version} is not one more than previous version ${next - 1}`);
}

function checkCompatible(subject: string, found: readonly string[]): void {
  if (found.length === 0) return;
  throw new RegistryError(
    "incompatible",
    `Schema being registered is incompatible with an earlier schema for subject "${subject}", ` +
      `details: [${found.join(", ")}]`,
  );
}

function imported(
  state: RegistryReader,
  subject: string,
  content: SchemaContent,
  request: SchemaRequest,
): { readonly id: number; readonly version: number } {
  const id = request.id ?? state.nextId;
  const other = state.schemas.get(id);
  if (other !== undefined && !isSameContent(other, content))
    throw notPermitted(`Overwrite new schema with id ${id} is not permitted.`);
  return { id, version: request.version ?? nextVersion(state, subject) };
}

/** Numbers of deleted versions are not given again while they are remembered. */
function nextVersion(state: RegistryReader, subject: string): number {
  return (versionsOf(state, subject).at(-1)?.version ?? 0) + 1;
}

function changesOf(
  state: RegistryReader,
  { subject, version, id, content }: Registered,
): RegistryChange[] {
  const replaced = versionsOf(state, subject).find((one) => one.version === version);
  checkRoom(state, { subject, version, id, isNew: replaced === undefined });
  if (replaced !== undefined) checkUnreferenced(state, subject, [replaced], "all");
  const isKnown = state.schemas.has(id);
  if (!isKnown && state.schemaChars + charsOf(content) > registryLimits.schemaCharsTotalMax)
    throw tooLarge("all schemas together", registryLimits.schemaCharsTotalMax);
  return [
    ...(replaced === undefined || replaced.id === id ? [] : purge(state, subject, [replaced])),
    ...(isKnown ? [] : [{ kind: "schema" as const, id, content }]),
    ...(id >= state.nextId ? [{ kind: "nextId" as const, id: id + 1 }] : []),
    { kind: "version", subject, version, row: { id, isDeleted: false } },
  ];
}

function checkRoom(
  state: RegistryReader,
  row: {
    readonly subject: string;
    readonly version: number;
    readonly id: number;
    readonly isNew: boolean;
  },
): void {
  const { subject, version, id, isNew } = row;
  const { subjectsMax, versionsPerSubjectMax } = registryLimits;
  if (id > numberMax || version > numberMax)
    throw notPermitted(`There are no more ids or versions below ${numberMax}`);
  const versions = versionsOf(state, subject).length;
  if (versions === 0 && state.subjects.size >= subjectsMax)
    throw notPermitted(`There are ${subjectsMax} subjects, and no more are taken`);
  if (isNew && versions >= versionsPerSubjectMax)
    throw notPermitted(
      `Subject ${subject} has ${versions} versions, deleted ones among them, and no more are taken`,
    );
}

function invalid(message: string): RegistryError {
  return new RegistryError("schemaInvalid", message);
}

function notPermitted(message: string): RegistryError {
  return new RegistryError("notPermitted", message);
}

function tooLarge(what: string, charsMax: number): RegistryError {
  return new RegistryError(
    "schemaTooLarge",
    `Schema is too large: ${what}, at most ${charsMax} are taken`,
  );
}
