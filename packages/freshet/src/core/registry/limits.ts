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
  /** Texts whose parsed form is kept for the next comparison: 1,000 versions of 8,000 characters, parsed some 100 MB. */
  parsedCharsMax: 8 * 1024 * 1024,
} as const;
