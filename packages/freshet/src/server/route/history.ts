import {
  FreshetError,
  type Json,
  type JsonObject,
  limits,
  type Rejection,
} from "@freshet/protocol";
import { type AcceptContext, acceptEvents, keepsWhole, type Source } from "../../accept/index.ts";
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
  /** A native event without its id. `id` is that of the row's own, where it has one: it wins. */
  | { readonly row: number; readonly event: JsonObject; readonly id?: string }
  /** A row that could not be read: it waits as a dead letter, with its text. */
  | { readonly row: number; readonly broken: string; readonly text: string };

export interface History {
  /** Name of the import: part of the message ids, and `import/<name>` is the source unless it is said. */
  readonly name: string;
  /** For rows with ids of their own, which are told apart by source: the same for all imports of one kind. */
  readonly source?: string;
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
export function acceptHistory(history: History, context: AcceptContext): AcceptedHistory {
  const { name, rows } = history;
  const source: Source = {
    name: history.source ?? importSource(name),
    writeKey: "",
    kind: "server",
  };
  const events: JsonObject[] = [];
  for (const row of rows)
    if ("event" in row) events.push({ ...row.event, event_id: row.id ?? rowId(name, row.row) });
  const taken = acceptEvents({ shape: "import-rows", events, source }, context).records;
  const records: (EventRecord | DeadLetterRecord)[] = [];
  const rejected: Rejection[] = [];
  let next = 0;
  for (const [index, row] of rows.entries()) {
    const record =
      "event" in row ? taken[next++] : letterOf(row, { name, source: source.name }, context);
    if (record === undefined) throw new Error("accept gave fewer records than events");
    records.push(record);
    if (record.kind === "deadLetter") rejected.push(rejectionOf(record, index));
  }
  return { records, accepted: records.length - rejected.length, rejected };
}

export const rowId = (name: string, row: number): string => `${name}:${row}`;
export const importSource = (name: string): string => `import/${name}`;

type BrokenRow = Extract<HistoryRow, { broken: string }>;

function letterOf(
  row: BrokenRow,
  { name, source }: { readonly name: string; readonly source: string },
  context: AcceptContext,
): DeadLetterRecord {
  const id = rowId(name, row.row);
  const isWhole = keepsWhole({ name: source, writeKey: "", kind: "server" }, context.sources);
  return {
    kind: "deadLetter",
    partition: partitionOf(id, context.partitions),
    at: context.now,
    letter: {
      id,
      code: "rowBroken",
      message: isWhole ? `row ${row.row}: ${row.broken}` : `row ${row.row} could not be read`,
      source,
      at: context.now,
      // A cut may split a surrogate pair; the half of it has no UTF-8 form.
      event: isWhole ? Buffer.from(row.text.slice(0, limits.deadLetterCharsMax)).toString() : "",
    },
  };
}

function rejectionOf({ letter }: DeadLetterRecord, index: number): Rejection {
  // Every letter of accept and of this file has a code of the catalogue.
  const code = letter.code as Rejection["code"];
  return { index, messageId: letter.id, code, message: letter.message };
}

const nameForm = /^[\w.-]{1,100}$/;
const sourceForm = /^import\/[\w.-]{1,100}$/;

function readHistory(body: JsonObject): History {
  const { name, source, rows } = body;
  if (typeof name !== "string" || !nameForm.test(name))
    throw shape('"name" should be 1 to 100 letters, digits, dots, dashes or underscores');
  if (source !== undefined && (typeof source !== "string" || !sourceForm.test(source)))
    throw shape('"source" should be "import/" and a name');
  if (!Array.isArray(rows)) throw shape('"rows" should be a list');
  if (rows.length > limits.batchEventsMax)
    throw new FreshetError("batchTooLong", `the request has ${rows.length} rows`);
  return {
    name,
    ...(source === undefined ? {} : { source }),
    rows: (rows as readonly Json[]).map(readRow),
  };
}

function readRow(value: Json, index: number): HistoryRow {
  if (!isObject(value)) throw shape(`row at index ${index} should be an object`);
  const { row, id, broken, text, ...event } = value;
  if (typeof row !== "number" || !Number.isSafeInteger(row) || row < 1)
    throw shape(`"row" at index ${index} should be the number of the row in its file, from 1`);
  if (id !== undefined && (typeof id !== "string" || !isId(id)))
    throw shape(`"id" at index ${index} should be a text of 1 to ${limits.identifierCharsMax}`);
  if (typeof broken !== "string") return { row, event, ...(id === undefined ? {} : { id }) };
  return { row, broken: broken.slice(0, 1000), text: typeof text === "string" ? text : "" };
}

const isId = (id: string): boolean => id !== "" && id.length <= limits.identifierCharsMax;

function shape(message: string): FreshetError {
  return new FreshetError("requestShape", message);
}
