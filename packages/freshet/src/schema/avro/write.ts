import type { Json, JsonObject } from "@freshet/protocol";
import { pointerToken } from "../error.ts";
import { schemaLimits } from "../limits.ts";
import type { ValueIssue } from "../schema.ts";
import { isObject } from "../text.ts";
import { defaultBudget, writeDefault } from "./default.ts";
import { isScalar, scalarWriter } from "./scalar.ts";
import type { AvroField, AvroNode, AvroRecord, AvroUnion } from "./schema.ts";
import { Sink } from "./sink.ts";
import { jsonKindOf, unionForm, unwrapped } from "./union.ts";

/** What one type does with JSON values. */
export interface AvroWriter {
  accepts(value: Json): boolean;
  /** For accepted values. */
  write(sink: Sink, value: Json): void;
  /** Adds what is wrong with a value. */
  explain(value: Json, path: string, issues: ValueIssue[]): void;
}

/** Compiles a type; types that hold themselves hold their own writer. */
export function avroWriter(node: AvroNode, known = new Map<AvroNode, AvroWriter>()): AvroWriter {
  const before = known.get(node);
  if (before !== undefined) return before;
  if (isScalar(node)) return scalarWriter(node);
  switch (node.kind) {
    case "array":
      return arrayWriter(avroWriter(node.items, known));
    case "map":
      return mapWriter(avroWriter(node.values, known));
    case "union":
      return unionWriter(
        node,
        node.branches.map((branch) => avroWriter(branch, known)),
      );
    case "record":
      return recordWriter(node, known);
  }
}

function arrayWriter(items: AvroWriter): AvroWriter {
  return {
    accepts: (value) => {
      if (!Array.isArray(value)) return false;
      for (const item of value as readonly Json[]) if (!items.accepts(item)) return false;
      return true;
    },
    write(sink, value) {
      const list = value as readonly Json[];
      if (list.length > 0) sink.whole(list.length);
      for (const item of list) items.write(sink, item);
      sink.whole(0);
    },
    explain(value, path, issues) {
      if (!Array.isArray(value)) return report(issues, path, "a list", value);
      for (let at = 0; at < value.length && hasRoom(issues); at++)
        items.explain(value[at] ?? null, path + pointerToken(at), issues);
    },
  };
}

function mapWriter(values: AvroWriter): AvroWriter {
  return {
    accepts(value) {
      if (!isObject(value)) return false;
      for (const key in value) if (!values.accepts(value[key] ?? null)) return false;
      return true;
    },
    write(sink, value) {
      const keys = Object.keys(value as JsonObject);
      if (keys.length > 0) sink.whole(keys.length);
      for (const key of keys) {
        sink.text(key);
        values.write(sink, (value as JsonObject)[key] ?? null);
      }
      sink.whole(0);
    },
    explain(value, path, issues) {
      if (!isObject(value)) return report(issues, path, "an object", value);
      for (const key in value) {
        if (!hasRoom(issues)) return;
        values.explain(value[key] ?? null, path + pointerToken(key), issues);
      }
    },
  };
}

function unionWriter(node: AvroUnion, branches: readonly AvroWriter[]): AvroWriter {
  const form = unionForm(node);
  const pick = (value: Json): { index: number; value: Json } | undefined => {
    const inside = unwrapped(form, value);
    if (inside !== undefined) return inside;
    const index = form.isPlain ? form.byKind.get(jsonKindOf(value)) : undefined;
    if (index !== undefined) return { index, value };
    const first = branches.findIndex((branch) => branch.accepts(value));
    return first < 0 ? undefined : { index: first, value };
  };
  return {
    accepts(value) {
      const picked = pick(value);
      return picked !== undefined && branches[picked.index]?.accepts(picked.value) === true;
    },
    write(sink, value) {
      const picked = pick(value);
      if (picked === undefined) throw new Error("a value of no branch is written");
      sink.whole(picked.index);
      branches[picked.index]?.write(sink, picked.value);
    },
    explain(value, path, issues) {
      const picked = pick(value);
      if (picked !== undefined) branches[picked.index]?.explain(picked.value, path, issues);
      else
        report(issues, path, `one of ${form.names.map((name) => `"${name}"`).join(", ")}`, value);
    },
  };
}

/** What a record's field takes when the value has none. */
type Absent = { readonly bytes: Uint8Array } | undefined;

interface FieldWriter {
  readonly name: string;
  readonly writer: AvroWriter;
  readonly absent: Absent;
  /** Every object seems to have a field of this name. */
  readonly isInherited: boolean;
}

function recordWriter(node: AvroRecord, known: Map<AvroNode, AvroWriter>): AvroWriter {
  const fields: FieldWriter[] = [];
  const names = new Set(node.fields.map(({ name }) => name));
  const writer = writerOfFields(fields, names);
  known.set(node, writer);
  for (const field of node.fields)
    fields.push({
      name: field.name,
      writer: avroWriter(field.type, known),
      absent: absentOf(field),
      isInherited: field.name in Object.prototype,
    });
  return writer;
}

/** A field that is not there takes its default, or null where its type allows that. */
function absentOf(field: AvroField): Absent {
  const sink = new Sink();
  if (field.default !== undefined) writeDefault(field.type, field.default, sink, defaultBudget());
  else if (field.type.kind === "union") {
    const at = field.type.branches.findIndex(({ kind }) => kind === "null");
    if (at < 0) return undefined;
    sink.whole(at);
  } else if (field.type.kind !== "null") return undefined;
  return { bytes: sink.take() };
}

function writerOfFields(fields: readonly FieldWriter[], names: ReadonlySet<string>): AvroWriter {
  return {
    accepts(value) {
      if (!isObject(value)) return false;
      let present = 0;
      for (const field of fields) {
        const own = fieldOf(value, field);
        if (own === undefined) {
          if (field.absent === undefined) return false;
        } else {
          present++;
          if (!field.writer.accepts(own)) return false;
        }
      }
      for (const _key in value) present--;
      return present === 0;
    },
    write(sink, value) {
      for (const field of fields) {
        const own = fieldOf(value as JsonObject, field);
        if (own !== undefined) field.writer.write(sink, own);
        else if (field.absent !== undefined) sink.raw(field.absent.bytes);
      }
    },
    explain(value, path, issues) {
      if (!isObject(value)) return report(issues, path, "an object", value);
      for (const field of fields) {
        if (!hasRoom(issues)) return;
        const own = fieldOf(value, field);
        const place = path + pointerToken(field.name);
        if (own !== undefined) field.writer.explain(own, place, issues);
        else if (field.absent === undefined)
          issues.push({ path: place, message: "should be there, but is missing" });
      }
      for (const key in value) {
        if (!hasRoom(issues)) return;
        if (!names.has(key))
          issues.push({ path: path + pointerToken(key), message: "is no field of the schema" });
      }
    },
  };
}

function fieldOf(value: JsonObject, { name, isInherited }: FieldWriter): Json | undefined {
  return isInherited && !Object.hasOwn(value, name) ? undefined : value[name];
}

function hasRoom(issues: readonly ValueIssue[]): boolean {
  return issues.length < schemaLimits.differencesMax;
}

function report(issues: ValueIssue[], path: string, expected: string, value: Json): void {
  issues.push({ path, message: `should be ${expected}, but came as ${jsonKindOf(value)}` });
}
