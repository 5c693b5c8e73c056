import type { JsonObject } from "@freshet/protocol";

/** A row of a file; `row` counts data rows from 1, `line` is where it begins in the file. */
export type FileRow =
  | {
      readonly kind: "row";
      readonly row: number;
      readonly line: number;
      readonly values: JsonObject;
      /** The row as it stands in the file, where that is at hand. */
      readonly text: string | null;
    }
  | {
      readonly kind: "broken";
      readonly row: number;
      readonly line: number;
      readonly message: string;
      readonly text: string;
    };

/** Turns the bytes of a file into rows, chunk by chunk. */
export interface RowReader {
  read(chunk: Buffer): FileRow[];
  /** The bytes have ended: what was waiting for more is decided. */
  end(): FileRow[];
  /** Names in the header; null before it was read, and for formats without one. */
  readonly columns: readonly string[] | null;
}
