import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readSync, statSync } from "node:fs";
import { createGunzip } from "node:zlib";
import { UsageError } from "../usage-error.ts";

/** What a look at the whole file found out, before anything of it is imported. */
export interface InspectedFile {
  readonly path: string;
  /** SHA-256 of its bytes, in hexadecimal. */
  readonly hash: string;
  readonly bytes: number;
  readonly isGzip: boolean;
  readonly kind: "csv" | "jsonl";
}

/**
 * Reads a file once to its end: a gzip that was cut short, or bytes that are not UTF-8, would else come to light
 * in the middle of an import. Throws UsageError.
 */
export async function inspectFile(path: string, signal?: AbortSignal): Promise<InspectedFile> {
  const bytes = sizeOf(path);
  const isGzip = startsAsGzip(path);
  const hash = createHash("sha256");
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let head = "";
  let inflated = 0;
  try {
    for await (const chunk of openChunks(path, isGzip, (raw) => hash.update(raw))) {
      signal?.throwIfAborted();
      const text = decoder.decode(chunk, { stream: true });
      if (head.length < headCharsMax) head += text.slice(0, headCharsMax);
      inflated += chunk.length;
    }
    decoder.decode();
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw unreadable(path, error, inflated);
  }
  return { path, hash: hash.digest("hex"), bytes, isGzip, kind: kindOf(path, head) };
}

const headCharsMax = 4096;

/** Inflated bytes of a file; `onRaw` hears the bytes as they are on disk. Holds no more than a few chunks. */
export async function* openChunks(
  path: string,
  isGzip: boolean,
  onRaw: (raw: Buffer) => void,
): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: chunkBytes });
  if (!isGzip) {
    for await (const chunk of file as AsyncIterable<Buffer>) {
      onRaw(chunk);
      yield chunk;
    }
    return;
  }
  const inflate = createGunzip({ chunkSize: chunkBytes });
  file.on("data", (raw) => onRaw(raw as Buffer));
  file.on("error", (error) => inflate.destroy(error));
  file.pipe(inflate);
  try {
    yield* inflate as AsyncIterable<Buffer>;
  } finally {
    file.destroy();
    inflate.destroy();
  }
}

const chunkBytes = 256 * 1024;

function sizeOf(path: string): number {
  try {
    const found = statSync(path);
    if (found.isFile()) return found.size;
  } catch (error) {
    throw new UsageError(
      `"${path}" cannot be read: ${(error as Error).message}`,
      "check the path",
      1,
    );
  }
  throw new UsageError(`"${path}" is no file`, "name a CSV or JSONL file, gzip or not");
}

/** By its first bytes: names lie. */
function startsAsGzip(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const magic = Buffer.alloc(2);
    return readSync(file, magic, 0, 2, 0) === 2 && magic[0] === 0x1f && magic[1] === 0x8b;
  } finally {
    closeSync(file);
  }
}

/** By its name, else by its first character: a row of JSONL is an object. */
function kindOf(path: string, head: string): "csv" | "jsonl" {
  if (/\.(jsonl|ndjson)(\.gz)?$/i.test(path)) return "jsonl";
  if (/\.(csv|tsv)(\.gz)?$/i.test(path)) return "csv";
  return head.trimStart().startsWith("{") ? "jsonl" : "csv";
}

function unreadable(path: string, error: unknown, inflated: number): UsageError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "Z_BUF_ERROR")
    return new UsageError(
      `"${path}" ends in the middle of its gzip data, after ${inflated} inflated bytes; nothing was imported`,
      "the file was cut short: fetch it again",
      1,
    );
  if (code?.startsWith("Z_") === true)
    return new UsageError(
      `"${path}" is damaged: ${message}; nothing was imported`,
      "fetch it again",
      1,
    );
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA")
    return new UsageError(
      `"${path}" has bytes that are not UTF-8 after byte ${inflated}; nothing was imported`,
      "convert it first, for instance: iconv -f latin1 -t utf-8 old.csv > new.csv",
      1,
    );
  return new UsageError(
    `"${path}" cannot be read: ${message}`,
    "check the path and its permissions",
    1,
  );
}
