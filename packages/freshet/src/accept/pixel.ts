import { type Json, type JsonObject, limits, readJson } from "@freshet/protocol";
import type { EventType } from "../core/event.ts";
import { acceptEvents } from "./accept.ts";
import { isObject } from "./field.ts";
import type { Issue } from "./issue.ts";
import { sourceOfHeader, sourceOfKey } from "./key.ts";
import type { AcceptContext, Accepted } from "./request.ts";

export interface PixelRequest extends PixelAddress {
  /** Set where the path names a type, as Segment's pixels have it: `data` is then a whole event. */
  readonly type?: EventType | undefined;
  readonly authorization?: string | undefined;
  readonly remoteAddress: string;
}

/**
 * The event of a pixel, as a log record. Throws where no source can be told or nothing can be kept; what is wrong with
 * the event makes it a dead letter.
 */
export function acceptPixel(request: PixelRequest, context: AcceptContext): Accepted {
  const { type } = request;
  const { writeKey, event, issues } =
    type === undefined ? readPixel(request) : readSegmentPixel(request);
  const source =
    sourceOfHeader({ headers: request }, context.sources) ?? sourceOfKey(writeKey, context.sources);
  const { remoteAddress, userAgent } = request;
  const input = { events: [event], source, remoteAddress, userAgent, issues };
  return type === undefined
    ? acceptEvents({ shape: "native", ...input }, context)
    : acceptEvents({ shape: "segment-single", type, ...input }, context);
}

export interface PixelAddress {
  /** What stands behind the `?`, as it came. */
  readonly query: string;
  readonly referrer?: string | undefined;
  readonly userAgent?: string | undefined;
}

export interface Pixel {
  readonly writeKey: string | undefined;
  /** A native event. */
  readonly event: JsonObject;
  readonly issues: readonly Issue[];
}

/**
 * The event of an image's address: fields of a native event as parameters, properties as `p.<name>` (texts) or as
 * `data`, base64url of a JSON object. A parameter that comes twice counts once, the first time. Never throws: an
 * image cannot say what is wrong, so the event is kept with its issues.
 */
export function readPixel({ query, referrer, userAgent }: PixelAddress): Pixel {
  const issues: Issue[] = [];
  const fields = fieldsOf(query, issues);
  const metadata = { ...dataOf(fields.get("data"), issues), ...propertiesOf(fields) };
  const context = contextOf(referrer, userAgent);
  const event = {
    ...Object.fromEntries([...fields].filter(([name]) => nativeFields.has(name))),
    metadata,
    ...(context === undefined ? {} : { context }),
  };
  return { writeKey: fields.get("writeKey") || undefined, event, issues };
}

/** The same for Segment's pixels: the whole event is `data`, its key in it. */
function readSegmentPixel({ query, referrer, userAgent }: PixelAddress): Pixel {
  const issues: Issue[] = [];
  const fields = fieldsOf(query, issues);
  const sent = dataOf(fields.get("data"), issues);
  const context = contextOf(referrer, userAgent);
  const own = isObject(sent.context) || sent.context === undefined ? sent.context : undefined;
  const event = context === undefined ? sent : { ...sent, context: { ...context, ...own } };
  const key = Object.hasOwn(sent, "writeKey") ? sent.writeKey : undefined;
  return { writeKey: typeof key === "string" ? key : fields.get("writeKey"), event, issues };
}

function fieldsOf(query: string, issues: Issue[]): ReadonlyMap<string, string> {
  const charsMax = limits.pixelQueryCharsMax;
  if (query.length > charsMax) {
    const message = `the query should be at most ${charsMax} characters, but has ${query.length}`;
    issues.push({ code: "eventTooLarge", message });
  }
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query.slice(0, charsMax)))
    if (!fields.has(name)) fields.set(name, value);
  return fields;
}

const nativeFields: ReadonlySet<string> = new Set([
  ...["event_id", "event_type", "user_id", "anonymous_id", "timestamp"],
]);

const propertyPrefix = "p.";

/** Own properties whatever their names. */
function propertiesOf(fields: ReadonlyMap<string, string>): JsonObject {
  const properties = [...fields].flatMap(([name, value]) =>
    name.startsWith(propertyPrefix) && name.length > propertyPrefix.length
      ? [[name.slice(propertyPrefix.length), value] as const]
      : [],
  );
  return Object.fromEntries(properties);
}

/** The alphabets of base64 and base64url alike, with or without padding. */
function dataOf(text: string | undefined, issues: Issue[]): JsonObject {
  if (text === undefined || text === "") return {};
  const value = /^[\w+/ -]+={0,2}$/.test(text) ? parse(text.replaceAll(" ", "+")) : undefined;
  if (isObject(value)) return value;
  const message = '"data" should be base64url of a JSON object, but cannot be read as one';
  issues.push({ code: "eventFieldType", message, path: "/data" });
  return {};
}

function parse(text: string): Json | undefined {
  try {
    return readJson(Buffer.from(text, "base64").toString("utf8")) as Json;
  } catch {
    return undefined;
  }
}

/** To an image the page is the referrer; how much of its address comes is for the page's policy to say. */
function contextOf(referrer: string | undefined, userAgent: string | undefined) {
  const page = pageOf(referrer);
  if (page === undefined && userAgent === undefined) return undefined;
  return {
    ...(page === undefined ? {} : { page }),
    ...(userAgent === undefined ? {} : { userAgent }),
  };
}

function pageOf(referrer: string | undefined): JsonObject | undefined {
  const url = referrer === undefined ? null : URL.parse(referrer);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  return { url: url.href, path: url.pathname, search: url.search };
}
