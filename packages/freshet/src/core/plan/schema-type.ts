/**
 * TypeScript types of values, read off schemas that are written as literals. What cannot be read off (references,
 * `allOf`, names of Avro types) is `unknown`.
 */

/** A JSON Schema as an object literal. */
export type JsonSchemaLiteral = { readonly [keyword: string]: unknown };

export type JsonSchemaType<S> = S extends { readonly const: infer Value }
  ? Value
  : S extends { readonly enum: readonly (infer Value)[] }
    ? Value
    : S extends { readonly type: readonly (infer Kind)[] }
      ? JsonKind<Kind, S>
      : S extends { readonly type: infer Kind }
        ? JsonKind<Kind, S>
        : unknown;

/** Distributes over the kinds of a list. */
type JsonKind<Kind, S> = Kind extends "string"
  ? string
  : Kind extends "number" | "integer"
    ? number
    : Kind extends "boolean"
      ? boolean
      : Kind extends "null"
        ? null
        : Kind extends "array"
          ? readonly ItemType<S>[]
          : Kind extends "object"
            ? ObjectType<S>
            : unknown;

type ItemType<S> = S extends { readonly items: infer Items } ? JsonSchemaType<Items> : unknown;

type ObjectType<S> = S extends { readonly properties: infer Properties }
  ? { readonly [Name in keyof Properties]?: JsonSchemaType<Properties[Name]> }
  : { readonly [name: string]: unknown };

/** The named properties of an event with this schema; those of any name where it names none. */
export type JsonSchemaProperties<S> = S extends { readonly properties: infer Properties }
  ? { readonly [Name in keyof Properties]: JsonSchemaType<Properties[Name]> }
  : AnyProperties;

export interface AnyProperties {
  readonly [name: string]: unknown;
}

/** An Avro record as an object literal. */
export interface AvroSchemaLiteral {
  readonly type: "record";
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: unknown }[];
  readonly [attribute: string]: unknown;
}

/** Logical types that come as text or as a number. */
type AmountLogical =
  | "decimal"
  | "date"
  | `${"time" | "timestamp" | "local-timestamp"}-${"millis" | "micros" | "nanos"}`;

export type AvroType<S> = S extends "string" | "bytes"
  ? string
  : S extends "int" | "long" | "float" | "double"
    ? number
    : S extends "boolean"
      ? boolean
      : S extends "null"
        ? null
        : S extends readonly (infer Branch)[]
          ? AvroBranch<Branch>
          : AvroComplex<S>;

type AvroBranch<Branch> = Branch extends unknown ? AvroType<Branch> : never;

type AvroComplex<S> = S extends { readonly logicalType: AmountLogical }
  ? string | number
  : S extends { readonly type: "enum"; readonly symbols: readonly (infer Symbol)[] }
    ? Symbol
    : S extends { readonly type: "array"; readonly items: infer Items }
      ? readonly AvroType<Items>[]
      : S extends { readonly type: "map"; readonly values: infer Values }
        ? { readonly [key: string]: AvroType<Values> }
        : S extends { readonly type: "record" }
          ? AvroProperties<S>
          : S extends { readonly type: "fixed" }
            ? string
            : S extends { readonly type: infer Inner }
              ? AvroType<Inner>
              : unknown;

export type AvroProperties<S> = S extends {
  readonly fields: readonly (infer Field)[];
}
  ? {
      readonly [One in Field as One extends { readonly name: infer Name extends string }
        ? Name
        : never]: One extends { readonly type: infer Type } ? AvroType<Type> : unknown;
    }
  : AnyProperties;
