import type { Json, JsonObject } from "@freshet/protocol";
import type { AcceptedEvent } from "../core/event.ts";
import { compileExpression, type Evaluate } from "../core/expression/evaluate.ts";
import type { JoinDefinition } from "../core/plan/definition.ts";
import type { AcceptContext } from "./request.ts";

/** One version of a reference table. */
export interface Table {
  readonly version: number;
  /** By the text of the row's key column. */
  readonly rows: ReadonlyMap<string, JsonObject>;
}

export type Tables = ReadonlyMap<string, Table>;

/** The joins of a plan by event name, ready to run. */
export type Joins = ReadonlyMap<string, readonly Join[]>;

interface Join {
  readonly table: string;
  readonly pick: readonly string[];
  readonly on: Evaluate;
}

export function compileJoins(definitions: readonly JoinDefinition[]): Joins {
  const byEvent = new Map<string, Join[]>();
  for (const definition of definitions) {
    const { table, pick } = definition;
    const join: Join = { table, pick, on: compileExpression(definition.on) };
    for (const name of definition.events) {
      const others = byEvent.get(name);
      if (others === undefined) byEvent.set(name, [join]);
      else others.push(join);
    }
  }
  return byEvent;
}

type Mutable<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };

/**
 * Writes the picked columns and the versions asked into the event, so that reducing needs no table. A join sees
 * what the ones before it found. A table that is not loaded answers as version 0 without rows.
 */
export function enrich(
  event: Mutable<AcceptedEvent>,
  context: Pick<AcceptContext, "contracts" | "joins" | "tables" | "now">,
): void {
  const joins = context.joins.get(event.name);
  if (joins === undefined) return;
  const joined: Record<string, JsonObject | null> = {};
  const tables: Record<string, number> = {};
  event.joined = joined;
  event.tables = tables;
  // Joins are written for the newest version, and the log keeps the event as it came.
  const newest = context.contracts.newest(event);
  const seen = newest === event ? event : { ...newest, joined };
  const scope = { event: seen, profile: null, now: context.now };
  for (const join of joins) {
    const table = context.tables.get(join.table);
    const key = rowKey(join.on(scope));
    const row = key === undefined ? undefined : table?.rows.get(key);
    joined[join.table] = row === undefined ? null : pick(row, join.pick);
    tables[join.table] = table?.version ?? 0;
  }
}

/** Item ids come as numbers from some clients and as text from others: both find the row. */
function rowKey(value: Json): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" ? String(value) : undefined;
}

function pick(row: JsonObject, columns: readonly string[]): JsonObject {
  const picked: Record<string, Json> = {};
  for (const column of columns) {
    const value = Object.hasOwn(row, column) ? row[column] : undefined;
    if (value !== undefined) picked[column] = value;
  }
  return picked;
}
