/**
 * Imports the real files through the example's plan and compares every customer with an SQL computation over the
 * same files: DuckDB, decimals, nothing of this project. Run by `npm run test:real`.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Json } from "@freshet/protocol";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openFolder } from "../../src/app/folder.ts";
import { importFile } from "../../src/app/import/import.ts";
import { findMapping } from "../../src/app/import/open.ts";
import { openFolderTarget } from "../../src/app/import/target.ts";
import { type LoadedPlan, loadPlan } from "../../src/app/load.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import { memberships } from "../../src/core/read.ts";
import { ProfileView } from "../../src/core/view.ts";

const planFile = join(import.meta.dirname, "../../../../examples/history/plan.ts");
const minutes = 60_000;

let data: string;
let plan: LoadedPlan;

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), "freshet-history-"));
  plan = await loadPlan(planFile, data);
});

afterAll(() => rmSync(data, { recursive: true, force: true }));

describe("history of the real files", () => {
  test("each invoice line and each click is imported once, and a second run adds nothing", {
    timeout: 5 * minutes,
  }, async () => {
    const retail = await bringIn("online-retail.csv.gz", "online-retail");
    expect(retail).toMatchObject({ outcome: "imported", duplicates: 0 });
    expect(retail.progress).toMatchObject({
      rows: 541_909,
      accepted: 541_909,
      skipped: 0,
      rejected: {},
    });
    const clicks = await bringIn("shop-clickstream.csv.gz", "clickstream");
    expect(clicks.progress).toMatchObject({ rows: 35_381, accepted: 35_381, rejected: {} });
    expect((await bringIn("online-retail.csv.gz", "online-retail")).outcome).toBe(
      "alreadyImported",
    );
  });

  test("spend, orders, last purchase, top products and country of every customer agree with SQL", {
    timeout: 5 * minutes,
  }, async () => {
    const expected = await query(customersSql, fileOf("online-retail.csv.gz"));
    expect(expected.length).toBe(4372 + 3710);
    const profiles = await readProfiles();
    const differences: string[] = [];
    for (const row of expected) {
      const found = profiles(String(row.owner));
      for (const name of [
        "spendCents",
        "orders",
        "lines",
        "returns",
        "lastPurchase",
        "topProducts",
        "country",
      ])
        if (JSON.stringify(found?.features[name]) !== JSON.stringify(plain(row[name])))
          differences.push(
            `${row.owner} ${name}: ${JSON.stringify(found?.features[name])}, SQL says ${JSON.stringify(plain(row[name]))}`,
          );
      const segments = [
        ...(Number(row.orders) >= 1 ? ["customer"] : []),
        ...(Number(row.spendCents) >= 100_000 ? ["bigSpender"] : []),
      ];
      if (found?.segments.join() !== segments.join())
        differences.push(
          `${row.owner} segments: ${found?.segments.join()}, SQL says ${segments.join()}`,
        );
    }
    expect(differences).toEqual([]);
  });

  test("clicks per user and event agree with SQL", { timeout: minutes }, async () => {
    const expected = await query(clicksSql, fileOf("shop-clickstream.csv.gz"));
    expect(expected.length).toBeGreaterThan(3751);
    const profiles = await readProfiles();
    const byUser = new Map<string, Record<string, number>>();
    for (const { owner, event, count } of expected) {
      const counts = byUser.get(String(owner)) ?? {};
      counts[String(event)] = Number(count);
      byUser.set(String(owner), counts);
    }
    expect(byUser.size).toBe(3751);
    for (const [owner, counts] of byUser) {
      const found = profiles(owner);
      expect(found?.features.clicksByEvent, owner).toEqual(counts);
      expect(found?.features.clicks, owner).toBe(
        Object.values(counts).reduce((sum, count) => sum + count, 0),
      );
    }
  });
});

function fileOf(name: string): string {
  const folder = process.env.FRESHET_DATASETS;
  if (folder === undefined || folder === "")
    throw new Error("FRESHET_DATASETS is not set: it names the folder of the real files");
  const path = join(folder, name);
  if (!existsSync(path)) throw new Error(`"${name}" is not in FRESHET_DATASETS ("${folder}")`);
  return path;
}

function bringIn(file: string, mapping: string) {
  return importFile({
    file: fileOf(file),
    mapping: findMapping(plan.plan.definition, mapping),
    data,
    target: () => openFolderTarget(data, plan),
  });
}

interface Found {
  readonly features: { readonly [name: string]: Json };
  readonly segments: readonly string[];
}

/** Profiles as they were left on disk; the folder is closed behind the test. */
async function readProfiles(): Promise<(id: string) => Found | null> {
  const compiled = compilePlan(plan.plan);
  const folder = await openFolder(data, { plan: compiled });
  const now = folder.clock.now();
  const names = [...compiled.slotOf.keys()];
  onTestFinished(() => folder.close());
  return (id) => {
    const found = folder.engine.profile(id);
    if (found === null) return null;
    const view = new ProfileView(compiled, found.state, now);
    for (const slot of compiled.slots)
      if (slot.feature.approximate(view.featureState(slot)))
        throw new Error(`${slot.definition.name} of ${id} is approximate`);
    return {
      features: Object.fromEntries(names.map((name) => [name, view.feature(name)])),
      segments: memberships(view),
    };
  };
}

type Row = Record<string, unknown>;

/** One thread: rows keep their order, and the machine is shared. */
async function query(sql: string, file: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(sql, { file });
  const rows = (reader.getRowObjectsJS() as Row[]).map(withProducts);
  connection.closeSync();
  instance.closeSync();
  return rows;
}

/** Lists come as one text: codes have no bar in them. */
function withProducts(row: Row): Row {
  if (typeof row.products !== "string") return row;
  return { ...row, topProducts: row.products === "" ? [] : row.products.split("|") };
}

function plain(value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : (value ?? null);
}

const customersSql = `
WITH read AS (
  SELECT row_number() OVER () AS n, * FROM read_csv($file, header = true, all_varchar = true)
), line AS (
  SELECT
    n,
    CASE WHEN coalesce(CustomerID, '') = '' THEN 'anon:' || InvoiceNo
         ELSE 'user:' || CAST(CAST(CustomerID AS DECIMAL(18, 1)) AS BIGINT) END AS owner,
    InvoiceNo AS invoice,
    StockCode AS product,
    Country AS country,
    CAST(Quantity AS BIGINT) AS quantity,
    epoch_ms(CAST(InvoiceDate AS TIMESTAMP)) AS time,
    -- Half away from zero, in decimals: DuckDB's round of a DECIMAL.
    CAST(round(CAST(Quantity AS DECIMAL(12, 0)) * CAST(UnitPrice AS DECIMAL(18, 4)) * 100, 0) AS BIGINT) AS cents,
    left(InvoiceNo, 1) = 'C' AS cancelled
  FROM read
), ranked AS (
  SELECT owner, product, row_number() OVER (PARTITION BY owner ORDER BY count(*) DESC, product) AS rank
  FROM line WHERE quantity > 0 AND NOT cancelled GROUP BY owner, product
), top AS (
  SELECT owner, list(product ORDER BY rank) AS products FROM ranked WHERE rank <= 5 GROUP BY owner
), newest AS (
  SELECT owner, country, row_number() OVER (PARTITION BY owner ORDER BY time DESC, 'online-retail:' || n DESC) AS rank FROM line
)
SELECT
  line.owner AS owner,
  CAST(sum(cents) AS BIGINT) AS "spendCents",
  count(DISTINCT invoice) FILTER (WHERE NOT cancelled) AS orders,
  count(*) AS lines,
  count(*) FILTER (WHERE quantity < 0) AS returns,
  max(time) FILTER (WHERE quantity > 0 AND NOT cancelled) AS "lastPurchase",
  coalesce(array_to_string(any_value(top.products), '|'), '') AS products,
  any_value(newest.country) AS country
FROM line
LEFT JOIN top ON top.owner = line.owner
JOIN newest ON newest.owner = line.owner AND newest.rank = 1
GROUP BY line.owner`;

const clicksSql = `
SELECT 'user:' || user_id AS owner, event, count(*) AS count
FROM read_csv($file, header = true, all_varchar = true)
GROUP BY ALL`;
