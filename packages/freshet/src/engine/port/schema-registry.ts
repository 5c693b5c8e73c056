import type { ResolvedReference, SchemaContent } from "../../core/registry/schema.ts";

/** A schema as one version of a subject. */
export interface SubjectSchema {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  readonly content: SchemaContent;
}

/**
 * The registry port: where the schemas are that ids on the wire stand for. The engine's own registry is one, somebody
 * else's over HTTP is another. All calls may run at once.
 *
 * - R1 what an id stands for never changes, so that callers may remember it for ever.
 * - R2 an id that `register` gave is kept: every later `find` has it, after a crash too.
 * - R3 registering what is there gives its id again and changes nothing.
 *
 * Every call rejects with RegistryError where the registry refuses: the same call is refused again until somebody
 * changes something. It rejects with RegistryUnavailableError where there was no answer: try again later; a
 * registration may have been made or not, and can be repeated (R3).
 */
export interface SchemaRegistry {
  /** By id, deleted or not. Rejects with kind `schemaNotFound`. */
  find(id: number): Promise<SchemaContent>;
  /** The newest version that is not deleted. Rejects with kind `subjectNotFound`. */
  latest(subject: string): Promise<SubjectSchema>;
  /** Rejects with kind `subjectNotFound` or `versionNotFound`. */
  version(subject: string, version: number): Promise<SubjectSchema>;
  /** Resolves with the id. Rejects with kind `schemaInvalid`, `incompatible`, `notPermitted` and others. */
  register(subject: string, content: SchemaContent): Promise<number>;
  /** The texts that a schema refers to, each before those that use it. */
  references(content: SchemaContent): Promise<readonly ResolvedReference[]>;
  close(): Promise<void>;
}

/** For tools: where a schema is, without registering it. */
export interface SchemaLookUp {
  /** The newest version of a subject that has this very content. Rejects with `subjectNotFound` or `schemaNotFound`. */
  lookUp(subject: string, content: SchemaContent): Promise<SubjectSchema>;
}
