export { avroParsingForm } from "./avro/canonical.ts";
export type { AvroSchema } from "./avro/schema.ts";
export { type CodecOptions, codecOf, type PayloadCodec, payloadCodecOf } from "./codec.ts";
export {
  type Compatibility,
  checkCompatibility,
  directedDifferences,
  type EarlierVersion,
  schemaDifferences,
  type VersionDifference,
} from "./compatibility.ts";
export { type Difference, differenceMessage } from "./difference.ts";
export type { JsonSchema } from "./json/schema.ts";
export { schemaLimits } from "./limits.ts";
export { parseSchema } from "./parse.ts";
export { type PayloadReader, payloadReaderOf } from "./payload.ts";
export { propertyNames } from "./property-names.ts";
export { decodeIndexes, encodeIndexes } from "./protobuf/message-index.ts";
export type { ProtobufSchema } from "./protobuf/schema.ts";
export {
  type DecodeMeter,
  type ParsedSchema,
  type SchemaCodec,
  type SchemaReference,
  type SchemaType,
  schemaTypes,
  type ValueIssue,
} from "./schema.ts";
export { typeScriptOf } from "./typescript/index.ts";
export { type Framed, frame, isFramed, unframe } from "./wire.ts";
