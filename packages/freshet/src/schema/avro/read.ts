import type { Json } from "@freshet/protocol";
import { schemaBytes } from "../error.ts";
import { avroComparer, matches, sourcesOf } from "./compatible.ts";
import { defaultBudget, writeDefault } from "./default.ts";
import { isScalar, scalarReader } from "./scalar.ts";
import {
  type AvroField,
  type AvroNode,
  type AvroRecord,
  type AvroUnion,
  branchName,
} from "./schema.ts";
import { Sink, Source } from "./sink.ts";
import { unionForm, wrapped } from "./union.ts";

/** Reads one value; throws `schemaBytes`. */
export type AvroReader = (source: Source) => Json;

/**
 * Compiles how data of the writer is read as the reader says ("Schema Resolution" of the Avro 1.12 specification).
 * What the reader has no place for fails when data has it, not before.
 */
export function avroReader(writer: AvroNode, reader: AvroNode = writer): AvroReader {
  return compile(writer, reader, { reads: avroComparer(), known: new Map() });
}

interface Compiling {
  readonly reads: (reader: AvroNode, writer: AvroNode) => boolean;
  readonly known: Map<AvroNode, Map<AvroNode, AvroReader>>;
}

function compile(writer: AvroNode, reader: AvroNode, compiling: Compiling): AvroReader {
  if (writer.kind === "union") return writerUnion(writer, reader, compiling);
  if (reader.kind === "union") return readerUnion(writer, reader, compiling);
  if (!matches(reader, writer)) return cannotRead(writer, reader);
  if (isScalar(reader) && isScalar(writer)) return scalarReader(writer, reader);
  if (reader.kind === "array" && writer.kind === "array")
    return arrayReader(compile(writer.items, reader.items, compiling));
  if (reader.kind === "map" && writer.kind === "map")
    return mapReader(compile(writer.values, reader.values, compiling));
  if (reader.kind === "record" && writer.kind === "record")
    return recordReader(writer, reader, compiling);
  return cannotRead(writer, reader);
}

function cannotRead(writer: AvroNode, reader: AvroNode): AvroReader {
  return () => {
    throw schemaBytes(`"${branchName(writer)}" cannot be read as "${branchName(reader)}"`);
  };
}

function writerUnion(writer: AvroUnion, reader: AvroNode, compiling: Compiling): AvroReader {
  const form = unionForm(writer);
  const branches = writer.branches.map((branch, index): AvroReader => {
    if (writer !== reader) return compile(branch, reader, compiling);
    const read = compile(branch, branch, compiling);
    return (source) => wrapped(form, index, read(source));
  });
  return (source) => {
    const index = source.size();
    const branch = branches[index];
    if (branch === undefined) throw schemaBytes(`a union has no branch ${index}`);
    return branch(source);
  };
}

/**
 * The branch of the very type if there is one, as all implementations choose; else the first that reads all of the
 * writer's type, as the specification says; else the first that reads some of it.
 */
function readerUnion(writer: AvroNode, reader: AvroUnion, compiling: Compiling): AvroReader {
  const { branches } = reader;
  const ranks = branches.map((branch): number => {
    if (!matches(branch, writer)) return 0;
    if (!compiling.reads(branch, writer)) return 1;
    if (branch.kind !== writer.kind) return 2;
    return branchName(branch) === branchName(writer) ? 4 : 3;
  });
  const best = Math.max(...ranks);
  if (best === 0) return cannotRead(writer, reader);
  const index = ranks.indexOf(best);
  const branch = branches[index];
  if (branch === undefined) return cannotRead(writer, reader);
  const form = unionForm(reader);
  const read = compile(writer, branch, compiling);
  return (source) => wrapped(form, index, read(source));
}

function arrayReader(items: AvroReader): AvroReader {
  return (source) => {
    const list: Json[] = [];
    source.enter();
    for (let count = source.block(); count > 0; count = source.block())
      for (; count > 0; count--) {
        source.item();
        list.push(items(source));
      }
    source.leave();
    return list;
  };
}

function mapReader(values: AvroReader): AvroReader {
  return (source) => {
    const map: { [key: string]: Json } = {};
    source.enter();
    for (let count = source.block(); count > 0; count = source.block())
      for (; count > 0; count--) {
        source.item();
        const key = source.text();
        const value = values(source);
        // Assigning this key sets a prototype; accept takes such keys out as well.
        if (key !== "__proto__") map[key] = value;
      }
    source.leave();
    return map;
  };
}

/** A step of the writer's order. */
interface Step {
  /** Where its value goes, undefined for nowhere. */
  readonly name: string | undefined;
  readonly read: AvroReader;
  /** Reads the field of the step before once more, for another field of the reader. */
  readonly isAgain: boolean;
}

function recordReader(writer: AvroRecord, reader: AvroRecord, compiling: Compiling): AvroReader {
  const known = compiling.known.get(writer) ?? new Map<AvroNode, AvroReader>();
  compiling.known.set(writer, known);
  const before = known.get(reader);
  if (before !== undefined) return before;
  const steps: Step[] = [];
  const absent: Step[] = [];
  const read: AvroReader = (source) => {
    const record: { [name: string]: Json } = {};
    source.enter(steps.length);
    let from = source.position;
    for (const { name, read, isAgain } of steps) {
      if (isAgain) source.position = from;
      else from = source.position;
      const value = read(source);
      if (name !== undefined) record[name] = value;
    }
    for (const { name, read } of absent) if (name !== undefined) record[name] = read(source);
    source.leave();
    return record;
  };
  known.set(reader, read);
  addSteps(writer, reader, { steps, absent, compiling });
  return read;
}

interface Plan {
  readonly steps: Step[];
  readonly absent: Step[];
  readonly compiling: Compiling;
}

function addSteps(writer: AvroRecord, reader: AvroRecord, { steps, absent, compiling }: Plan) {
  const written = new Map(writer.fields.map((field) => [field.name, field]));
  const targets = new Map<AvroField, AvroField[]>();
  for (const field of reader.fields) {
    const [source, second] = sourcesOf(field, written);
    if (source === undefined || second !== undefined)
      absent.push({ name: field.name, read: absentReader(field, second), isAgain: false });
    else targets.set(source, [...(targets.get(source) ?? []), field]);
  }
  for (const field of writer.fields) {
    const own = targets.get(field);
    if (own === undefined) {
      const read = compile(field.type, field.type, compiling);
      steps.push({ name: undefined, read, isAgain: false });
    } else
      for (const target of own) {
        const read = compile(field.type, target.type, compiling);
        steps.push({ name: target.name, read, isAgain: target !== own[0] });
      }
  }
}

/** A default is read from its bytes each time, so that no two values share a part. */
function absentReader(field: AvroField, second: AvroField | undefined): AvroReader {
  if (field.default === undefined || second !== undefined)
    return () => {
      const what =
        second === undefined ? "is not in the data and has no default" : "has two sources";
      throw schemaBytes(`field "${field.name}" ${what}`);
    };
  const sink = new Sink();
  writeDefault(field.type, field.default, sink, defaultBudget());
  const bytes = sink.take();
  let read: AvroReader | undefined;
  return () => {
    read ??= avroReader(field.type);
    return read(new Source(bytes));
  };
}
