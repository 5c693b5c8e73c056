/** In which way two versions differ so that one cannot read what the other wrote. */
export interface Difference {
  /** A word of the registry's, as `READER_FIELD_MISSING_DEFAULT_VALUE`. */
  readonly kind: string;
  /** Where in the reading schema: a pointer for Avro and JSON Schema (`#/...`), a full name for Protobuf. */
  readonly path: string;
  /** One sentence. */
  readonly reason: string;
  /** The names or values that it is about; may be empty. */
  readonly info: string;
}

/** How the two sides are called in messages: depends on the direction of the comparison. */
export interface Sides {
  readonly reader: "new" | "old";
  readonly writer: "new" | "old";
}

export const backward: Sides = { reader: "new", writer: "old" };
export const forward: Sides = { reader: "old", writer: "new" };

/** A difference in the form of the registry's messages. */
export function differenceMessage({ kind, path, reason, info }: Difference): string {
  return `{errorType:'${kind}', description:'${reason} at path '${path}'', additionalInfo:'${info}'}`;
}
