import { UsageError } from "../usage-error.ts";
import type { FileRow, RowReader } from "./row.ts";

/**
 * CSV (RFC 4180) from bytes to rows, as the bytes come. Of our own because libraries stop at the first quote that
 * is wrong and cannot say where to go on, and because only the columns that a mapping reads are made into texts.
 *
 * - C1 a row that is broken costs one line: reading goes on at the next line end after its beginning.
 * - C2 a quoted field may hold line ends; a record of more than `recordBytesMax` is taken for a quote left open.
 * - C3 texts are copied out of the chunk, so that a value kept in a profile does not hold a whole chunk in memory.
 * - C4 an empty field is absent: CSV cannot tell it from an empty text.
 */
export class CsvReader implements RowReader {
  readonly #wanted: ReadonlySet<string>;
  #rest: Buffer = Buffer.alloc(0);
  #columns: readonly Column[] | null = null;
  #count = 0;
  #delimiter = comma;
  #line = 1;
  #row = 0;
  #isFirst = true;

  /** Names of the columns to read; the others are stepped over. */
  constructor(wanted: ReadonlySet<string>) {
    this.#wanted = wanted;
  }

  get columns(): readonly string[] | null {
    return this.#columns?.map(({ name }) => name) ?? null;
  }

  read(chunk: Buffer): FileRow[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    return this.#parse(bytes, false);
  }

  end(): FileRow[] {
    return this.#parse(this.#rest, true);
  }

  #parse(given: Buffer, isEnd: boolean): FileRow[] {
    let bytes = given;
    if (this.#isFirst) {
      if (bytes.length < 3 && !isEnd) {
        this.#rest = bytes;
        return [];
      }
      this.#isFirst = false;
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3);
    }
    const rows: FileRow[] = [];
    let at = 0;
    while (at < bytes.length) {
      const next = this.#record(bytes, at, isEnd, rows);
      if (next === -1) break;
      at = next;
    }
    this.#rest = bytes.subarray(at);
    return rows;
  }

  /** Reads one record; returns where the next one begins, or -1 where its end is not there yet. */
  #record(bytes: Buffer, start: number, isEnd: boolean, rows: FileRow[]): number {
    const newline = bytes.indexOf(lineFeed, start);
    if (newline === -1 && !isEnd) {
      if (bytes.length - start > recordBytesMax) throw noLineEnds(recordBytesMax);
      return -1;
    }
    if (this.#columns === null) return this.#header(bytes, start, newline);
    const lineEnd = newline === -1 ? bytes.length : newline;
    if (isBlank(bytes, start, lineEnd)) {
      this.#line++;
      return lineEnd + 1;
    }
    const values: Record<string, string | null> = {};
    const scan = this.#scan(bytes, start, isEnd, values);
    if (scan.kind === "more") return -1;
    const place = { row: ++this.#row, line: this.#line };
    const fault = scan.kind === "broken" ? scan.message : this.#countFault(scan.fields);
    if (scan.kind === "record" && fault === null) {
      this.#line += scan.lines;
      rows.push({ kind: "row", ...place, values, text: null });
      return scan.next;
    }
    this.#line++;
    const text = bytes.toString("utf8", start, Math.min(lineEnd, start + textBytesMax)).trimEnd();
    rows.push({ kind: "broken", ...place, message: fault ?? "", text });
    return lineEnd + 1;
  }

  #countFault(fields: number): string | null {
    return fields === this.#count
      ? null
      : `it has ${fields} fields, but the header has ${this.#count}`;
  }

  #header(bytes: Buffer, start: number, newline: number): number {
    const end = newline === -1 ? bytes.length : newline;
    const text = bytes.toString("utf8", start, end).replace(/\r$/, "");
    if (text.includes("\r")) throw noLineEnds(text.length);
    this.#delimiter = delimiterOf(text);
    const names = splitHeader(text, String.fromCharCode(this.#delimiter));
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined)
      throw new UsageError(
        `column "${twice}" is in the header twice`,
        "rename one of the two in the file",
        1,
      );
    this.#columns = names.map((name) => ({ name, isWanted: this.#wanted.has(name) }));
    this.#count = names.length;
    this.#line++;
    return end + 1;
  }

  #scan(bytes: Buffer, start: number, isEnd: boolean, values: Record<string, string | null>): Scan {
    const columns = this.#columns as readonly Column[];
    const delimiter = this.#delimiter;
    let at = start;
    let field = 0;
    let lines = 1;
    for (;;) {
      const column = columns[field++];
      if (bytes[at] === quote) {
        const end = closingQuote(bytes, at + 1);
        if (end === -1) {
          if (!isEnd && bytes.length - start <= recordBytesMax) return more;
          return notClosed(field);
        }
        const after = bytes[end + 1];
        if (after === undefined && !isEnd) return more;
        const isReturn =
          after === carriageReturn && (end + 2 >= bytes.length || bytes[end + 2] === lineFeed);
        if (isReturn && end + 2 >= bytes.length && !isEnd) return more;
        if (after !== undefined && after !== delimiter && after !== lineFeed && !isReturn)
          return bytes.subarray(at, end).includes(lineFeed) ? notClosed(field) : goesOn(field);
        if (column?.isWanted === true)
          values[column.name] = textOf(bytes, at + 1, end).replaceAll('""', '"') || null;
        for (let i = at; i < end; i++) if (bytes[i] === lineFeed) lines++;
        at = end + 1 + (isReturn ? 1 : 0);
      } else {
        const from = at;
        while (at < bytes.length && bytes[at] !== delimiter && bytes[at] !== lineFeed) at++;
        const to =
          bytes[at] !== delimiter && bytes[at - 1] === carriageReturn && at > from ? at - 1 : at;
        if (at === bytes.length && !isEnd) return more;
        if (column?.isWanted === true)
          values[column.name] = from === to ? null : textOf(bytes, from, to);
      }
      if (at >= bytes.length) return { kind: "record", fields: field, lines, next: bytes.length };
      if (bytes[at] === lineFeed) return { kind: "record", fields: field, lines, next: at + 1 };
      at++;
    }
  }
}

interface Column {
  readonly name: string;
  readonly isWanted: boolean;
}

type Scan =
  | { readonly kind: "more" }
  | { readonly kind: "broken"; readonly message: string }
  | {
      readonly kind: "record";
      readonly fields: number;
      readonly lines: number;
      readonly next: number;
    };

const more: Scan = { kind: "more" };
const notClosed = (field: number): Scan => ({
  kind: "broken",
  message: `field ${field} opens a quote that is not closed`,
});
const goesOn = (field: number): Scan => ({
  kind: "broken",
  message: `field ${field} goes on after its closing quote`,
});
const [comma, quote, lineFeed, carriageReturn] = [0x2c, 0x22, 0x0a, 0x0d];
/** Larger than any event may be (32 KiB as JSON), small enough to read again after a quote that was left open. */
const recordBytesMax = 256 * 1024;
/** What is shown of a broken row. */
const textBytesMax = 16 * 1024;

/** Position of the quote that closes, or -1; a doubled quote stands for one. */
function closingQuote(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(quote, from); at !== -1; at = bytes.indexOf(quote, at + 2))
    if (bytes[at + 1] !== quote) return at;
  return -1;
}

function textOf(bytes: Buffer, from: number, to: number): string {
  return bytes.toString("utf8", from, to);
}

function isBlank(bytes: Buffer, from: number, to: number): boolean {
  return to === from || (to === from + 1 && bytes[from] === carriageReturn);
}

/** The most frequent of the three in the header. */
function delimiterOf(header: string): number {
  const counts = [",", ";", "\t"].map(
    (text) => [header.split(text).length, text.charCodeAt(0)] as const,
  );
  return counts.reduce((best, other) => (other[0] > best[0] ? other : best))[1];
}

function splitHeader(header: string, delimiter: string): string[] {
  const names: string[] = [];
  for (let at = 0; at <= header.length; ) {
    const quoted = header[at] === '"' ? /^"((?:[^"]|"")*)"/.exec(header.slice(at)) : null;
    if (quoted !== null) {
      names.push((quoted[1] ?? "").replaceAll('""', '"'));
      at += quoted[0].length + 1;
      continue;
    }
    const end = header.indexOf(delimiter, at);
    names.push(header.slice(at, end === -1 ? undefined : end).trim());
    at = end === -1 ? header.length + 1 : end + 1;
  }
  return names;
}

function noLineEnds(count: number): UsageError {
  return new UsageError(
    `the file has no line end within its first ${count} bytes`,
    "end each row with a line feed; files with carriage returns alone are not read",
    1,
  );
}
