import type { Json } from "@freshet/protocol";
import type { SchemaTexts } from "../schema.ts";

/** A parsed Avro schema, after the Avro 1.12 specification. */
export interface AvroSchema extends SchemaTexts {
  readonly type: "AVRO";
  readonly root: AvroNode;
}

/** A type of the schema. Named types that refer to themselves are cycles of these objects. */
export type AvroNode =
  | AvroPrimitive
  | AvroFixed
  | AvroEnum
  | AvroRecord
  | AvroArray
  | AvroMap
  | AvroUnion;

export type AvroPrimitiveKind =
  | "null"
  | "boolean"
  | "int"
  | "long"
  | "float"
  | "double"
  | "bytes"
  | "string";

export interface AvroPrimitive {
  readonly kind: AvroPrimitiveKind;
  readonly logical?: AvroLogical;
}

/** Full names: namespace and name. */
interface Named {
  readonly name: string;
  readonly aliases: readonly string[];
}

export interface AvroFixed extends Named {
  readonly kind: "fixed";
  readonly size: number;
  readonly logical?: AvroLogical;
}

export interface AvroEnum extends Named {
  readonly kind: "enum";
  readonly symbols: readonly string[];
  readonly default?: string;
}

export interface AvroRecord extends Named {
  readonly kind: "record";
  /** Filled once the record's name can be used in them. */
  readonly fields: AvroField[];
}

export interface AvroField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: AvroNode;
  /** As JSON in the schema, where bytes are texts of code points 0 to 255. */
  readonly default?: Json;
}

export interface AvroArray {
  readonly kind: "array";
  readonly items: AvroNode;
}

export interface AvroMap {
  readonly kind: "map";
  readonly values: AvroNode;
}

export interface AvroUnion {
  readonly kind: "union";
  readonly branches: readonly AvroNode[];
}

/** What a value means beyond its type. Ones that are unknown or do not fit their type are ignored, as specified. */
export type AvroLogical =
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | { readonly kind: "uuid" }
  | { readonly kind: "date" }
  | { readonly kind: "time"; readonly digits: 3 | 6 }
  | { readonly kind: "timestamp" | "local-timestamp"; readonly digits: 3 | 6 | 9 };

/** How a union names the branch: its full name, or its kind. */
export function branchName(node: AvroNode): string {
  return "name" in node ? node.name : node.kind;
}

/** A full name without its namespace. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}
