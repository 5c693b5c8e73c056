import type { Json, JsonObject } from "@freshet/protocol";
import { isEnumeration } from "./json.ts";
import { isFieldName, typeName } from "./naming.ts";
import type { EventProposal, Property, Proposed, RecordType, Type } from "./proposal.ts";
import { quoted, remarks } from "./words.ts";

export interface AvroProposal {
  readonly schema: JsonObject;
  /** What Avro cannot say, or what was assumed. */
  readonly notes: readonly string[];
}

/** A proposal as an Avro record. Avro takes no property that is not named, so that the notes matter. */
export function avroProposal({ name, content }: EventProposal): AvroProposal {
  const writing: Writing = { names: new Set(), notes: new Set() };
  const schema = recordOf(content, name, writing);
  return { schema, notes: [...writing.notes] };
}

interface Writing {
  readonly names: Set<string>;
  readonly notes: Set<string>;
}

function recordOf({ properties, isOpen }: RecordType, name: string, writing: Writing): JsonObject {
  const record = typeName(name, writing.names);
  if (isOpen) writing.notes.add(`${record}: properties that are not named cannot be written`);
  const fields = properties.flatMap((property) => {
    if (isFieldName(property.name)) return [fieldOf(property, name, writing)];
    writing.notes.add(`${record}: ${quoted(property.name)} is no name that Avro takes, left out`);
    return [];
  });
  return { type: "record", name: record, fields };
}

function fieldOf(property: Property, around: string, writing: Writing): JsonObject {
  const { name, isRequired, value } = property;
  const place = `${around} ${name}`;
  const said = remarks(property);
  const doc = said.length === 0 ? {} : { doc: said.join("; ") };
  if (isRequired && !value.isNullable) return { name, type: typeOf(value, place, writing), ...doc };
  const type = typeOf({ ...value, isNullable: true }, place, writing);
  return { name, type, default: null, ...doc };
}

function typeOf({ types, isNullable }: Proposed, place: string, writing: Writing): Json {
  if (types.length === 0) {
    writing.notes.add(`${quoted(place)}: its values are not known, text is assumed`);
    return isNullable ? ["null", "string"] : "string";
  }
  const branches = types.map((type) => branchOf(type, place, writing));
  if (isNullable) branches.unshift("null");
  return branches.length === 1 ? (branches[0] ?? "null") : branches;
}

function branchOf(type: Type, place: string, writing: Writing): Json {
  switch (type.kind) {
    case "boolean":
      return "boolean";
    case "integer":
      return "long";
    case "number":
      return "double";
    case "string":
      if (!isEnumeration(type.values) || !type.values.every(isFieldName)) return "string";
      return { type: "enum", name: typeName(place, writing.names), symbols: type.values };
    case "list":
      return { type: "array", items: typeOf(type.items, `${place} item`, writing) };
    case "map":
      return { type: "map", values: typeOf(type.values, `${place} value`, writing) };
    case "record":
      return recordOf(type, place, writing);
  }
}
