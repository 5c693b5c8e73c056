import { type Json, type JsonObject, limits, readJson } from "@freshet/protocol";
import type { Draft } from "./draft.ts";
import { extraOf, isObject, readIdentifier } from "./field.ts";
import { type Issue, pointer, show } from "./issue.ts";
import { isJsonType, mediaType } from "./media.ts";
import type { CaptureShape } from "./request.ts";
import { eventNames } from "./segment.ts";
import { isBase64 } from "./text.ts";

/**
 * How a request brings CloudEvents 1.0, by its HTTP binding: the content type decides, and without one of its own
 * the `ce-` headers do. Undefined where it brings none.
 */
export function cloudEventShape(
  contentType: string | undefined,
  attributes: ReadonlyMap<string, string>,
): CaptureShape | "unknown" | undefined {
  const media = mediaType(contentType);
  if (media === "application/cloudevents+json") return "cloudevent";
  if (media === "application/cloudevents-batch+json") return "cloudevent-batch";
  if (media.startsWith("application/cloudevents")) return "unknown";
  return required.some((name) => attributes.has(name)) ? "cloudevent-binary" : undefined;
}

/** One of them is enough to mean it; what the others lack is told. */
const required = ["specversion", "id", "source", "type"];

/**
 * A CloudEvent: `type` is the event's name and object data its properties. Whose it is say the extensions `userid`
 * and `anonymousid`, and without them `subject` is the user. An id is unique within its `source` only, so that both
 * make the message id; a URI holds no space, which keeps two pairs from making one text.
 */
export function readCloudEvent(event: JsonObject, issues: Issue[]): Draft {
  const id = readAttribute(event, "id", issues);
  const source = readSource(event, issues);
  const name = readAttribute(event, "type", issues);
  checkVersion(event, issues);
  const identify = name === "identify";
  const properties = propertiesOf(event, issues);
  const userId = readIdentifier(event, "userid", issues);
  const anonymousId = readIdentifier(event, "anonymousid", issues);
  const isNamed = userId !== undefined || anonymousId !== undefined;
  return {
    type: identify ? "identify" : "track",
    name: identify ? eventNames.identify : name,
    messageId: id === "" || source === "" ? undefined : messageIdOf(source, id, issues),
    userId: isNamed ? userId : readIdentifier(event, "subject", issues),
    anonymousId,
    timestamp: readTimestamp(event, issues),
    properties: identify ? {} : properties,
    traits: identify ? properties : undefined,
    context: undefined,
    extra: extraOf(event, knownAttributes),
    retryCount: undefined,
    contractField: "data",
    timestampField: "time",
  };
}

const knownAttributes: ReadonlySet<string> = new Set([
  ...["specversion", "id", "type", "time", "userid", "anonymousid", "data", "data_base64"],
]);

function readAttribute(event: JsonObject, attribute: string, issues: Issue[]): string {
  const value = Object.hasOwn(event, attribute) ? event[attribute] : undefined;
  const charsMax = limits.identifierCharsMax;
  if (typeof value === "string" && value !== "" && value.length <= charsMax) return value;
  const isLong = typeof value === "string" && value.length > charsMax;
  const came = isLong ? `${value.length} characters` : show(value);
  const expected = `a non-empty text of at most ${charsMax} characters`;
  issues.push(attributeIssue(attribute, `${expected}, but came as ${came}`));
  return "";
}

function readSource(event: JsonObject, issues: Issue[]): string {
  const source = readAttribute(event, "source", issues);
  if (!/\s/.test(source)) return source;
  issues.push(attributeIssue("source", "a URI reference, but has a space in it"));
  return "";
}

function checkVersion(event: JsonObject, issues: Issue[]): void {
  if (event.specversion === "1.0") return;
  issues.push(attributeIssue("specversion", `"1.0", but came as ${show(event.specversion)}`));
}

function messageIdOf(source: string, id: string, issues: Issue[]): string | undefined {
  const messageId = `${source} ${id}`;
  const charsMax = limits.identifierCharsMax;
  if (messageId.length <= charsMax) return messageId;
  const expected = `at most ${charsMax} characters together with "source"`;
  issues.push(attributeIssue("id", `${expected}, but they have ${messageId.length}`));
  return undefined;
}

/** RFC 3339 and nothing else: a time without a zone is no CloudEvents time. */
function readTimestamp(event: JsonObject, issues: Issue[]): Json | undefined {
  const { time } = event;
  if (time === undefined || time === null) return undefined;
  if (typeof time === "string" && rfc3339.test(time)) return time;
  const message = `"time" should be RFC 3339 with a zone, but came as ${show(time)}`;
  issues.push({ code: "timestampInvalid", message, path: "/time" });
  return undefined;
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,30})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** What is no object has no names for its parts, and goes under one. */
function propertiesOf(event: JsonObject, issues: Issue[]): JsonObject {
  const { data, data_base64: base64 } = event;
  if (base64 !== undefined && base64 !== null) {
    if (data !== undefined) issues.push(attributeIssue("data", 'absent beside "data_base64"'));
    if (typeof base64 === "string" && isBase64(base64)) return { dataBase64: base64 };
    issues.push(attributeIssue("data_base64", `base64, but came as ${show(base64)}`));
    return {};
  }
  if (data === undefined || data === null) return {};
  return isObject(data) ? data : { data };
}

function attributeIssue(attribute: string, expected: string): Issue {
  const message = `"${attribute}" should be ${expected}`;
  return { code: "cloudEventAttribute", message, path: pointer([attribute]) };
}

/** JSON that came as base64 is JSON all the same; what cannot be read as such stays what it is. */
export function unpackData(event: Json): Json {
  if (!isObject(event) || typeof event.data_base64 !== "string") return event;
  const { data_base64: base64, ...rest } = event;
  const type = event.datacontenttype;
  if (typeof type !== "string" || !isJsonType(mediaType(type)) || !isBase64(base64)) return event;
  if (event.data !== undefined) return event;
  try {
    return { ...rest, data: readJson(Buffer.from(base64, "base64").toString("utf8")) as Json };
  } catch {
    return event;
  }
}
