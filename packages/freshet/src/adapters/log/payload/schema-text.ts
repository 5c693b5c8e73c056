import { avroText } from "./avro-schema.ts";
import type { CompactFormat } from "./codec.ts";
import type { Layout } from "./layout.ts";
import { protobufText } from "./protobuf-schema.ts";

/** A layout in the words of Avro or Protobuf, for whoever reads the payloads without Freshet. */
export function schemaText(format: CompactFormat, layout: Layout): string {
  return format === "avro" ? avroText(layout) : protobufText(layout);
}
