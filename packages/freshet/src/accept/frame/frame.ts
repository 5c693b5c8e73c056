import { FreshetError, type Json, type JsonObject, limits } from "@freshet/protocol";
import { isFramed, type SchemaType, unframe } from "../../schema/index.ts";
import { isObject } from "../field.ts";
import { isBase64 } from "../text.ts";
import { type FramedMedia, framedMedia } from "./media.ts";

/** A message with the id of the schema that it was written by. */
export interface Frame {
  readonly bytes: Uint8Array;
  /** What its schema must be of; undefined for any. */
  readonly kind: SchemaType | undefined;
  /** That of this message alone. */
  readonly contentType: string;
}

/** For each event of a request its message, where it has one. */
export type Frames = readonly (Frame | undefined)[];

/** Undefined where none of the events has one. */
export function framesIn(events: readonly Json[]): Frames | undefined {
  const frames = events.map(frameIn);
  return frames.some((frame) => frame !== undefined) ? frames : undefined;
}

/** Data without an id in front is no message: CloudEvents know nothing of registries. */
function frameIn(event: Json): Frame | undefined {
  const frame = messageIn(event);
  return frame !== undefined && isFramed(frame.bytes) ? frame : undefined;
}

/** An event's `data_base64`, where `datacontenttype` says that it is a message. */
export function messageIn(event: Json): Frame | undefined {
  if (!isObject(event)) return undefined;
  const { data_base64: base64, datacontenttype: contentType, data } = event;
  if (typeof base64 !== "string" || typeof contentType !== "string" || data !== undefined)
    return undefined;
  const media = framedMedia(contentType);
  if (media === undefined || media.framing !== undefined || !isBase64(base64)) return undefined;
  return { bytes: Buffer.from(base64, "base64"), kind: media.kind, contentType };
}

/** An event that could not be read, so that `messageIn` finds its message again once it can be. */
export function unreadEvent(known: JsonObject, { bytes, contentType }: Frame): JsonObject {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return { ...known, datacontenttype: contentType, data_base64: base64 };
}

/** Each once. Throws `batchTooLong` where there are more than a request may name. */
export function schemaIdsOf(frames: Frames): readonly number[] {
  const ids = new Set<number>();
  for (const frame of frames)
    if (frame !== undefined && isFramed(frame.bytes)) ids.add(unframe(frame.bytes).schemaId);
  if (ids.size <= limits.bodySchemasMax) return [...ids];
  const message = `the events are of ${ids.size} schemas; at most ${limits.bodySchemasMax} are taken`;
  throw new FreshetError("batchTooLong", message);
}

/**
 * The messages of a body, which share its memory. Throws `bodyShape` where the content type or the lengths do not say
 * where each of them ends.
 */
export function framesOf(body: Uint8Array, { type, kind, framing }: FramedMedia): readonly Frame[] {
  return messagesOf(body, framing).map((bytes) => ({ bytes, kind, contentType: type }));
}

function messagesOf(body: Uint8Array, framing: string | undefined): readonly Uint8Array[] {
  if (framing === "length-prefixed") return prefixed(body);
  if (framing === undefined && body.length > 0) return [body];
  const message =
    framing === undefined
      ? "the body should be a message with a schema id, but is empty"
      : `the parameter "framing" should be "length-prefixed", but is "${framing.slice(0, 60)}"`;
  throw new FreshetError("bodyShape", message, { hint: framingHint });
}

const framingHint =
  "send one message, or several with framing=length-prefixed and four bytes of length before each";
const lengthBytes = 4;

function prefixed(body: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const messages: Uint8Array[] = [];
  for (let at = 0; at < body.length; ) {
    const left = body.length - at - lengthBytes;
    const length = left < 0 ? undefined : view.getUint32(at);
    if (length === undefined || length > left) {
      const what = length === undefined ? "four bytes of length" : `${length} bytes`;
      const message = `message ${messages.length} should have ${what}, but the body ends before`;
      throw new FreshetError("bodyShape", message, { hint: framingHint });
    }
    at += lengthBytes;
    messages.push(body.subarray(at, at + length));
    at += length;
  }
  return messages;
}
