import type { Log, LogReader } from "../../engine/port/log.ts";
import type { KeptSchema, SchemaOfLog } from "./payload/schema-row.ts";

/** A schema for the events that come, and the id that it should have. */
export interface SchemaToUse extends SchemaOfLog {
  /**
   * Its id in the registry. Where there is none, or it stands for something else in the log, the log gives one of its
   * own, which no registry gives.
   */
  readonly id?: number;
}

/**
 * A log that can write events in other formats than JSON.
 *
 * - F1 A schema is on disk before the first record that names it.
 * - F2 What an id stands for in a log never changes, and is never forgotten.
 * - F3 No event is refused for its schema: one that does not fit it is written as JSON.
 */
export interface FormattedLog extends Log, SchemasOfLog {
  /**
   * How the events of later appends are written; as JSON until it is called, and where it is null. Resolves with the
   * id, which is the same for the same schema. Rejects with LogWriteError, and nothing has changed.
   */
  writeEventsAs(schema: SchemaToUse | null): Promise<number | null>;
  /** Id of the schema that events are written with at this moment; null for JSON. */
  readonly eventsAs: number | null;
}

export interface FormattedLogReader extends LogReader, SchemasOfLog {}

export interface SchemasOfLog {
  /**
   * Every schema that the log has, by id: plain data, which may be sent along with batches. Throws LogCorruptError at a
   * row that is none, LogUnreadableError at one of a later version.
   */
  schemas(): readonly KeptSchema[];
}
