import { FreshetError, type Json, type JsonObject, limits } from "@freshet/protocol";
import { type PayloadReader, type SchemaType, unframe } from "../../schema/index.ts";
import { isObject } from "../field.ts";
import type { Issue } from "../issue.ts";
import { wellFormed } from "../text.ts";
import { type Frame, type Frames, unreadEvent } from "./frame.ts";
import { charsOf } from "./measure.ts";
import type { SchemaTable } from "./schema.ts";

/** What is known of an event that came as a message with a schema id. */
export interface Origin {
  /** Undefined where the message does not even have one. */
  readonly schemaId: number | undefined;
  /** Why the message could not be read: the event is `unreadEvent`. */
  readonly issue?: Issue;
}

/** With a message that tells nothing of the schema or the value. */
export function withBareIssue(origin: Origin | undefined): Origin | undefined {
  const { issue } = origin ?? {};
  if (origin === undefined || issue?.bare === undefined) return origin;
  const { path: _path, ...bare } = issue;
  return { ...origin, issue: { ...bare, message: issue.bare } };
}

export interface DecodedEvents {
  readonly events: readonly Json[];
  /** As long as `events`. */
  readonly origins: readonly (Origin | undefined)[];
}

/** Puts a value into the event that is known without it; `name` is what its schema calls it. */
export type PutValue = (known: JsonObject, value: Json, name: string | undefined) => Json;

/**
 * Reads the messages of a request by the schemas that their ids stand for. One that cannot be read is refused alone.
 * Throws `bodyTooLarge` where the values together are more than `bodyDecodedCharsMax`.
 */
export function decodeFrames(
  { frames, events }: { readonly frames: Frames; readonly events: readonly Json[] },
  schemas: SchemaTable,
  put: PutValue,
): DecodedEvents {
  const decoded: Json[] = [];
  const origins: (Origin | undefined)[] = [];
  let chars = 0;
  for (const [index, event] of events.entries()) {
    const frame = frames[index];
    if (frame === undefined || !isObject(event)) {
      decoded.push(event);
      origins.push(undefined);
      continue;
    }
    const read = readFrame(frame, event, schemas);
    chars += read.chars;
    if (chars > limits.bodyDecodedCharsMax) throw tooLarge();
    const isRead = read.kind === "value";
    decoded.push(isRead ? put(event, read.value, read.name) : unreadEvent(event, frame));
    origins.push(isRead ? { schemaId: read.schemaId } : read);
  }
  return { events: decoded, origins };
}

function tooLarge(): FreshetError {
  const message = `the events are more than ${limits.bodyDecodedCharsMax} characters as JSON`;
  return new FreshetError("bodyTooLarge", message, { hint: "send fewer events in a request" });
}

interface Value {
  readonly kind: "value";
  readonly schemaId: number;
  readonly value: Json;
  readonly name: string | undefined;
  readonly chars: number;
}

interface Refused extends Origin {
  readonly kind: "refused";
  readonly issue: Issue;
  /** What reading it took nevertheless. */
  readonly chars: number;
}

function readFrame(frame: Frame, event: JsonObject, schemas: SchemaTable): Value | Refused {
  let schemaId: number | undefined;
  const meter = { items: 0 };
  try {
    const framed = unframe(frame.bytes);
    schemaId = framed.schemaId;
    const named = schemaIdNamed(event.dataschema);
    if (named !== undefined && named !== schemaId)
      return refused(schemaId, otherSchema(named, schemaId), frame.bytes.length);
    const schema = schemaOf(schemaId, schemas, frame.kind);
    const name = schema.nameOf(framed.payload);
    const value = schema.read(framed.payload, meter);
    // Longer than any body in JSON could be: a few bytes may stand for a long text of the schema, again and again.
    const chars = charsOf(value, limits.bodyBytesMax);
    if (chars > limits.bodyBytesMax)
      return refused(schemaId, ofTooLarge, chars + meter.items * itemChars);
    return { kind: "value", schemaId, value, name, chars: chars + meter.items * itemChars };
  } catch (error) {
    const known = error instanceof RangeError ? tooDeep(error) : error;
    if (!(known instanceof FreshetError)) throw error;
    const chars = frame.bytes.length + meter.items * itemChars;
    return refused(schemaId, issueOf(known, schemaId), chars);
  }
}

function refused(schemaId: number | undefined, issue: Issue, chars: number): Refused {
  const schema = schemaId === undefined ? {} : { schema: `id ${schemaId}` };
  return { kind: "refused", schemaId, issue: { ...issue, ...schema, isUnread: true }, chars };
}

/** A CloudEvent may say its schema's address, which in a registry's API ends in the id. */
function schemaIdNamed(dataschema: Json | undefined): number | undefined {
  if (typeof dataschema !== "string") return undefined;
  const id = /\/schemas\/ids\/(\d{1,10})(?:[/?#]|$)/.exec(dataschema)?.[1];
  return id === undefined ? undefined : Number(id);
}

function otherSchema(named: number, schemaId: number): Issue {
  const message = `"dataschema" names the schema ${named}, but the data is of the schema ${schemaId}`;
  return { code: "cloudEventAttribute", message, bare: message, path: "/dataschema" };
}

const ofTooLarge: Issue = {
  code: "eventTooLarge",
  message: `the event should be at most ${limits.eventBytesMax} bytes as JSON, but is more than ${limits.bodyBytesMax}`,
};

/** What an item costs even where it is nothing, or is thrown away. */
const itemChars = 8;

/** JSON is held against its schema by recursion. */
function tooDeep(cause: RangeError): FreshetError {
  return new FreshetError("schemaBytes", "it is nested too deep", { cause });
}

/** What codecs say may repeat what was sent, such as names, at any length. */
function issueOf({ code, message }: FreshetError, schemaId: number | undefined): Issue {
  if (schemaId === undefined || code === "schemaUnknown") return { code, message };
  const bare = `the message cannot be read by the schema ${schemaId}`;
  const why = message.length <= whyCharsMax ? message : `${message.slice(0, whyCharsMax)}...`;
  return { code, message: wellFormed(`${bare}: ${why}`), bare };
}

const whyCharsMax = 1024;

/** A payload that has none of the kinds that its content type says would be read as something that it is not. */
function schemaOf(id: number, schemas: SchemaTable, kind: SchemaType | undefined): PayloadReader {
  const found = schemas.get(id);
  if (found === undefined)
    throw new FreshetError("registryUnavailable", "the schema registry could not be asked");
  if (found.type === "fault") throw new FreshetError(found.code, found.message);
  if (kind === undefined || kind === found.type) return found;
  const message = `its content type says ${kindNames[kind]}, but the schema is ${kindNames[found.type]}`;
  throw new FreshetError("schemaBytes", message);
}

const kindNames: Readonly<Record<SchemaType, string>> = {
  AVRO: "Avro",
  JSON: "JSON Schema",
  PROTOBUF: "Protobuf",
};
