/** Limits of the embedded schema registry, each with its reason. */
export const registryLimits = {
  /** One schema's text, in UTF-16 units. A thousand documented fields are about 200,000; a body ends at 1 MiB. */
  schemaCharsMax: 512 * 1024,
  /** All schemas together, since they are held in memory: ten thousand of 6,000. */
  schemaCharsTotalMax: 64 * 1024 * 1024,
  /** Subjects, deleted ones among them. A cluster of Kafka with 5,000 topics has two each. */
  subjectsMax: 20_000,
  /** Versions of one subject, deleted ones among them: a transitive level compares a new schema with each. */
  versionsPerSubjectMax: 1000,
  /** Length of a subject's name in UTF-16 units: with its prefix it is a key of the store, of 1,978 bytes. */
  subjectCharsMax: 512,
  /** References that one schema names itself. */
  referencesMax: 200,
  /** How long a chain of references may be. */
  referenceDepthMax: 32,
  /** Schemas that one schema reaches through references, each counted once. */
  referencesReachedMax: 1000,
  /** Metadata and rules of one schema as JSON: they are kept and given back, never run. */
  extrasCharsMax: 64 * 1024,
  /** Rows in one answer of a list of schemas, which carries their texts. */
  listedSchemasMax: 1000,
  /**
   * Understanding one schema, or holding it against all versions that its level asks for, in milliseconds. A thousand
   * fields against a hundred versions take 0.1 to 0.7 s, and several times that where a machine is short of processors.
   */
  checkMsMax: 10_000,
  /** Memory of that thread in MB: the parsed forms below, and the largest schema four times. */
  checkMemoryMbMax: 512,
  /** Checks that may wait for the thread; each holds a request's body. */
  checksWaitingMax: 200,
  /** Text that goes to the thread at once, in UTF-16 units: copying it is what the event loop waits for, under 1 ms. */
  checkPieceCharsMax: 256 * 1024,
  /** The thread ends when nothing was asked of it for so long, in milliseconds: it takes some 50 MB. */
  checkIdleMs: 60_000,
  /** Texts of clients that need not be understood again to know what they are kept as. */
  writtenCharsMax: 4 * 1024 * 1024,
  /** A change that waited so long for those before it is refused, in milliseconds: its client has gone by then. */
  commandWaitMsMax: 30_000,
  /** Deciding commands for one write ends after so long, in milliseconds: the first of them waits for the disk. */
  decideMsMax: 50,
  /** Contracts of the plan that are registered side by side: an outside registry has others to serve. */
  contractsAtOnce: 8,
  /** Before a registry that did not answer is asked again for the plan's contracts, in milliseconds; doubled each time. */
  contractRetryMs: 5000,
  contractRetryMsMax: 300_000,
  /** Texts whose parsed form is kept for the next comparison: 1,000 versions of 8,000 characters, parsed some 100 MB. */
  parsedCharsMax: 8 * 1024 * 1024,
} as const;
