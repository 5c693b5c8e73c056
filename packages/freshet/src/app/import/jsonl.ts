import type { JsonObject } from "@freshet/protocol";
import type { FileRow, RowReader } from "./row.ts";

/** One JSON object a line. Blank lines are stepped over. */
export class JsonlReader implements RowReader {
  readonly columns = null;
  #rest: Buffer = Buffer.alloc(0);
  #line = 0;
  #row = 0;

  read(chunk: Buffer): FileRow[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = bytes.lastIndexOf(0x0a) + 1;
    this.#rest = bytes.subarray(end);
    return end === 0 ? [] : this.#rows(bytes.toString("utf8", 0, end - 1));
  }

  end(): FileRow[] {
    return this.#rest.length === 0 ? [] : this.#rows(this.#rest.toString("utf8"));
  }

  #rows(text: string): FileRow[] {
    const rows: FileRow[] = [];
    for (const line of text.split("\n")) {
      this.#line++;
      const trimmed = line.replace(/^\uFEFF/, "").trim();
      if (trimmed !== "") rows.push(this.#parse(trimmed));
    }
    return rows;
  }

  #parse(text: string): FileRow {
    const place = { row: ++this.#row, line: this.#line };
    const broken = (message: string): FileRow => ({
      kind: "broken",
      ...place,
      message,
      text: text.slice(0, textCharsMax),
    });
    try {
      const values: unknown = JSON.parse(text);
      if (values === null || typeof values !== "object" || Array.isArray(values))
        return broken("it is no JSON object");
      // What JSON.parse gives is JSON.
      return { kind: "row", ...place, values: values as JsonObject, text: null };
    } catch (error) {
      return broken(`it is no JSON: ${(error as Error).message.slice(0, 200)}`);
    }
  }
}

const textCharsMax = 16 * 1024;
