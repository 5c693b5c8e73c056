import { parseAvro } from "./avro/parse.ts";
import { schemaInvalid } from "./error.ts";
import { parseJsonSchema } from "./json/parse.ts";
import { parseProtobuf } from "./protobuf/parse.ts";
import type { ParsedSchema, SchemaReference, SchemaType } from "./schema.ts";

/**
 * Parses a schema of any kind. `references` holds every schema that it refers to, directly or not, under the names that
 * the texts use. Throws `schemaInvalid` for texts that are wrong and for texts beyond `schemaLimits`, in bounded time.
 */
export function parseSchema(
  type: SchemaType,
  text: string,
  references: readonly SchemaReference[] = [],
): ParsedSchema {
  try {
    return parseKind(type, text, references);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw schemaInvalid("the schema is nested too deep through its references", error);
  }
}

/** Chains of references are followed by recursion, here and in libraries: long ones end in a RangeError. */
function parseKind(
  type: SchemaType,
  text: string,
  references: readonly SchemaReference[],
): ParsedSchema {
  switch (type) {
    case "AVRO":
      return parseAvro(text, references);
    case "JSON":
      return parseJsonSchema(text, references);
    case "PROTOBUF":
      return parseProtobuf(text, references);
  }
}
