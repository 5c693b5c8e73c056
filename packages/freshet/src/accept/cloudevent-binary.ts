import { isUtf8 } from "node:buffer";
import { type Json, readJson } from "@freshet/protocol";
import type { ParsedBody } from "./body.ts";
import { inflate } from "./inflate.ts";
import type { Issue } from "./issue.ts";
import { isJsonType, mediaType } from "./media.ts";
import type { CaptureHeaders } from "./request.ts";

/** A CloudEvent whose attributes are headers and whose data is the body, as the object that it is in JSON. */
export function readBinaryEvent(headers: CaptureHeaders, body: Uint8Array): ParsedBody {
  const issues: Issue[] = [];
  const attributes = attributesOf(headers.cloudEvent ?? new Map(), issues);
  const { contentType } = headers;
  const value = {
    ...attributes,
    ...(contentType === undefined ? {} : { datacontenttype: contentType }),
    ...dataOf(inflate(body, headers.contentEncoding), contentType, issues),
  };
  return { value, surrogatesPossible: true, issues };
}

/** Own properties whatever their names: a header may be called like one of `Object.prototype`. */
function attributesOf(
  headers: ReadonlyMap<string, string>,
  issues: Issue[],
): Readonly<Record<string, string>> {
  const attributes: [string, string][] = [];
  for (const [name, sent] of headers) {
    if (name === "data" || name === "data_base64") {
      issues.push(headerIssue(name, "absent: data is the body"));
      continue;
    }
    const value = decodeHeader(sent);
    if (value === undefined) issues.push(headerIssue(name, "percent-encoded UTF-8"));
    attributes.push([name, value ?? sent]);
  }
  return Object.fromEntries(attributes);
}

function headerIssue(name: string, expected: string): Issue {
  const message = `the header "ce-${name.slice(0, 60)}" should be ${expected}`;
  return { code: "cloudEventAttribute", message };
}

/**
 * Unquoted, then one round of percent-decoding (HTTP binding, section 3.1.3.2); undefined where that gives bytes that
 * are not UTF-8. A percent sign that encodes nothing stands for itself: common producers encode none.
 */
function decodeHeader(sent: string): string | undefined {
  const isQuoted = sent.length > 1 && sent.startsWith('"') && sent.endsWith('"');
  const text = isQuoted ? sent.slice(1, -1).replace(/\\(.)/g, "$1") : sent;
  try {
    return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, decodeURIComponent);
  } catch {
    return undefined;
  }
}

interface Data {
  readonly data?: Json;
  readonly data_base64?: string;
}

function dataOf(bytes: Uint8Array, contentType: string | undefined, issues: Issue[]): Data {
  if (bytes.byteLength === 0) return {};
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const media = mediaType(contentType);
  if (isJsonType(media)) return jsonData(buffer, media !== "", issues);
  return isTextType(media) && isUtf8(bytes) ? { data: buffer.toString("utf8") } : base64(buffer);
}

/** Where the type says JSON, other bytes are a fault; where nothing says so, they are just bytes. */
function jsonData(buffer: Buffer, isSaid: boolean, issues: Issue[]): Data {
  try {
    if (isUtf8(buffer)) return { data: readJson(buffer.toString("utf8")) as Json };
  } catch {
    // Falls through to the same as bytes that are no text.
  }
  if (isSaid) {
    const message = "the data should be JSON, as its content type says, but is not";
    issues.push({ code: "bodyNotJson", message, path: "/data" });
  }
  return base64(buffer);
}

function isTextType(media: string): boolean {
  return media.startsWith("text/") || /[/+]xml$/.test(media) || media === formType;
}

const formType = "application/x-www-form-urlencoded";

function base64(buffer: Buffer): Data {
  return { data_base64: buffer.toString("base64") };
}
