import { isUtf8 } from "node:buffer";
import { FreshetError, type Json, readJson } from "@freshet/protocol";
import { inflate } from "./inflate.ts";
import type { Issue } from "./issue.ts";

export interface ParsedBody {
  readonly value: Json;
  /** False when no text of it can hold a lone surrogate: those come only from `\u` escapes. */
  readonly surrogatesPossible: boolean;
  /** What is wrong with the events of a body that could be read nevertheless. */
  readonly issues?: readonly Issue[];
}

/** Bytes to JSON whatever the content type says: browsers send JSON as text/plain to spare a preflight. */
export function readBody(body: Uint8Array, contentEncoding: string | undefined): ParsedBody {
  const bytes = inflate(body, contentEncoding);
  if (bytes[0] === 0) throw framed();
  const text = textOf(bytes);
  try {
    return { value: readJson(text) as Json, surrogatesPossible: text.includes("\\u") };
  } catch (cause) {
    const why =
      cause instanceof SyntaxError ? cause.message.slice(0, 200) : "it is nested too deep";
    throw new FreshetError("bodyNotJson", `the body is not JSON: ${why}`, { cause });
  }
}

/** No JSON begins with a zero, and messages with a schema id do. */
function framed(): FreshetError {
  return new FreshetError("bodyNotJson", "the body is not JSON: it begins with a zero", {
    hint: "send a message with a schema id to /v1/events as application/vnd.freshet.framed",
  });
}

/** Strict: replacing what is not UTF-8 would change what the client meant without a word. */
function textOf(bytes: Uint8Array): string {
  if (!isUtf8(bytes))
    throw new FreshetError("bodyNotUtf8", "the body holds bytes that are not UTF-8");
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}
