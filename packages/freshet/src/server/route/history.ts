import {
  FreshetError,
  type Json,
  type JsonObject,
  limits,
  type Rejection,
} from "@freshet/protocol";
import { type AcceptContext, acceptEvents, type Source } from "../../accept/index.ts";
import type { DeadLetterRecord, EventRecord } from "../../core/record.ts";
import { partitionOf } from "../../engine/partition.ts";
import { requireSecret } from "../auth.ts";
import type { ServerContext } from "../context.ts";
import { isObject, jsonObject } from "../json.ts";
import { bodyOf, type Route } from "./route.ts";

/**
 * Rows of an import. `row` counts the data rows of the file from 1 and makes the message id, so that a row that is
 * sent twice is taken once and rows that repeat on purpose count (DESIGN 3, rule 11).
 */
export type HistoryRow =
  /** A native event without its id. */
  | { readonly row: number; readonly event: JsonObject }
  /** A row that could not be read: it waits as a dead letter, with its text. */
  | { readonly row: number; readonly broken: string; readonly text: string };

export interface History {
  /** Name of the import: part of the message ids, and `import/<name>` is the source. */
  readonly name: string;
  readonly rows: readonly HistoryRow[];
}

export interface AcceptedHistory {
  /** One for each row, in order. */
  readonly records: readonly (EventRecord | DeadLetterRecord)[];
  readonly accepted: number;
  readonly rejected: readonly Rejection[];
}

/** Takes history in: it builds features and segments, and sets nothing off. */
export function historyRoutes(server: ServerContext): readonly Route[] {
  return [
    {
      method: "POST",
      paths: ["/v1/history"],
      kind: "capture",
      cors: false,
      async handle(request) {
        requireSecret(request, server.keys);
        const body = jsonObject(bodyOf(request), request.headers["content-encoding"]);
        const { records, accepted, rejected } = acceptHistory(
          readHistory(body),
          server.acceptState.context(),
        );
        const receipt = await server.engine.append(records);
        return { success: true, accepted, rejected, receipt };
      },
    },
  ];
}

/** Rows to records for the log, through the same accept as everything else. */
export function acceptHistory({ name, rows }: History, context: AcceptContext): AcceptedHistory {
  const source: Source = { name: importSource(name), writeKey: "", kind: "server" };
  const events: JsonObject[] = [];
  for (const row of rows)
    if ("event" in row) events.push({ ...row.event, event_id: rowId(name, row.row) });
  const taken = acceptEvents({ shape: "import-rows", events, source }, context).records;
  const records: (EventRecord | DeadLetterRecord)[] = [];
  const rejected: Rejection[] = [];
  let next = 0;
  for (const [index, row] of rows.entries()) {
    const record = "event" in row ? taken[next++] : letterOf(name, row, context);
    if (record === undefined) throw new Error("accept gave fewer records than events");
    records.push(record);
    if (record.kind === "deadLetter") rejected.push(rejectionOf(record, index));
  }
  return { records, accepted: records.length - rejected.length, rejected };
}

export const rowId = (name: string, row: number): string => `${name}:${row}`;
export const importSource = (name: string): string => `import/${name}`;

type BrokenRow = Extract<HistoryRow, { broken: string }>;

function letterOf(name: string, row: BrokenRow, context: AcceptContext): DeadLetterRecord {
  const id = rowId(name, row.row);
  return {
    kind: "deadLetter",
    partition: partitionOf(id, context.partitions),
    at: context.now,
    letter: {
      id,
      code: "rowBroken",
      message: `row ${row.row}: ${row.broken}`,
      source: importSource(name),
      at: context.now,
      // A cut may split a surrogate pair; the half of it has no UTF-8 form.
      event: Buffer.from(row.text.slice(0, limits.deadLetterCharsMax)).toString(),
    },
  };
}

function rejectionOf({ letter }: DeadLetterRecord, index: number): Rejection {
  // Every letter of accept and of this file has a code of the catalogue.
  const code = letter.code as Rejection["code"];
  return { index, messageId: letter.id, code, message: letter.message };
}

const nameForm = /^[\w.-]{1,100}$/;

function readHistory(body: JsonObject): History {
  const { name, rows } = body;
  if (typeof name !== "string" || !nameForm.test(name))
    throw shape('"name" should be 1 to 100 letters, digits, dots, dashes or underscores');
  if (!Array.isArray(rows)) throw shape('"rows" should be a list');
  if (rows.length > limits.batchEventsMax)
    throw new FreshetError("batchTooLong", `the request has ${rows.length} rows`);
  return { name, rows: (rows as readonly Json[]).map(readRow) };
}

function readRow(value: Json, index: number): HistoryRow {
  if (!isObject(value)) throw shape(`row at index ${index} should be an object`);
  const { row, broken, text, ...event } = value;
  if (typeof row !== "number" || !Number.isSafeInteger(row) || row < 1)
    throw shape(`"row" at index ${index} should be the number of the row in its file, from 1`);
  if (typeof broken !== "string") return { row, event };
  return { row, broken: broken.slice(0, 1000), text: typeof text === "string" ? text : "" };
}

function shape(message: string): FreshetError {
  return new FreshetError("requestShape", message);
}
