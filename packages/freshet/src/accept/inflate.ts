import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from "node:zlib";
import { FreshetError, limits } from "@freshet/protocol";

/**
 * The body without its content encoding, at most `limits.bodyBytesMax` long before and after. Inflating stops
 * at the limit, so a bomb costs no more than an honest body; that bound is also why it may be synchronous.
 */
export function inflate(body: Uint8Array, contentEncoding: string | undefined): Uint8Array {
  if (body.byteLength > limits.bodyBytesMax) throw tooLarge(`the body is ${body.byteLength} bytes`);
  const encoding = (contentEncoding ?? "").trim().toLowerCase();
  if (encoding === "" || encoding === "identity") return body;
  const decompress = decompressorOf(encoding, body);
  try {
    return decompress(body, { maxOutputLength: limits.bodyBytesMax });
  } catch (cause) {
    if (codeOf(cause) === "ERR_BUFFER_TOO_LARGE") throw tooLarge("the inflated body is longer");
    throw new FreshetError("bodyInflateFailed", `the body is not valid "${encoding}"`, { cause });
  }
}

type Decompress = (body: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

function decompressorOf(encoding: string, body: Uint8Array): Decompress {
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return gunzipSync;
    case "br":
      return brotliDecompressSync;
    case "deflate":
      return hasZlibHeader(body) ? inflateSync : inflateRawSync;
    default:
      throw new FreshetError(
        "bodyEncodingUnknown",
        `content encoding "${encoding.slice(0, 60)}" is not known`,
      );
  }
}

/** Clients disagree on whether "deflate" has the zlib header (RFC 1950), which is a multiple of 31. */
function hasZlibHeader(body: Uint8Array): boolean {
  const first = body[0] ?? 0;
  return (first & 0x0f) === 8 && ((first << 8) | (body[1] ?? 0)) % 31 === 0;
}

function tooLarge(what: string): FreshetError {
  return new FreshetError(
    "bodyTooLarge",
    `${what}; at most ${limits.bodyBytesMax} bytes are taken`,
  );
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
