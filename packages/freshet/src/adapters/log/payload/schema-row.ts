import { readJson } from "@freshet/protocol";
import { PayloadDamaged, PayloadUnknown } from "./byte-reader.ts";
import { type CompactFormat, compactFormats, eventCodec } from "./codec.ts";
import type { EventSchema, FindSchema } from "./event-payload.ts";
import { type Layout, readLayout } from "./layout.ts";
import { schemaText } from "./schema-text.ts";

/** A schema to write events with. */
export interface SchemaOfLog {
  readonly format: CompactFormat;
  readonly layout: Layout;
}

/** A schema that a log has. */
export interface KeptSchema extends SchemaOfLog {
  readonly id: number;
  /** What the schema says in Avro's or Protobuf's own language. */
  readonly text: string;
}

/** The row of a schema: what it is read by, and the same for others. */
export function rowOf({ format, layout }: SchemaOfLog): string {
  return JSON.stringify({ version: 1, format, layout, schema: schemaText(format, layout) });
}

/** Throws `PayloadDamaged` where the row is none, and `PayloadUnknown` where a later version wrote it. */
export function readRow(id: number, row: string): KeptSchema {
  const found = parse(row);
  if (typeof found !== "object" || found === null) throw wrong(id, "it is no JSON object");
  const { version, format, layout, schema } = found as Record<string, unknown>;
  if (isLater(version) || isLater(versionOf(layout)))
    throw new PayloadUnknown(`schema ${id} of the log`);
  if (version !== 1) throw wrong(id, `it has version ${JSON.stringify(version)}`);
  if (!isFormat(format)) throw wrong(id, `it is for ${JSON.stringify(format)}`);
  const read = readLayout(layout);
  if (typeof read === "string") throw wrong(id, read);
  return { id, format, layout: read, text: typeof schema === "string" ? schema : "" };
}

/** True where both write the same bytes. */
export function isSameSchema(a: SchemaOfLog, b: SchemaOfLog): boolean {
  return a.format === b.format && JSON.stringify(a.layout) === JSON.stringify(b.layout);
}

/**
 * Compiles each schema when it is first met. `schema` gives what the log has under an id: of the log itself, or of what
 * was sent along with its batches.
 */
export function schemaFinder(schema: (id: number) => KeptSchema | undefined): FindSchema {
  const known = new Map<number, EventSchema>();
  return (id) => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const kept = schema(id);
    if (kept === undefined) return undefined;
    const compiled = { id, codec: eventCodec(kept.format, kept.layout) };
    known.set(id, compiled);
    return compiled;
  };
}

function parse(row: string): unknown {
  try {
    return readJson(row);
  } catch {
    return undefined;
  }
}

function versionOf(layout: unknown): unknown {
  return typeof layout === "object" && layout !== null && "version" in layout
    ? layout.version
    : undefined;
}

function isLater(version: unknown): boolean {
  return typeof version === "number" && version > 1;
}

function isFormat(value: unknown): value is CompactFormat {
  return (compactFormats as readonly unknown[]).includes(value);
}

function wrong(id: number, what: string): PayloadDamaged {
  return new PayloadDamaged(`schema ${id} of the log cannot be read: ${what}`);
}
