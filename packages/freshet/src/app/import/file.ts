import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readSync, statSync } from "node:fs";
import { createGunzip } from "node:zlib";
import { UsageError } from "../usage-error.ts";
import { type Content, ContentHash } from "./content-hash.ts";
import { detectFormat } from "./format/detect.ts";
import { type FormatName, formats } from "./format/index.ts";

/** What a look at the whole file found out, before anything of it is imported. */
export interface InspectedFile {
  readonly path: string;
  /** SHA-256 of its bytes, in hexadecimal. */
  readonly hash: string;
  readonly bytes: number;
  readonly isGzip: boolean;
  readonly format: FormatName;
  /** Eight hexadecimal digits of its first line. */
  readonly firstLineHash: string;
  /** Its inflated bytes up to the last line end. */
  readonly content: Content;
}

export interface InspectOptions {
  readonly format?: FormatName;
  /** Lengths at which the hash of the file's beginning is wanted. */
  readonly marks?: readonly number[];
  readonly signal?: AbortSignal;
}

/**
 * Reads a file once to its end: a gzip that was cut short, or bytes that are not UTF-8, would else come to light
 * in the middle of an import. Throws UsageError.
 */
export async function inspectFile(path: string, options: InspectOptions): Promise<InspectedFile> {
  const { signal } = options;
  const bytes = sizeOf(path);
  const isGzip = startsAsGzip(path);
  const format = options.format ?? (await formatOf(path));
  const hash = createHash("sha256");
  const content = new ContentHash(options.marks ?? []);
  const decoder = formats[format].isUtf8 ? new TextDecoder("utf-8", { fatal: true }) : null;
  const firstLine = createHash("sha256");
  let isFirstLine = true;
  let inflated = 0;
  try {
    for await (const chunk of openChunks(path, isGzip, (raw) => hash.update(raw))) {
      signal?.throwIfAborted();
      decoder?.decode(chunk, { stream: true });
      content.update(chunk);
      if (isFirstLine) {
        const end = chunk.indexOf(lineFeed);
        firstLine.update(end === -1 ? chunk : chunk.subarray(0, end));
        isFirstLine = end === -1;
      }
      inflated += chunk.length;
    }
    decoder?.decode();
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw unreadable(path, error, inflated);
  }
  return {
    ...{ path, bytes, isGzip, format },
    hash: hash.digest("hex"),
    firstLineHash: firstLine.digest("hex").slice(0, 8),
    content: content.end(),
  };
}

/** What a run leaves unread of this file. */
export function openLineBytesOf({ format, content }: InspectedFile): number {
  return formats[format].isLog ? content.restBytes : 0;
}

/** How a file is written, by its name and its first bytes. Throws UsageError where it cannot be read. */
export async function formatOf(path: string): Promise<FormatName> {
  sizeOf(path);
  let head = Buffer.alloc(0);
  try {
    for await (const chunk of openChunks(path, startsAsGzip(path), () => {})) {
      head = Buffer.concat([head, chunk.subarray(0, headBytesMax)]);
      if (head.length >= headBytesMax) break;
    }
  } catch (error) {
    throw unreadable(path, error, head.length);
  }
  return detectFormat(path, head.toString("utf8"));
}

const lineFeed = 0x0a;
/** Room for the first row of an export. */
const headBytesMax = 64 * 1024;

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
  throw new UsageError(`"${path}" is no file`, "name a file of rows, gzip or not");
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
