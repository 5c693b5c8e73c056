import type { SchemaType } from "../../schema/index.ts";
import { mediaType } from "../media.ts";

/** What a content type says of messages with a schema id. */
export interface FramedMedia {
  /** Without parameters, in lower case. */
  readonly type: string;
  /** The kind of schema that the ids must stand for; undefined where any may. */
  readonly kind: SchemaType | undefined;
  /** The parameter of that name, in lower case: how several messages are put together; one alone where it is absent. */
  readonly framing: string | undefined;
}

const kinds: ReadonlyMap<string, SchemaType | undefined> = new Map<string, SchemaType | undefined>([
  ["application/vnd.freshet.framed", undefined],
  ["application/avro", "AVRO"],
  ["application/x-avro", "AVRO"],
  ["application/vnd.apache.avro", "AVRO"],
  ["avro/binary", "AVRO"],
  ["application/protobuf", "PROTOBUF"],
  ["application/x-protobuf", "PROTOBUF"],
  ["application/vnd.google.protobuf", "PROTOBUF"],
]);

/** Undefined for every other type, JSON among them. */
export function framedMedia(contentType: string | undefined): FramedMedia | undefined {
  const type = mediaType(contentType);
  if (contentType === undefined || !kinds.has(type)) return undefined;
  const framing = /;\s*framing\s*=\s*("?)([^";\s]*)\1\s*(?:;|$)/i.exec(contentType)?.[2];
  return { type, kind: kinds.get(type), framing: framing?.toLowerCase() };
}
