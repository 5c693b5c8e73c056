import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Json } from "@freshet/protocol";
import { openLmdbLogReader } from "../../src/adapters/log/lmdb.ts";
import { openFolder } from "../../src/app/folder.ts";
import { type ImportOptions, type ImportReport, importFile } from "../../src/app/import/import.ts";
import { findMapping } from "../../src/app/import/open.ts";
import { openFolderTarget } from "../../src/app/import/target.ts";
import { type LoadedPlan, loadPlan } from "../../src/app/load.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import { ProfileView } from "../../src/core/view.ts";

const history = join(import.meta.dirname, "../../../../examples/history");
export const historyPlanFile = join(history, "plan.ts");
export const sampleFile = join(history, "sample/online-retail-sample.csv");

export const header =
  "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "freshet-import-"));
}

export function writeCsv(
  folder: string,
  name: string,
  lines: readonly string[],
  head = header,
): string {
  const path = join(folder, name);
  const text = Buffer.from(`${[head, ...lines].join("\n")}\n`);
  writeFileSync(path, name.endsWith(".gz") ? gzipSync(text) : text);
  return path;
}

const plans = new Map<string, LoadedPlan>();

export async function planOf(data: string): Promise<LoadedPlan> {
  const plan = plans.get(data) ?? (await loadPlan(historyPlanFile, data));
  plans.set(data, plan);
  return plan;
}

export async function bringIn(
  data: string,
  file: string,
  changes: Partial<ImportOptions> & { readonly mappingName?: string } = {},
): Promise<ImportReport> {
  const plan = await planOf(data);
  const { mappingName = "online-retail", ...rest } = changes;
  return importFile({
    file,
    mapping: findMapping(plan.plan.definition, mappingName),
    data,
    target: () => openFolderTarget(data, plan),
    ...rest,
  });
}

export interface Found {
  readonly ledger: {
    readonly received: number;
    readonly applied: number;
    readonly duplicate: number;
    readonly rejected: number;
  };
  readonly letters: readonly {
    readonly id: string;
    readonly code: string;
    readonly message: string;
  }[];
  features(profileId: string): { readonly [name: string]: Json } | null;
}

/** What a folder has, read when nobody else has it open. */
export async function look(data: string): Promise<Found> {
  const plan = compilePlan((await planOf(data)).plan);
  const keys = await keysInLog(data);
  const folder = await openFolder(data, { plan });
  const { engine } = folder;
  try {
    const now = folder.clock.now();
    const letters = engine.deadLetters.list({ limit: 1000 }).reverse();
    const all = new Map<string, { [name: string]: Json }>();
    for (const key of keys) {
      const found = engine.profile(key);
      if (found === null) continue;
      const view = new ProfileView(plan, found.state, now);
      all.set(
        key,
        Object.fromEntries([...plan.slotOf.keys()].map((name) => [name, view.feature(name)])),
      );
    }
    return {
      ledger: engine.ledger(),
      letters,
      features: (profileId) => all.get(profileId) ?? null,
    };
  } finally {
    await folder.close();
  }
}

async function keysInLog(data: string): Promise<Set<string>> {
  const log = openLmdbLogReader({ folder: join(data, "log") });
  const keys = new Set<string>();
  for (const { records } of log.read(0))
    for (const record of records) if (record.kind === "event") keys.add(record.key);
  await log.close();
  return keys;
}

/** Lines of a file as the oracle sees them: plain code over plain text, quotes included. */
export function parseLines(text: string): string[][] {
  return text
    .trim()
    .split("\n")
    .slice(1)
    .map((line) =>
      [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
        .slice(0, 8)
        .map(([, field = ""]) => unquote(field)),
    );
}

function unquote(field: string): string {
  return field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field;
}

export interface Expected {
  spendCents: number;
  lines: number;
  returns: number;
  readonly orders: Set<string>;
  readonly bought: Map<string, number>;
  lastPurchase: number | null;
}

/** The naive computation: cents by whole numbers of thousandths, rounded half away from zero. */
export function recompute(rows: readonly (readonly string[])[]): Map<string, Expected> {
  const owners = new Map<string, Expected>();
  for (const [
    invoice = "",
    product = "",
    ,
    quantityText = "",
    time = "",
    priceText = "",
    customer = "",
  ] of rows) {
    const owner = customer === "" ? `anon:${invoice}` : `user:${customer.replace(/\.0$/, "")}`;
    let known = owners.get(owner);
    if (known === undefined) {
      known = {
        spendCents: 0,
        lines: 0,
        returns: 0,
        orders: new Set(),
        bought: new Map(),
        lastPurchase: null,
      };
      owners.set(owner, known);
    }
    const quantity = Number(quantityText);
    const [units = "0", decimals = ""] = priceText.split(".");
    const thousandths = quantity * Number(units + decimals.padEnd(3, "0"));
    const cents = Math.floor((Math.abs(thousandths) + 5) / 10);
    known.spendCents += thousandths < 0 ? -cents : cents;
    known.lines++;
    if (quantity < 0) known.returns++;
    if (invoice.startsWith("C")) continue;
    known.orders.add(invoice);
    if (quantity <= 0) continue;
    known.bought.set(product, (known.bought.get(product) ?? 0) + 1);
    known.lastPurchase = Math.max(
      known.lastPurchase ?? 0,
      Date.parse(`${time.replace(" ", "T")}Z`),
    );
  }
  return owners;
}

export function topOf(bought: ReadonlyMap<string, number>, count: number): string[] {
  return [...bought]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, count)
    .map(([product]) => product);
}
