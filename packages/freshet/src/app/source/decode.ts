import {
  type ErrorCode,
  FreshetError,
  type Json,
  type JsonObject,
  limits,
} from "@freshet/protocol";
import { type EventsInput, readBody, type Source } from "../../accept/index.ts";
import { isObject } from "../../server/json.ts";
import { compileMessageMap, type MessageMap, type ReadMessage } from "./message-map.ts";
import { parseTopicFilter, type TopicFilter } from "./topic.ts";

/** Which messages, and what they are. */
export interface TopicConfig {
  /** As MQTT has filters; a wildcard may have a name behind it: `shop/+store/events`, `devices/+anonymousId/#rest`. */
  readonly filter: string;
  /** `native` events unless said: one, a list, or `{ batch: [...] }`; `segment` events likewise; or a map. */
  readonly format?: "native" | "segment" | MessageMap;
}

/** What a message is to accept. */
export type Decoded =
  | { readonly kind: "events"; readonly input: EventsInput }
  /** The configuration leaves it out. */
  | { readonly kind: "leftOut" }
  | { readonly kind: "broken"; readonly code: ErrorCode; readonly message: string };

export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly id: string | null;
}

export type Decode = (message: Message) => Decoded;

/** The first topic whose filter matches decides. Pure, and never throws, whatever the payload. */
export function decoderOf(topics: readonly TopicConfig[], source: Source): Decode {
  const readers = topics.map(({ filter, format = "native" }) => ({
    filter: parseTopicFilter(filter),
    read: typeof format === "object" ? mappedReader(format) : eventReader(format),
  }));
  return (message) => {
    const found = firstMatch(readers, message.topic);
    if (found === null)
      return broken(
        "messageBroken",
        `no filter of the configuration matches topic "${cut(message.topic)}"`,
      );
    try {
      const read = found.reader.read(message, found.names);
      return "kind" in read
        ? read
        : { kind: "events", input: { ...read, source, ...idsOf(read.events, message) } };
    } catch (error) {
      if (error instanceof FreshetError) return broken(error.code, error.message);
      throw error;
    }
  };
}

type Names = { readonly [name: string]: string };
type Read = Pick<EventsInput, "shape" | "events" | "context" | "integrations" | "sentAt">;

interface Reader {
  readonly filter: TopicFilter;
  readonly read: (message: Message, names: Names) => Read | Exclude<Decoded, { kind: "events" }>;
}

function firstMatch(
  readers: readonly Reader[],
  topic: string,
): { readonly reader: Reader; readonly names: Names } | null {
  for (const reader of readers) {
    const names = reader.filter.match(topic);
    if (names !== null) return { reader, names };
  }
  return null;
}

/**
 * An event without an id has that of its message, which is the same when the message comes again. Where all of them
 * say when they were, accept derives ids from what they say instead: a device that publishes twice is one event then.
 */
function idsOf(events: readonly Json[], { id }: Message): Pick<EventsInput, "idBase"> {
  const isTimed = (event: Json) =>
    isObject(event) && [event.timestamp, event.originalTimestamp].some((time) => time != null);
  return id === null || events.every(isTimed) ? {} : { idBase: id };
}

function eventReader(format: "native" | "segment"): Reader["read"] {
  const name = format === "native" ? nameNative : nameSegment;
  return ({ payload }, names) => {
    const value = jsonOf(payload);
    const batch = isObject(value) && Array.isArray(value.batch) ? value.batch : null;
    const list = batch ?? (Array.isArray(value) ? value : null);
    if (list === null && !isObject(value))
      return broken(
        "bodyShape",
        "the payload should be an event, a list of events or { batch: [...] }",
      );
    const events = ((list ?? [value]) as readonly Json[]).map((event) =>
      isObject(event) ? name(event, names) : event,
    );
    const shared =
      batch !== null && isObject(value)
        ? defined({
            context: value.context,
            integrations: value.integrations,
            sentAt: value.sentAt,
          })
        : {};
    return { shape: format === "native" ? "native" : "segment-batch", events, ...shared };
  };
}

function mappedReader(map: MessageMap): Reader["read"] {
  const read: ReadMessage = compileMessageMap(map);
  const decode = payloadDecoders[map.payload ?? "json"];
  return ({ topic, payload }, names) => {
    const value = decode(payload);
    const event = read(value, { path: topic, ...names });
    if (event === null) return { kind: "leftOut" };
    if (typeof event === "string") return broken("messageBroken", event);
    return { shape: "native", events: [nameNative(event, names)] };
  };
}

const payloadDecoders: Readonly<
  Record<NonNullable<MessageMap["payload"]>, (payload: Uint8Array) => Json>
> = {
  json: jsonOf,
  text: textOf,
  number: (payload) => {
    const text = textOf(payload).trim();
    if (numberForm.test(text) && Number.isFinite(Number(text))) return Number(text) + 0;
    throw new FreshetError(
      "messageBroken",
      `the payload should be a number, but is "${cut(text)}"`,
    );
  },
};

const numberForm = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;

function jsonOf(payload: Uint8Array): Json {
  checkSize(payload);
  return readBody(payload, undefined).value;
}

function textOf(payload: Uint8Array): string {
  checkSize(payload);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(payload);
  } catch (cause) {
    throw new FreshetError("bodyNotUtf8", "the payload holds bytes that are not UTF-8", { cause });
  }
}

function checkSize({ length }: Uint8Array): void {
  if (length <= limits.bodyBytesMax) return;
  const message = `the payload has ${length} bytes; at most ${limits.bodyBytesMax} are taken`;
  throw new FreshetError("bodyTooLarge", message);
}

/** The topic says who and where: the broker knows who may publish there, and not what a payload says. */
function nameNative(event: JsonObject, names: Names): JsonObject {
  const { userId, anonymousId, ...properties } = names;
  const { metadata } = event;
  const isOwn = Object.keys(properties).length > 0 && event.event_type !== "identify";
  return {
    ...event,
    ...(userId === undefined ? {} : { user_id: userId }),
    ...(anonymousId === undefined ? {} : { anonymous_id: anonymousId }),
    ...(isOwn && (metadata == null || isObject(metadata))
      ? { metadata: { ...metadata, ...properties } }
      : {}),
  };
}

function nameSegment(event: JsonObject, names: Names): JsonObject {
  const { userId, anonymousId, ...more } = names;
  const { properties } = event;
  const hasProperties = ["track", "page", "screen"].includes(String(event.type));
  return {
    ...event,
    ...(userId === undefined ? {} : { userId }),
    ...(anonymousId === undefined ? {} : { anonymousId }),
    ...(hasProperties &&
    Object.keys(more).length > 0 &&
    (properties == null || isObject(properties))
      ? { properties: { ...properties, ...more } }
      : {}),
  };
}

function defined(
  fields: Readonly<Record<"context" | "integrations" | "sentAt", Json | undefined>>,
): Pick<EventsInput, "context" | "integrations" | "sentAt"> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function broken(code: ErrorCode, message: string): Extract<Decoded, { kind: "broken" }> {
  return { kind: "broken", code, message };
}

const cut = (text: string): string => Buffer.from(text.slice(0, 60)).toString();
