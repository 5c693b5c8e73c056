import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { type Json, type JsonObject, readJson } from "@freshet/protocol";
import { parse as parseCsv } from "csv-parse/sync";
import type { TableDefinition } from "../core/plan/definition.ts";
import type { Engine } from "../engine/engine.ts";
import type { Clock } from "../engine/port/clock.ts";
import { UsageError } from "./usage-error.ts";

/** Rows of one table; it is one record of the log. */
export const tableRowsMax = 100_000;

/** Reads a table's rows from its file or from the plan; numbers of a CSV become numbers where the column says so. */
export function readTable(definition: TableDefinition, folder: string): readonly JsonObject[] {
  const rows =
    definition.rows ??
    (definition.file === undefined ? [] : readFile(definition, resolve(folder, definition.file)));
  if (rows.length > tableRowsMax)
    throw new UsageError(
      `table "${definition.name}" has ${rows.length} rows`,
      `a table has at most ${tableRowsMax} rows`,
      1,
    );
  return rows.map((row, index) => checkRow(definition, row, index));
}

function readFile(definition: TableDefinition, path: string): readonly Json[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(
      `table "${definition.name}" cannot be read: ${(error as Error).message}`,
      "paths are relative to the plan's file",
      1,
    );
  }
  try {
    switch (extname(path)) {
      case ".jsonl":
        return text
          .split("\n")
          .filter((line) => line.trim() !== "")
          .map((line) => readJson(line) as Json);
      case ".csv":
        return parseCsv(text, { columns: true, skip_empty_lines: true, bom: true }) as Json[];
      default: {
        const value = readJson(text) as Json;
        if (Array.isArray(value)) return value as readonly Json[];
        throw new Error("expected an array of rows");
      }
    }
  } catch (error) {
    throw new UsageError(
      `table "${definition.name}" in "${path}" is broken: ${(error as Error).message}`,
      "use a JSON array of rows, JSONL or CSV with a header",
      1,
    );
  }
}

function checkRow(definition: TableDefinition, row: Json, index: number): JsonObject {
  const fail = (message: string) =>
    new UsageError(
      `row ${index + 1} of table "${definition.name}" ${message}`,
      "mend the row; the table in force stays",
      1,
    );
  if (row === null || typeof row !== "object" || Array.isArray(row)) throw fail("is no object");
  const checked: Record<string, Json> = { ...(row as JsonObject) } as Record<string, Json>;
  const key = checked[definition.key];
  if ((typeof key !== "string" && typeof key !== "number") || key === "")
    throw fail(`has no "${definition.key}", which is its key`);
  for (const [name, { kind, optional }] of Object.entries(definition.columns)) {
    const value = checked[name];
    if (value === undefined || value === null || value === "") {
      if (!optional) throw fail(`has no "${name}"`);
    } else if ((kind === "number" || kind === "integer") && typeof value === "string") {
      const number = Number(value);
      if (!Number.isFinite(number)) throw fail(`has "${value}" for "${name}", which is a number`);
      checked[name] = number;
    }
  }
  return checked;
}

/** Writes the tables that are not in force as they are now into the log; returns the names of those. */
export async function refreshTables(
  engine: Engine,
  clock: Clock,
  folder: string,
): Promise<string[]> {
  const changed: string[] = [];
  for (const definition of engine.plan.plan.definition.tables) {
    const rows = readTable(definition, folder);
    const held = engine.tables.get(definition.name);
    if (held !== undefined && fingerprint(held.rows) === fingerprint(rows)) continue;
    const version = (held?.version ?? 0) + 1;
    await engine.append([
      { kind: "table", partition: 0, at: clock.now(), table: definition.name, version, rows },
    ]);
    changed.push(definition.name);
  }
  await engine.drain();
  return changed;
}

function fingerprint(rows: readonly JsonObject[]): string {
  return createHash("sha256").update(JSON.stringify(rows)).digest("hex");
}
