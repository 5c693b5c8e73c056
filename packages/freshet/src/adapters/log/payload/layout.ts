/**
 * What a schema of the log says, before it is said in Avro's or Protobuf's words: the tree of fields that an event has.
 * Writers, readers and schema texts are all made from it, so it is what is kept in the log, and what an id stands for.
 *
 * A field that has no value of its type in some event keeps whatever it has in a generic form, and an object keeps keys
 * that no field has: a layout decides how many bytes an event takes, never whether it can be written.
 */
export interface Layout {
  readonly version: 1;
  /** The fields of `AcceptedEvent`. */
  readonly fields: readonly Field[];
}

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** There in every event, and of its type in all of them. An event where it is not is written as JSON. */
  readonly required?: true;
}

export type FieldType =
  | { readonly kind: "text" | "whole" | "number" | "boolean" | "any" }
  /** Text that is most often one of these. */
  | { readonly kind: "choice"; readonly values: readonly string[] }
  | { readonly kind: "record"; readonly fields: readonly Field[] }
  /** A record of its own for each `name` that the event may have. */
  | { readonly kind: "byName"; readonly records: readonly NamedRecord[] };

export interface NamedRecord {
  readonly name: string;
  readonly fields: readonly Field[];
}

/** One form that a field's value may have. */
export type Member =
  | { readonly kind: "text" | "whole" | "double" | "boolean" | "value" }
  | { readonly kind: "choice"; readonly values: readonly string[] }
  | { readonly kind: "record"; readonly name?: string; readonly fields: readonly Field[] };

const text = { kind: "text" } as const;
const whole = { kind: "whole" } as const;
/** Anything that JSON can say. */
const value = { kind: "value" } as const;

/** The forms of a field in the order that schemas have them; only a required one has no generic form. */
export function membersOf({ type, required }: Field): readonly Member[] {
  const members = formsOf(type);
  return required === true ? members.filter(({ kind }) => kind !== "value") : members;
}

function formsOf(type: FieldType): readonly Member[] {
  switch (type.kind) {
    case "text":
      return [text, value];
    case "whole":
      return [whole, value];
    case "number":
      return [whole, { kind: "double" }, value];
    case "boolean":
      return [{ kind: "boolean" }, value];
    case "any":
      return [value];
    case "choice":
      return [type, text, value];
    case "record":
      return [type, value];
    case "byName":
      return [value, ...type.records.map((record) => ({ kind: "record" as const, ...record }))];
  }
}

/** Fields of one record: the order of keys is written in bytes, and the last value stands for all other keys. */
export const fieldsMax = 250;

const scalars: readonly string[] = ["text", "whole", "number", "boolean", "any"];

/** A layout that was kept, or a sentence about what is wrong with it. */
export function readLayout(value: unknown): Layout | string {
  if (!isRecord(value) || !("version" in value)) return "it is no layout";
  if (value.version !== 1) return `its layout has version ${JSON.stringify(value.version)}`;
  return areFields(value["fields"]) ? (value as unknown as Layout) : "its fields are damaged";
}

function areFields(value: unknown): boolean {
  return Array.isArray(value) && value.length <= fieldsMax && value.every(isField);
}

function isField(value: unknown): boolean {
  if (!isRecord(value) || !isText(value["name"]) || !isType(value["type"])) return false;
  if (value["name"] === "__proto__") return false;
  return value["required"] === undefined || value["required"] === true;
}

function isType(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { kind, values, fields, records } = value;
  if (kind === "choice") return Array.isArray(values) && values.every(isText);
  if (kind === "record") return areFields(fields);
  if (kind !== "byName") return typeof kind === "string" && scalars.includes(kind);
  return Array.isArray(records) && records.every(isNamed);
}

function isNamed(value: unknown): boolean {
  return isRecord(value) && isText(value["name"]) && areFields(value["fields"]);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
