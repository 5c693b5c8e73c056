import type { Json } from "@freshet/protocol";
import { isObject } from "../text.ts";
import { type AvroNode, type AvroUnion, branchName } from "./schema.ts";

/**
 * How the values of a union look as JSON. Where the kind of a JSON value tells the branch, it stands as it is;
 * otherwise it stands in an object with the branch's name, `{ "long": 5 }`, as in Avro's own JSON. Numbers that JSON
 * has no number for (NaN, integers past 2^53) are texts, and stand in such an object beside a branch of texts.
 */
export interface UnionForm {
  readonly names: readonly string[];
  /** Kinds of JSON tell branches apart. */
  readonly isPlain: boolean;
  /** Branch by kind of JSON; only in a plain union. */
  readonly byKind: ReadonlyMap<JsonKind, number>;
  readonly hasObjects: boolean;
  readonly hasTexts: boolean;
  readonly hasNumbers: boolean;
}

export type JsonKind = "null" | "boolean" | "number" | "string" | "array" | "object";

export function jsonKindOf(value: Json): JsonKind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value as JsonKind;
}

export function unionForm({ branches }: AvroUnion): UnionForm {
  const kinds = branches.map(kindOf);
  const hasObjects = kinds.includes("object");
  const hasTexts = kinds.includes("string");
  const hasNumbers = kinds.includes("number");
  const isTold = new Set(kinds).size === kinds.length;
  const escapes = branches.some(
    ({ kind }) => kind === "long" || kind === "float" || kind === "double",
  );
  return {
    names: branches.map(branchName),
    isPlain: isTold && !(hasObjects && hasTexts && hasNumbers && escapes),
    byKind: new Map(kinds.map((kind, index) => [kind, index])),
    hasObjects,
    hasTexts,
    hasNumbers,
  };
}

/** The kind of JSON that most values of a branch have. */
function kindOf(node: AvroNode): JsonKind {
  switch (node.kind) {
    case "null":
    case "boolean":
    case "string":
    case "array":
      return node.kind;
    case "int":
    case "long":
      return node.logical === undefined ? "number" : "string";
    case "float":
    case "double":
      return "number";
    case "bytes":
    case "fixed":
    case "enum":
      return "string";
    case "record":
    case "map":
      return "object";
    case "union":
      throw new Error("a union is no branch of a union");
  }
}

/** A value of the branch as it stands in JSON. */
export function wrapped(form: UnionForm, index: number, value: Json): Json {
  if (value === null) return null;
  if (form.isPlain) {
    const isEscaped =
      typeof value === "string" && form.hasTexts && form.byKind.get("string") !== index;
    if (!isEscaped) return value;
  }
  return { [form.names[index] ?? ""]: value };
}

/** The branch that an object names and what is inside; undefined where it names none. */
export function unwrapped(
  form: UnionForm,
  value: Json,
): { index: number; value: Json } | undefined {
  if (!isObject(value) || (form.isPlain && form.hasObjects)) return undefined;
  const keys = Object.keys(value);
  const [key] = keys;
  if (key === undefined || keys.length !== 1) return undefined;
  const index = form.names.indexOf(key);
  return index < 0 ? undefined : { index, value: value[key] ?? null };
}
