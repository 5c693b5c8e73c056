import { compilePlan } from "../core/plan/compile.ts";
import type { Engine } from "../engine/engine.ts";
import type { PlanChange } from "../engine/manifest.ts";
import type { Clock } from "../engine/port/clock.ts";
import { type CollectorThread, stateOf } from "./collect/thread.ts";
import type { Settings } from "./config.ts";
import { contractChanges } from "./contract-changes.ts";
import { type LoadedPlan, loadPlan } from "./load.ts";
import type { LogFormatter } from "./log/format.ts";
import type { ContractPublisher } from "./registry/publish.ts";
import { readTable, refreshTables } from "./tables.ts";
import { watchFiles } from "./watch.ts";

/** What a reload changed, and what that means for what was sent before. */
export interface Reloaded extends PlanChange {
  readonly contracts: readonly string[];
}

/** Who is told of a plan. */
export interface Told {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly contracts: ContractPublisher;
  readonly formatter: LogFormatter;
  readonly collector: CollectorThread | undefined;
}

/** A table that cannot be read is found before anything is opened. */
export function checkTables({ plan, folder }: LoadedPlan): void {
  for (const definition of plan.definition.tables) readTable(definition, folder);
}

export function reloader(
  settings: Settings,
  { engine, clock, contracts, formatter, collector }: Told,
) {
  return async (): Promise<Reloaded | null> => {
    if (typeof settings.plan !== "string") return null;
    const loaded = await loadPlan(settings.plan, settings.data);
    checkTables(loaded);
    const { hash, definition } = loaded.plan;
    const isNew = hash !== engine.plan.plan.hash;
    const before = engine.plan.plan.definition;
    if (isNew) await contracts.publish(definition);
    try {
      if (isNew) await collector?.accept({ plan: hash, tables: engine.tables });
      const change = isNew ? await engine.switchPlan(compilePlan(loaded.plan)) : null;
      if (isNew) await formatter.use(definition);
      await refreshTables(engine, clock, loaded.folder);
      return change === null ? null : { ...change, contracts: contractChanges(before, definition) };
    } finally {
      await collector?.accept(stateOf(engine));
    }
  };
}

/** Saves come in bursts and may be seen half-written: what does not load leaves the plan in force as it is. */
export function watchPlan(
  file: string,
  loaded: LoadedPlan,
  reload: () => Promise<Reloaded | null>,
  onReload: (text: string) => void,
): () => void {
  const tables = loaded.plan.definition.tables.flatMap((table) =>
    table.file === undefined ? [] : [table.file],
  );
  return watchFiles({ files: [file, ...loaded.files], tables, folder: loaded.folder }, async () => {
    try {
      const change = await reload();
      onReload(change === null ? "saved: nothing changed in the plan" : describeChange(change));
    } catch (error) {
      const { message, hint } = error as Error & { hint?: string };
      onReload(
        `the plan was not reloaded: ${message}${hint === undefined ? "" : `\n  hint: ${hint}`}`,
      );
    }
  });
}

export function describeChange({ epoch, added, removed, changed, contracts }: Reloaded): string {
  const lines = [
    ...added.map((name) => `  + ${name}`),
    ...changed.map((name) => `  ~ ${name}`),
    ...removed.map((name) => `  - ${name}`),
    ...contracts.map((line) => `  ! ${line}`),
  ];
  return `plan reloaded (epoch ${epoch})\n${lines.length === 0 ? "  only settings changed" : lines.join("\n")}`;
}
