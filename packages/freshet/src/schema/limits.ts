/** What a schema and its payloads may take; past each of these the answer is an error, never a long wait. */
export const schemaLimits = {
  /** Text of a schema with all it refers to. The largest in the field are some 100 KiB; the request's own limit. */
  textBytesMax: 1024 * 1024,
  /** Nesting of a schema's text. A level of records is four levels of text; 48 levels of records fit. */
  textDepthMax: 200,
  /** Named and unnamed types, or subschemas, in one schema with its references. */
  nodesMax: 50_000,
  /** Schemas that one schema refers to, directly or not. */
  referencesMax: 200,
  /** Statements of one `.proto` file: its parser's time grows with their square, to about a second here. */
  protobufStatementsMax: 3000,
  /** A JSON Schema of more subschemas is compiled when it is parsed: code of that size may exceed the compiler's stack. */
  compiledAtOnceMax: 1000,
  /** Length of a user's pattern: engine programs grow with it. */
  patternCharsMax: 2000,
  /** Patterns of one schema. */
  patternsMax: 1000,
  /** Instructions of all compiled patterns of one schema: nested repetitions multiply. */
  patternProgramMax: 100_000,
  /** Length of a text that is held against a `format`: no address, date or name is longer. */
  formatCharsMax: 2048,
  /** Subschemas that apply to one and the same value without going deeper: combined references multiply. */
  inPlaceMax: 10_000,
  /** Subschemas entered by reference while one value is validated: recursive choices multiply with its depth. */
  validationStepsMax: 100_000,
  /** Pairs of subschemas that one comparison of two versions looks at. */
  comparisonStepsMax: 200_000,
  /** Types that are written out as TypeScript for one schema; nobody reads more. */
  typesWrittenMax: 2000,
  /** Differences that one comparison reports; nobody reads more. */
  differencesMax: 50,
  /** One encoded payload; a request's body is not larger. */
  payloadBytesMax: 1024 * 1024,
  /** Levels inside a decoded value; events are cut at 32, and wrappers take some. */
  valueDepthMax: 64,
  /** Items and entries in a decoded value: items of no bytes would cost nothing to claim. */
  valueItemsMax: 200_000,
} as const;
