/**
 * What a log needs from a disk: batches as bytes under the offset of their first record, in order.
 * `BatchLog` makes the log port out of it, so that group commit, positions and reading exist once.
 */
export interface BatchReader {
  /** First offset of the batch that begins at `offset` or is the nearest before it. */
  floor(offset: number): number | undefined;
  first(): number | undefined;
  last(): number | undefined;
  get(firstOffset: number): Uint8Array | undefined;
  /** The row of a schema that payloads name by its id. */
  schema(id: number): string | undefined;
  /** Ids of all schemas, in order. */
  schemaIds(): readonly number[];
  readonly id: string;
  close(): Promise<void>;
}

export interface BatchStore extends BatchReader {
  /** Resolves when the batch is synced. A rejection means that nothing of it is kept. */
  write(firstOffset: number, batch: Uint8Array): Promise<void>;
  /** Resolves when the row is synced. A rejection means that it is not there. Rows are never changed. */
  writeSchema(id: number, row: string): Promise<void>;
  /** One atomic, synced removal. */
  remove(firstOffsets: readonly number[]): Promise<void>;
  /**
   * Calls back after what is ready to run now has run, so that those appends join the same commit.
   */
  soon(callback: () => void): void;
}
