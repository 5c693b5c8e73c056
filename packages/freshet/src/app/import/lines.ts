import { type JsonObject, readJson } from "@freshet/protocol";
import type { FileRow, RowReader } from "./row.ts";

/** What a line says: the columns of a row, or why it cannot be read. */
export type ParsedLine =
  | { readonly kind: "values"; readonly values: JsonObject }
  | { readonly kind: "broken"; readonly message: string };

export interface LineOptions {
  readonly parse: (line: string) => ParsedLine;
  /**
   * For files that others still write to: a last line without its end may be half a line, so it is left for the
   * next run.
   */
  readonly isGrowing?: boolean;
  /** Adds the number of the line to what is said of a broken one. */
  readonly saysLine?: boolean;
}

/**
 * One row a line, from the bytes as they come. Blank lines are stepped over; bytes that are not UTF-8 become
 * U+FFFD. A line longer than `lineBytesMax` is one broken row, and never held in memory.
 */
export class LineReader implements RowReader {
  readonly columns = null;
  readonly #options: LineOptions;
  #rest: Buffer = Buffer.alloc(0);
  /** Inside a line that was too long and is told already. */
  #isSkipping = false;
  #line = 0;
  #row = 0;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  read(chunk: Buffer): FileRow[] {
    const first = chunk.indexOf(lineFeed);
    if (first === -1) return this.#hold(chunk);
    const begun = this.#isSkipping
      ? chunk.subarray(first + 1)
      : this.#rest.length === 0
        ? chunk
        : Buffer.concat([this.#rest, chunk]);
    this.#isSkipping = false;
    const end = begun.lastIndexOf(lineFeed) + 1;
    this.#rest = Buffer.alloc(0);
    const rows = end === 0 ? [] : this.#rows(begun.toString("utf8", 0, end - 1));
    return [...rows, ...this.#hold(begun.subarray(end))];
  }

  end(): FileRow[] {
    if (this.#rest.length === 0 || this.#options.isGrowing === true) return [];
    return this.#rows(this.#rest.toString("utf8"));
  }

  /** Keeps the beginning of a line until its end comes, or gives it up. */
  #hold(bytes: Buffer): FileRow[] {
    if (this.#isSkipping || bytes.length === 0) return [];
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (this.#rest.length <= lineBytesMax) return [];
    const text = this.#rest.toString("utf8", 0, textCharsMax);
    this.#rest = Buffer.alloc(0);
    this.#isSkipping = true;
    this.#line++;
    return [this.#broken(text, `it is longer than ${lineBytesMax} bytes`)];
  }

  #rows(text: string): FileRow[] {
    const rows: FileRow[] = [];
    for (const line of text.split("\n")) {
      this.#line++;
      const trimmed = (line.charCodeAt(0) === byteOrderMark ? line.slice(1) : line).trim();
      if (trimmed !== "") rows.push(this.#parse(trimmed));
    }
    return rows;
  }

  #parse(text: string): FileRow {
    if (text.length > lineBytesMax)
      return this.#broken(text, `it is longer than ${lineBytesMax} bytes`);
    const parsed = this.#options.parse(text);
    if (parsed.kind === "broken") return this.#broken(text, parsed.message);
    return {
      kind: "row",
      row: ++this.#row,
      line: this.#line,
      values: parsed.values,
      text: this.#options.saysLine === true ? text.slice(0, textCharsMax) : null,
    };
  }

  #broken(text: string, message: string): FileRow {
    const where = this.#options.saysLine === true ? ` (line ${this.#line})` : "";
    return {
      kind: "broken",
      row: ++this.#row,
      line: this.#line,
      message: `${message}${where}`,
      text: text.slice(0, textCharsMax),
    };
  }
}

const lineFeed = 0x0a;
const byteOrderMark = 0xfeff;
/** One line of a file. Many times the largest event (32 KiB), since an export says more of one than is kept. */
export const lineBytesMax = 1024 * 1024;
/** What is kept of a row that cannot be read. */
const textCharsMax = 16 * 1024;

/** A line of JSON that holds one object. */
export function parseJsonLine(text: string): ParsedLine {
  try {
    const values: unknown = readJson(text);
    if (values === null || typeof values !== "object" || Array.isArray(values))
      return { kind: "broken", message: "it is no JSON object" };
    // What JSON.parse gives is JSON.
    return { kind: "values", values: values as JsonObject };
  } catch (error) {
    return { kind: "broken", message: `it is no JSON: ${(error as Error).message.slice(0, 200)}` };
  }
}
