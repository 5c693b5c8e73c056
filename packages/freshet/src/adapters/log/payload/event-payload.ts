import type { Json, JsonObject } from "@freshet/protocol";
import { type AcceptedEvent, partOf } from "../../../core/event.ts";
import type { EventRecord } from "../../../core/record.ts";
import { PayloadDamaged } from "./byte-reader.ts";
import { type ByteWriter, misfit } from "./byte-writer.ts";
import type { CompactFormat, EventCodec } from "./codec.ts";

/**
 * The payload of an event record in the registry's wire format: a zero, the schema's id in four bytes, for Protobuf
 * the place of the message in its file, and the event. The record's key is not there: it is the event's own part.
 */
export interface EventSchema {
  readonly id: number;
  readonly codec: EventCodec;
}

/**
 * Finds what an id stands for; undefined where the log does not have it. Throws `PayloadDamaged` for a row that is none,
 * `PayloadUnknown` for one that a later version wrote.
 */
export type FindSchema = (id: number) => EventSchema | undefined;

const headBytes = { avro: 5, protobuf: 6 } as const satisfies Record<CompactFormat, number>;

/** False where the event has to be written as JSON; `out` is then where it was. */
export function writeEvent(out: ByteWriter, record: EventRecord, schema: EventSchema): boolean {
  const { at } = out;
  try {
    if (!isOwnKey(record)) return false;
    writeFrame(out, schema);
    schema.codec.write(out, record.event as unknown as JsonObject);
    return true;
  } catch (error) {
    out.at = at;
    if (error === misfit) return false;
    throw error;
  }
}

function isOwnKey({ key, event: { userId, anonymousId } }: EventRecord): boolean {
  if (userId !== undefined) return isJoined(key, "user:", userId);
  return anonymousId !== undefined && isJoined(key, "anon:", anonymousId);
}

/** Without making the text, which costs as much as writing it. */
function isJoined(text: string, first: string, second: string): boolean {
  return (
    text.length === first.length + second.length && text.startsWith(first) && text.endsWith(second)
  );
}

function writeFrame(out: ByteWriter, { id, codec }: EventSchema): void {
  const bytes = headBytes[codec.format];
  out.room(bytes);
  out.buffer[out.at] = 0;
  out.buffer.writeUInt32BE(id, out.at + 1);
  // The first message of the file.
  if (codec.format === "protobuf") out.buffer[out.at + 5] = 0;
  out.at += bytes;
}

export interface EventBytes {
  readonly batch: Buffer;
  readonly at: number;
  readonly end: number;
  readonly format: CompactFormat;
}

/** Key and event of a record. Throws `PayloadDamaged`, and what `find` throws. */
export function readEvent(
  { batch, at, end, format }: EventBytes,
  find: FindSchema,
): Pick<EventRecord, "key" | "event"> {
  const head = headBytes[format];
  if (end - at < head || batch[at] !== 0 || (head === 6 && batch[at + 5] !== 0))
    throw new PayloadDamaged("the payload is not in the wire format");
  const id = batch.readUInt32BE(at + 1);
  const schema = find(id);
  if (schema === undefined) throw new PayloadDamaged(`its schema ${id} is not in the log`);
  if (schema.codec.format !== format)
    throw new PayloadDamaged(`its schema ${id} is for ${schema.codec.format}, not for ${format}`);
  const event = schema.codec.read(batch, at + head, end);
  if (!isEvent(event)) throw new PayloadDamaged("its event lacks what every event has");
  return { key: partOf(event), event };
}

/** What a body in JSON is checked for, and what `partOf` needs; the crc covers the rest. */
function isEvent(event: JsonObject): event is JsonObject & AcceptedEvent {
  const { id, userId, anonymousId } = event;
  return isText(id) && (isText(userId) || (userId === undefined && isText(anonymousId)));
}

function isText(value: Json | undefined): boolean {
  return typeof value === "string";
}
