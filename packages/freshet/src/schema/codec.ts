import type { Json } from "@freshet/protocol";
import { avroCodec } from "./avro/codec.ts";
import { schemaInvalid } from "./error.ts";
import { jsonCodec } from "./json/codec.ts";
import { protobufCodec } from "./protobuf/codec.ts";
import { decodeIndexes, encodeIndexes, indexesOf, messageAt } from "./protobuf/message-index.ts";
import { messageNamed } from "./protobuf/parse.ts";
import { localName } from "./protobuf/schema.ts";
import type { DecodeMeter, ParsedSchema, SchemaCodec } from "./schema.ts";

export interface CodecOptions {
  /** The version that wrote what is decoded; the schema itself if not given. Of the same kind. */
  readonly writer?: ParsedSchema;
  /** Protobuf: the message that values are of; the file's first if not given. */
  readonly message?: string;
}

/** Compiles a schema; keep the result, compiling takes milliseconds. */
export function codecOf(schema: ParsedSchema, { writer, message }: CodecOptions = {}): SchemaCodec {
  if (writer !== undefined && writer.type !== schema.type)
    throw schemaInvalid(
      `the writer's schema is of type ${writer.type}, the reader's ${schema.type}`,
    );
  switch (schema.type) {
    case "AVRO":
      return avroCodec(schema, writer?.type === "AVRO" ? writer : schema);
    case "JSON":
      return jsonCodec(schema);
    case "PROTOBUF":
      return protobufCodec(schema, message);
  }
}

/**
 * The payload behind the registry's frame, as its clients write it: a codec's bytes, which for Protobuf come after the
 * place of the message in its file.
 */
export interface PayloadCodec {
  encode(value: Json): Uint8Array;
  decode(payload: Uint8Array, meter?: DecodeMeter): Json;
}

/** Codes payloads of the wire format; `options` as for `codecOf`. */
export function payloadCodecOf(schema: ParsedSchema, options: CodecOptions = {}): PayloadCodec {
  if (schema.type !== "PROTOBUF") return codecOf(schema, options);
  const { message } = options;
  const type = message === undefined ? schema.messages[0] : messageNamed(schema, message);
  if (type === undefined) throw schemaInvalid(`the schema has no message "${message ?? ""}"`);
  const head = encodeIndexes(indexesOf(schema, type));
  const own = protobufCodec(schema, localName(type.fullName, schema.package));
  const writer = options.writer?.type === "PROTOBUF" ? options.writer : schema;
  const readers = new Map<string, SchemaCodec>();
  return {
    encode(value) {
      const body = own.encode(value);
      const payload = new Uint8Array(head.length + body.length);
      payload.set(head);
      payload.set(body, head.length);
      return payload;
    },
    decode(payload) {
      const { indexes, end } = decodeIndexes(payload);
      const name = localName(messageAt(writer, indexes).fullName, writer.package);
      const reader = readers.get(name) ?? protobufCodec(schema, name);
      readers.set(name, reader);
      return reader.decode(payload.subarray(end));
    },
  };
}
