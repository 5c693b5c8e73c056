import type { Json } from "@freshet/protocol";
import { shortName } from "./avro/schema.ts";
import { codecOf, payloadCodecOf } from "./codec.ts";
import { decodeIndexes, messageAt } from "./protobuf/message-index.ts";
import { plainMessage } from "./protobuf/plain.ts";
import type { DecodeMeter, ParsedSchema, SchemaType } from "./schema.ts";

/** Reads payloads of the registry's frame as what events are made of, by the schema that wrote them. */
export interface PayloadReader {
  readonly type: SchemaType;
  /**
   * What the schema calls the value: the record of Avro, the message of Protobuf, the title of a JSON Schema; undefined
   * where it has no such name. Throws `schemaBytes` where the payload names no message of the schema.
   */
  nameOf(payload: Uint8Array): string | undefined;
  /** Throws `schemaBytes` for what is not of the schema, and `schemaValue` for JSON that it forbids. */
  read(payload: Uint8Array, meter: DecodeMeter): Json;
}

/** Takes milliseconds; keep the result. */
export function payloadReaderOf(schema: ParsedSchema): PayloadReader {
  switch (schema.type) {
    case "AVRO": {
      const codec = codecOf(schema);
      const { root } = schema;
      const name = root.kind === "record" ? shortName(root.name) : undefined;
      return { type: "AVRO", nameOf: () => name, read: codec.decode };
    }
    case "PROTOBUF": {
      const codec = payloadCodecOf(schema);
      const typeOf = (payload: Uint8Array) => messageAt(schema, decodeIndexes(payload).indexes);
      return {
        type: "PROTOBUF",
        nameOf: (payload) => typeOf(payload).name,
        read: (payload, meter) => plainMessage(typeOf(payload), codec.decode(payload), meter),
      };
    }
    case "JSON": {
      const codec = codecOf(schema);
      const title = typeof schema.root === "object" ? schema.root.title : undefined;
      const name = typeof title === "string" && title !== "" ? title : undefined;
      return {
        type: "JSON",
        nameOf: () => name,
        read(payload) {
          const value = codec.decode(payload);
          // Bytes of the other kinds cannot but be of their schema; JSON says what it is of and may be anything.
          if (!codec.validate(value)) codec.encode(value);
          return value;
        },
      };
    }
  }
}
