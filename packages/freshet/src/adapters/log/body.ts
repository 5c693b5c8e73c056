import { readJson } from "@freshet/protocol";
import type { LogRecord } from "../../core/record.ts";

type Kind = LogRecord["kind"];

/** Numbers on disk; a number never changes its meaning. */
export const kindCodes = {
  event: 1,
  deadLetter: 2,
  tick: 3,
  self: 4,
  table: 5,
  plan: 6,
  letter: 7,
} as const satisfies Record<Kind, number>;

const kindOfCode = new Map<number, Kind>(
  (Object.keys(kindCodes) as Kind[]).map((kind) => [kindCodes[kind], kind]),
);

type FieldType = "string" | "number" | "object" | "array";

/** What a body must have before it counts as a record of its kind; the fields beside the head. */
const bodyFields = {
  event: { key: "string", event: "object" },
  deadLetter: { letter: "object" },
  tick: {},
  self: { key: "string", from: "object", body: "object" },
  table: { table: "string", version: "number", rows: "array" },
  plan: { planHash: "string", epoch: "number" },
  letter: { action: "object" },
} as const satisfies { [K in Kind]: BodyFields<Extract<LogRecord, { kind: K }>> };

type BodyFields<R> = { readonly [F in Exclude<keyof R, "kind" | "partition" | "at">]: FieldType };

const fieldsOfKind = new Map<Kind, readonly (readonly [string, FieldType])[]>(
  (Object.keys(bodyFields) as Kind[]).map((kind) => [kind, Object.entries(bodyFields[kind])]),
);

export function kindCode(record: LogRecord): number {
  return kindCodes[record.kind];
}

/** The partition key of records that belong to one key. */
export function keyOf(record: LogRecord): string | undefined {
  return record.kind === "event" || record.kind === "self" ? record.key : undefined;
}

/** The record without its head, as it is written. */
export function bodyText(record: LogRecord): string {
  switch (record.kind) {
    case "event":
      return JSON.stringify({ key: record.key, event: record.event });
    case "deadLetter":
      return JSON.stringify({ letter: record.letter });
    case "tick":
      return "{}";
    case "self":
      return JSON.stringify({ key: record.key, from: record.from, body: record.body });
    case "table":
      return JSON.stringify({ table: record.table, version: record.version, rows: record.rows });
    case "plan":
      return JSON.stringify({ planHash: record.planHash, epoch: record.epoch });
    case "letter":
      return JSON.stringify({ action: record.action });
  }
}

export interface RecordParts {
  readonly kindCode: number;
  readonly partition: number;
  readonly at: number;
  /** What `parseBody` made of the payload. */
  readonly body: unknown;
}

/** The record that was written, or a sentence about why these parts are none. */
export function recordOf(parts: RecordParts): LogRecord | string {
  const kind = kindOfCode.get(parts.kindCode);
  if (kind === undefined) return `kind ${parts.kindCode} is not known`;
  if (typeOf(parts.body) !== "object") return "the payload is no JSON object";
  const body = parts.body as Record<string, unknown>;
  const record: Record<string, unknown> = { kind, partition: parts.partition, at: parts.at };
  for (const [name, type] of fieldsOfKind.get(kind) ?? []) {
    const value = body[name];
    if (typeOf(value) !== type)
      return `field "${name}" of a record of kind "${kind}" is not of type ${type}`;
    record[name] = value;
  }
  // The kind, the head and every field of the kind were checked above; what is inside them is
  // covered by the crc over what our own encoder wrote.
  return record as unknown as LogRecord;
}

/** The value that a payload is; undefined where it is no JSON. */
export function parseBody(text: string): unknown {
  try {
    return readJson(text);
  } catch {
    return undefined;
  }
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return value === null ? "null" : typeof value;
}
