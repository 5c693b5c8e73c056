import type { Json } from "@freshet/protocol";

/** What a value can be, told as finely as a contract needs it. Whole numbers past 2^53 are numbers: JSON rounded them. */
export const kinds = ["null", "boolean", "integer", "number", "string", "list", "object"] as const;
export type Kind = (typeof kinds)[number];

/** Place of a kind in `kinds`, and so in every list of counts. */
export const [isNull, isBoolean, isInteger, isNumber, isText, isList, isObject] = [
  ...([0, 1, 2, 3, 4, 5, 6] as const),
];
export type KindIndex = 0 | 1 | 2 | 3 | 4 | 5 | 6;

export function kindOf(value: Json): KindIndex {
  switch (typeof value) {
    case "string":
      return isText;
    case "number":
      return Number.isSafeInteger(value) ? isInteger : isNumber;
    case "boolean":
      return isBoolean;
    case "object":
      if (value === null) return isNull;
      return Array.isArray(value) ? isList : isObject;
  }
}

/** How messages call a kind. */
export const kindWords: { readonly [Name in Kind]: string } = {
  null: "null",
  boolean: "true or false",
  integer: "whole number",
  number: "number",
  string: "text",
  list: "list",
  object: "object",
};
