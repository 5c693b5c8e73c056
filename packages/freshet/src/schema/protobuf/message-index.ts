import { FreshetError } from "@freshet/protocol";
import protobuf from "protobufjs";
import { schemaBytes } from "../error.ts";
import { schemaLimits } from "../limits.ts";
import type { ProtobufSchema } from "./schema.ts";

/** Where a message stands in its file: its place among the file's messages, then among that message's own, and so on. */
export type MessageIndexes = readonly number[];

export function messageAt(schema: ProtobufSchema, indexes: MessageIndexes): protobuf.Type {
  let found: protobuf.Type | undefined;
  let among = schema.messages;
  for (const index of indexes) {
    found = among[index];
    if (found === undefined) break;
    among = messagesIn(found);
  }
  if (found === undefined)
    throw schemaBytes(`the schema has no message at [${indexes.slice(0, 8).join(", ")}]`);
  return found;
}

export function indexesOf(schema: ProtobufSchema, message: protobuf.Type): MessageIndexes {
  const { parent } = message;
  if (parent instanceof protobuf.Type)
    return [...indexesOf(schema, parent), messagesIn(parent).indexOf(message)];
  return [schema.messages.indexOf(message)];
}

function messagesIn(type: protobuf.Type): readonly protobuf.Type[] {
  return type.nestedArray.filter((object) => object instanceof protobuf.Type);
}

/** Zigzag varints: how many, then each. The most common, `[0]`, is one byte of zero. */
export function encodeIndexes(indexes: MessageIndexes): Uint8Array {
  if (indexes.length === 1 && indexes[0] === 0) return Uint8Array.of(0);
  const writer = protobuf.Writer.create();
  writer.sint32(indexes.length);
  for (const index of indexes) writer.sint32(index);
  return writer.finish();
}

/** Indexes at the start of a payload, and where they end. */
export function decodeIndexes(bytes: Uint8Array): { indexes: MessageIndexes; end: number } {
  const reader = protobuf.Reader.create(bytes);
  try {
    const length = reader.sint32();
    if (length === 0) return { indexes: [0], end: reader.pos };
    if (length < 0 || length > schemaLimits.valueDepthMax)
      throw schemaBytes(`the payload has ${length} message indexes`);
    const indexes = Array.from({ length }, () => reader.sint32());
    return { indexes, end: reader.pos };
  } catch (error) {
    if (error instanceof FreshetError) throw error;
    // Also a number of more than ten bytes, which the reader does not call a RangeError.
    throw schemaBytes("the message indexes are cut off, or none", error);
  }
}
