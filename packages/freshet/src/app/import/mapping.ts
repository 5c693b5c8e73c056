import type { Json, JsonObject } from "@freshet/protocol";
import {
  compileCondition,
  compileExpression,
  type Evaluate,
} from "../../core/expression/evaluate.ts";
import type { Expression } from "../../core/expression/type.ts";
import { walk } from "../../core/expression/walk.ts";
import type { ImportDefinition } from "../../core/plan/definition.ts";
import { nearest } from "../../core/plan/error.ts";
import type { HistoryRow } from "../../server/route/history.ts";
import { UsageError } from "../usage-error.ts";
import type { FileRow } from "./row.ts";

/** A mapping as functions. */
export interface Mapping {
  readonly name: string;
  /** What tells it from other mappings: another one over the same file is another import. */
  readonly identity: string;
  /** It comes with a format, and is not of the plan. */
  readonly isOfFormat: boolean;
  /** Source of its events, where it is the same for all imports: ids of their own are told apart by it. */
  readonly source: string | null;
  /** Columns that it reads. */
  readonly columns: ReadonlySet<string>;
  /** The row as history, or null where the mapping leaves it out. */
  toHistory(row: FileRow): HistoryRow | null;
}

export function compileMapping(definition: ImportDefinition): Mapping {
  const { event, userId, anonymousId, fallbackAnonymousId, time, where } = definition;
  const properties = Object.entries(definition.properties).map(
    ([name, expression]) => [name, compileExpression(expression)] as const,
  );
  const read = {
    event: compileExpression(event),
    userId: compileOptional(userId),
    anonymousId: compileOptional(anonymousId),
    fallback: compileOptional(fallbackAnonymousId),
    time: compileExpression(time),
    where: where === undefined ? null : compileCondition(where),
  };
  return {
    name: definition.name,
    identity: JSON.stringify(definition),
    isOfFormat: false,
    source: null,
    columns: columnsOf(definition),
    toHistory(row) {
      if (row.kind === "broken") return { row: row.row, broken: row.message, text: row.text };
      const fault = readNumbers(row.values, definition.numbers);
      if (fault !== null) return broken(row, fault);
      const scope = { event: { properties: row.values }, profile: null, now: 0 };
      if (read.where !== null && !read.where(scope)) return null;
      const timestamp = read.time(scope);
      if (timestamp === null || timestamp === "") return broken(row, "it says no time");
      const event: Record<string, Json> = { event_type: read.event(scope), timestamp };
      const user = identifier(read.userId?.(scope));
      const anonymous = identifier(read.anonymousId?.(scope));
      if (user !== null) event.user_id = user;
      if (anonymous !== null) event.anonymous_id = anonymous;
      if (user === null && anonymous === null)
        event.anonymous_id = identifier(read.fallback?.(scope));
      const metadata: Record<string, Json> = {};
      event.metadata = metadata;
      for (const [name, evaluate] of properties) {
        const value = evaluate(scope);
        if (value !== null) metadata[name] = value;
      }
      return { row: row.row, event };
    },
  };
}

/** Every column that the mapping reads must be in the header. */
export function checkColumns(mapping: Mapping, header: readonly string[]): void {
  for (const column of mapping.columns) {
    if (header.includes(column)) continue;
    const near = nearest(column, header);
    throw new UsageError(
      `the file has no column "${column}", which import "${mapping.name}" reads`,
      near === null ? `its columns are ${header.join(", ")}` : `did you mean "${near}"?`,
      1,
    );
  }
}

function columnsOf(definition: ImportDefinition): Set<string> {
  const { event, userId, anonymousId, fallbackAnonymousId, time, where, properties } = definition;
  const columns = new Set<string>(definition.numbers);
  for (const expression of [
    event,
    userId,
    anonymousId,
    fallbackAnonymousId,
    time,
    where,
    ...Object.values(properties),
  ])
    if (expression !== undefined)
      walk(expression, (part) => {
        if ("prop" in part) columns.add(part.prop.split(".")[0] ?? part.prop);
      });
  return columns;
}

function compileOptional(expression: Expression | undefined): Evaluate | null {
  return expression === undefined ? null : compileExpression(expression);
}

function identifier(value: Json | undefined): Json {
  return value === undefined || value === "" ? null : value;
}

type Open = { -readonly [Key in keyof JsonObject]: JsonObject[Key] };

/** Reads the number columns in place; the reason where one is none. */
function readNumbers(values: JsonObject, numbers: readonly string[]): string | null {
  for (const name of numbers) {
    const value = Object.hasOwn(values, name) ? values[name] : null;
    if (value === null || value === undefined || typeof value === "number") continue;
    const number = typeof value === "string" ? numberOf(value) : undefined;
    if (number === undefined) return `column "${name}" should be a number, but is ${show(value)}`;
    (values as Open)[name] = number;
  }
  return null;
}

/** Digits with a point and an exponent; no thousands separators, no hexadecimal, nothing infinite. */
function numberOf(text: string): number | null | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  if (!numberForm.test(trimmed)) return undefined;
  const number = Number(trimmed);
  return Number.isFinite(number) ? number + 0 : undefined;
}

const numberForm = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;

function show(value: Json): string {
  return typeof value === "string"
    ? `text "${value.slice(0, 60)}"`
    : JSON.stringify(value).slice(0, 60);
}

/** A row that is none, with what it says. */
export function broken(row: Extract<FileRow, { kind: "row" }>, message: string): HistoryRow {
  return { row: row.row, broken: message, text: row.text ?? JSON.stringify(row.values) };
}
