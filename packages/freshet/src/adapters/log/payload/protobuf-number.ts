import { type Field, type Member, membersOf } from "./layout.ts";

/** A record's fields with the numbers that Protobuf tells them apart by. */
export interface Numbered {
  readonly fields: readonly NumberedField[];
  /** The map of all other keys. */
  readonly others: number;
}

export interface NumberedField {
  readonly field: Field;
  /** One for each of the field's members, in their order. */
  readonly members: readonly NumberedMember[];
}

export interface NumberedMember {
  readonly member: Member;
  readonly number: number;
}

/** The usual form of each field comes first, since the first fifteen numbers take one byte. */
export function numbersOf(fields: readonly Field[]): Numbered {
  const all = fields.map((field) => ({ field, forms: membersOf(field) }));
  let next = all.length + 2;
  return {
    others: all.length + 1,
    fields: all.map(({ field, forms }, index) => ({
      field,
      members: forms.map((member, at) => ({ member, number: at === 0 ? index + 1 : next++ })),
    })),
  };
}

/** How the bytes behind a tag end. */
export const wires = { varint: 0, fixed64: 1, length: 2 } as const;

export function tagOf(number: number, { kind }: Member): number {
  return number * 8 + wireOf(kind);
}

function wireOf(kind: Member["kind"]): number {
  switch (kind) {
    case "whole":
    case "boolean":
    case "choice":
      return wires.varint;
    case "double":
      return wires.fixed64;
    case "text":
    case "value":
    case "record":
      return wires.length;
  }
}

/** The generic value: one field of these is in each message. */
export const valueTags = {
  none: 8,
  boolean: 16,
  whole: 24,
  double: 33,
  text: 42,
  list: 50,
  map: 58,
};
/** Items of a list, entries of a map. */
export const itemTag = 10;
/** Key and value of an entry. */
export const keyTag = 10;
export const entryValueTag = 18;
