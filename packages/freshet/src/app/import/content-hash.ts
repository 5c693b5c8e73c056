import { createHash, type Hash } from "node:crypto";

/** What a file holds up to its last line end. */
export interface Content {
  readonly bytes: number;
  /** SHA-256 in hexadecimal. */
  readonly hash: string;
  /** Bytes behind it: a line without its end. */
  readonly restBytes: number;
  /** The hash of its first bytes, for each length that was asked for and is there. */
  readonly hashAt: ReadonlyMap<number, string>;
}

/** Hashes the beginning of a file at several lengths while it is read once. */
export class ContentHash {
  readonly #marks: readonly number[];
  readonly #hashAt = new Map<number, string>();
  readonly #hash = createHash("sha256");
  #lastLine: { readonly bytes: number; readonly hash: Hash } = {
    bytes: 0,
    hash: createHash("sha256"),
  };
  #bytes = 0;

  constructor(marks: readonly number[]) {
    this.#marks = [...new Set(marks)];
    // An empty file brings no bytes that could reach this mark.
    this.#hashAt.set(0, this.#hash.copy().digest("hex"));
  }

  update(chunk: Buffer): void {
    const end = this.#bytes + chunk.length;
    const lineEnd = chunk.lastIndexOf(0x0a) + 1;
    const stops = this.#marks.filter((mark) => mark >= this.#bytes && mark <= end);
    let from = this.#bytes;
    for (const stop of [...stops, ...(lineEnd === 0 ? [] : [this.#bytes + lineEnd])].sort(
      (left, right) => left - right,
    )) {
      this.#hash.update(chunk.subarray(from - this.#bytes, stop - this.#bytes));
      from = stop;
      if (stops.includes(stop)) this.#hashAt.set(stop, this.#hash.copy().digest("hex"));
      if (lineEnd > 0 && stop === this.#bytes + lineEnd)
        this.#lastLine = { bytes: stop, hash: this.#hash.copy() };
    }
    this.#hash.update(chunk.subarray(from - this.#bytes));
    this.#bytes = end;
  }

  end(): Content {
    const { bytes, hash } = this.#lastLine;
    return {
      bytes,
      hash: hash.digest("hex"),
      restBytes: this.#bytes - bytes,
      hashAt: this.#hashAt,
    };
  }
}
