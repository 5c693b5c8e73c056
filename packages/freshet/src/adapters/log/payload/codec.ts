import type { JsonObject } from "@freshet/protocol";
import { avroReader } from "./avro-read.ts";
import { avroWriter } from "./avro-write.ts";
import { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { Layout } from "./layout.ts";
import { protobufReader } from "./protobuf-read.ts";
import { protobufWriter } from "./protobuf-write.ts";

/** How payloads are written, beside JSON. */
export const compactFormats = ["avro", "protobuf"] as const;
export type CompactFormat = (typeof compactFormats)[number];

/** Writes and reads the events of one layout. */
export interface EventCodec {
  readonly format: CompactFormat;
  /** Throws `misfit` for an event that has to be written as JSON; what was written by then is forgotten. */
  write(out: ByteWriter, event: JsonObject): void;
  /** The event between two places, with the keys of its objects in their order. Throws `PayloadDamaged`. */
  read(bytes: Buffer, at: number, end: number): JsonObject;
}

/** Compiles a layout; takes milliseconds, so keep the result. */
export function eventCodec(format: CompactFormat, { fields }: Layout): EventCodec {
  const write = (format === "avro" ? avroWriter : protobufWriter)(fields);
  const read = (format === "avro" ? avroReader : protobufReader)(fields);
  return {
    format,
    write,
    read(bytes, at, end) {
      const source = new ByteReader(bytes, at, end);
      const event = read(source);
      source.finish();
      return event;
    },
  };
}
