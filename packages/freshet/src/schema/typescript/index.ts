import type { ParsedSchema } from "../schema.ts";
import { avroType } from "./avro.ts";
import { jsonType } from "./json.ts";
import { protobufType } from "./protobuf.ts";
import { typeWriter } from "./text.ts";

/**
 * The TypeScript type of what a program should send of a schema, wider than the schema where TypeScript has no words
 * for it. `message` as for `codecOf`.
 */
export function typeScriptOf(schema: ParsedSchema, message?: string): string {
  const writer = typeWriter();
  switch (schema.type) {
    case "JSON":
      return jsonType(schema, writer);
    case "AVRO":
      return avroType(schema, writer);
    case "PROTOBUF":
      return protobufType(schema, message, writer);
  }
}
