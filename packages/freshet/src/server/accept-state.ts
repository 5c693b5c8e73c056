import type { JsonObject } from "@freshet/protocol";
import {
  type AcceptContext,
  type Contracts,
  compileContracts,
  compileJoins,
  type Joins,
  type Sources,
  type Table,
  type Tables,
} from "../accept/index.ts";
import type { CompiledPlan } from "../core/plan/compile.ts";
import type { TableDefinition } from "../core/plan/definition.ts";
import type { Clock } from "../engine/port/clock.ts";
import type { TableVersion } from "../engine/table.ts";

export interface AcceptStateOptions {
  readonly plan: () => CompiledPlan;
  readonly tables: () => ReadonlyMap<string, TableVersion>;
  readonly partitions: () => number;
  readonly sources: Sources;
  readonly clock: Clock;
  readonly randomId: () => string;
}

/** What accept works with, compiled again only when the plan or a table is another. */
export interface AcceptState {
  current(): { readonly contracts: Contracts; readonly joins: Joins; readonly tables: Tables };
  /** For one request, which happens now. */
  context(): AcceptContext;
}

export function createAcceptState(options: AcceptStateOptions): AcceptState {
  const contractsOf = lastOf(({ plan }: CompiledPlan) =>
    compileContracts(plan.definition.events, plan.functions),
  );
  const joinsOf = lastOf((plan: CompiledPlan) => compileJoins(plan.plan.definition.joins));
  const tablesOf = tableIndex();
  const current = () => {
    const plan = options.plan();
    return {
      contracts: contractsOf(plan),
      joins: joinsOf(plan),
      tables: tablesOf(plan, options.tables()),
    };
  };
  return {
    current,
    context: () => ({
      ...current(),
      now: options.clock.now(),
      partitions: options.partitions(),
      sources: options.sources,
      randomId: options.randomId,
    }),
  };
}

/** Remembers the last answer: both plans and tables change seldom and for good. */
function lastOf<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  let last: { readonly key: Key; readonly value: Value } | undefined;
  return (key) => {
    if (last === undefined || last.key !== key) last = { key, value: make(key) };
    return last.value;
  };
}

type Versions = ReadonlyMap<string, TableVersion>;

/** Rows by key column. A table that the log has no version of yet answers with the plan's own rows. */
function tableIndex(): (plan: CompiledPlan, versions: Versions) => Tables {
  let indexed = new Map<TableDefinition, { readonly from: TableVersion; readonly table: Table }>();
  let tables: Tables = new Map();
  return (plan, versions) => {
    const definitions = plan.plan.definition.tables;
    const isSame = (definition: TableDefinition) => {
      const known = indexed.get(definition)?.from;
      return known !== undefined && known === (versions.get(definition.name) ?? known);
    };
    if (definitions.length === indexed.size && definitions.every(isSame)) return tables;
    indexed = new Map(
      definitions.map((definition) => {
        const from = versions.get(definition.name) ?? { version: 0, rows: definition.rows ?? [] };
        return [definition, { from, table: indexRows(from, definition.key) }];
      }),
    );
    tables = new Map([...indexed].map(([{ name }, { table }]) => [name, table]));
    return tables;
  };
}

function indexRows({ version, rows }: TableVersion, key: string): Table {
  const byKey = new Map<string, JsonObject>();
  for (const row of rows) {
    const value = row[key];
    if (typeof value === "string" || typeof value === "number") byKey.set(String(value), row);
  }
  return { version, rows: byKey };
}
