import type { Json } from "@freshet/protocol";
import type { AvroSchema } from "./avro/schema.ts";
import type { JsonSchema } from "./json/schema.ts";
import type { ProtobufSchema } from "./protobuf/schema.ts";

export const schemaTypes = ["AVRO", "JSON", "PROTOBUF"] as const;
export type SchemaType = (typeof schemaTypes)[number];

/** Another schema that a text refers to by this name; all of them, also those that are referred to by others. */
export interface SchemaReference {
  readonly name: string;
  readonly text: string;
}

/** A schema that is known to be sound; what it does is in `codecOf` and `checkCompatibility`. */
export type ParsedSchema = AvroSchema | JsonSchema | ProtobufSchema;

/** What the three kinds have in common. */
export interface SchemaTexts {
  /** As it was sent. */
  readonly text: string;
  readonly references: readonly SchemaReference[];
  /** Without insignificant blanks: two texts of one identity are one schema of the registry. */
  identity(): string;
  /** With everything that means nothing taken out or sorted: what `normalize=true` registers. */
  normalized(): string;
}

/** One way in which a value is not what its schema asks for. */
export interface ValueIssue {
  /** RFC 6901 pointer to the value; "" is the whole. */
  readonly path: string;
  /** What was expected and what came, without the value itself. */
  readonly message: string;
}

/** What a schema does with values. All of it is synchronous and bounded by `schemaLimits`. */
export interface SchemaCodec {
  /** Fast: true or false. */
  validate(value: Json): boolean;
  /** Thorough: the first `differencesMax` issues; none for a valid value. */
  explain(value: Json): readonly ValueIssue[];
  /** Throws `schemaValue` for a value that is not valid. */
  encode(value: Json): Uint8Array;
  /** Throws `schemaBytes` for anything that `encode` of the writer could not have made. */
  decode(bytes: Uint8Array, meter?: DecodeMeter): Json;
}

/** What decoding took that the length of the bytes does not tell, also of bytes that were refused. */
export interface DecodeMeter {
  /** Items, entries, records and their fields that were read; those of Avro may have no bytes of their own. */
  items: number;
}
