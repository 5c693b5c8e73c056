import type { FormatName } from "./format.ts";
import type { Kind } from "./kind.ts";

/** What an event of one name should be, as its traffic says. Every event that was summed up is one. */
export interface EventProposal {
  readonly name: string;
  /** Events that it rests on. */
  readonly count: number;
  readonly refused: number;
  readonly content: RecordType;
  /** Things that were left out, and why. */
  readonly notes: readonly string[];
}

/** What may stand in one place: a value of any of the types, or null. */
export interface Proposed {
  /** None where nothing is known but null, or nothing at all. */
  readonly types: readonly Type[];
  readonly isNullable: boolean;
  /** Something was seen here that is not described: the types are not all. */
  readonly isOpen: boolean;
}

export type Type =
  | { readonly kind: "boolean" }
  | NumberType
  | TextType
  | { readonly kind: "list"; readonly items: Proposed }
  | { readonly kind: "map"; readonly values: Proposed }
  | RecordType;

export interface NumberType {
  readonly kind: "integer" | "number";
  /** Rounded outwards; where it may be shown. */
  readonly range?: Range;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

export interface TextType {
  readonly kind: "string";
  readonly format?: FormatName;
  /** All texts that were seen, where they may be shown and are enough to be all there are. */
  readonly values?: readonly string[];
}

export interface RecordType {
  readonly kind: "record";
  readonly properties: readonly Property[];
  /** There are properties that it does not name. */
  readonly isOpen: boolean;
}

export interface Property {
  readonly name: string;
  readonly isRequired: boolean;
  /** Objects with the property, null in it or not, of all objects that were seen. */
  readonly count: number;
  readonly of: number;
  /** Of `count`. */
  readonly nulls: number;
  readonly value: Proposed;
  /** Kinds of its values, the most frequent first; several are a conflict. */
  readonly kinds: readonly KindShare[];
}

export interface KindShare {
  readonly kind: Kind;
  readonly count: number;
  /** Who sent them, the most frequent first. */
  readonly origins: readonly string[];
}
