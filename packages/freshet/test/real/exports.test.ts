/**
 * Imports generated files of a web server and of analytics tools, large ones with what is odd in real ones, and
 * compares every profile with an SQL computation over the same files: DuckDB, and nothing of this project. Run by
 * `npm run test:real`.
 */
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accessLog, ga4Rows, mixpanelRows } from "../../../../examples/history/generate.ts";
import { visitorId } from "../../src/app/import/format/page-view.ts";
import { visitorKeyOf } from "../../src/app/import/visitor-key.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { bringInWeb, lookWeb } from "../app/web-fixture.ts";

const rows = 60_000;
let base: string;
let data: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "freshet-exports-"));
  data = join(base, "data");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe("generated files", () => {
  test(`${rows} rows of Google Analytics give the profiles that SQL gives`, () =>
    withSeed(import.meta.url, async (seed) => {
      const file = await write("ga4.json", texts(ga4Rows(rows, seed)));
      const { progress } = await bringInWeb(data, file, { format: "ga4" });
      expect(progress.rows).toBe(rows);
      expect(progress.rejected).toEqual({});
      await expectProfiles(await query(ga4Sql, file), 199);
    }));

  test(`${rows} rows of Mixpanel give the profiles that SQL gives`, () =>
    withSeed(import.meta.url, async (seed) => {
      const file = await write("mixpanel.json", texts(mixpanelRows(rows, seed)));
      const { progress } = await bringInWeb(data, file, { format: "mixpanel" });
      expect(progress).toMatchObject({ rows, rejected: {}, skipped: 0 });
      await expectProfiles(await query(mixpanelSql, file), 199);
    }));

  test(`${rows} lines of a web log give the page views that SQL gives`, () =>
    withSeed(import.meta.url, async (seed) => {
      const file = await write("access.log", accessLog(rows, seed));
      const report = await bringInWeb(data, file, { format: "combined" });
      console.log(`${Math.round((report.progress.rows * 1000) / report.elapsedMs)} lines/s`);
      const key = visitorKeyOf(data)();
      const expected = (await query(accessSql, file)).map(({ host, user, agent, ...counts }) => ({
        owner:
          user === "-" ? `anon:${visitorId(String(host), String(agent), key)}` : `user:${user}`,
        ...counts,
      }));
      await expectProfiles(merged(expected), 100);
    }));
});

type Row = Record<string, unknown>;

/** Every profile that SQL finds, and no other; at least so many, so that an empty answer is no success. */
async function expectProfiles(expected: readonly Row[], least: number): Promise<void> {
  expect(expected.length).toBeGreaterThanOrEqual(least);
  const { profiles, ledger } = await lookWeb(data);
  expect(profiles.size).toBe(expected.length);
  expect(ledger.received).toBe(
    Number(ledger.applied) + Number(ledger.duplicate) + Number(ledger.rejected),
  );
  const differences = expected.flatMap(({ owner, ...counts }) => {
    const found = profiles.get(String(owner));
    return Object.entries(counts).flatMap(([name, value]) => {
      const wanted = typeof value === "bigint" ? Number(value) : value;
      return found?.[name] === wanted
        ? []
        : [`${owner} ${name}: ${found?.[name]}, SQL says ${wanted}`];
    });
  });
  expect(differences).toEqual([]);
}

/** A user comes from several addresses. */
function merged(list: readonly Row[]): Row[] {
  const byOwner = new Map<unknown, Row>();
  for (const row of list) {
    const known = byOwner.get(row.owner);
    if (known === undefined) byOwner.set(row.owner, row);
    else {
      known.pages = Number(known.pages) + Number(row.pages);
      known.lastSeen = Math.max(Number(known.lastSeen), Number(row.lastSeen));
    }
  }
  return [...byOwner.values()];
}

function* texts(all: Iterable<unknown>): Generator<string> {
  for (const row of all) yield JSON.stringify(row);
}

async function write(name: string, lines: Iterable<string>): Promise<string> {
  const path = join(base, name);
  const ended = (function* () {
    for (const line of lines) yield `${line}\n`;
  })();
  await pipeline(Readable.from(ended), createWriteStream(path));
  return path;
}

async function query(sql: string, file: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(sql, { file });
  const found = reader.getRowObjectsJS() as Row[];
  connection.closeSync();
  instance.closeSync();
  return found;
}

const ga4Sql = `
WITH row AS (
  SELECT DISTINCT CAST(json AS VARCHAR) AS text FROM read_json_objects($file, format = 'newline_delimited')
), event AS (
  SELECT
    coalesce('user:' || (text ->> '$.user_id'), 'anon:' || (text ->> '$.user_pseudo_id')) AS owner,
    text ->> '$.event_name' AS name,
    CAST(text ->> '$.event_timestamp' AS BIGINT) // 1000 AS time,
    CAST(text ->> '$.items[0].quantity' AS BIGINT) AS quantity,
    text ->> '$.ecommerce.transaction_id' AS number,
    CAST(round(CAST(text ->> '$.ecommerce.purchase_revenue' AS DECIMAL(18, 4)) * 100) AS BIGINT) AS cents
  FROM row
)
SELECT
  owner,
  count(*) FILTER (WHERE name = 'page_view') AS pages,
  count(*) FILTER (WHERE name = 'view_item') AS views,
  coalesce(sum(quantity) FILTER (WHERE name = 'add_to_cart'), 0)::BIGINT AS added,
  count(DISTINCT number) FILTER (WHERE name = 'purchase') AS orders,
  coalesce(sum(cents) FILTER (WHERE name = 'purchase'), 0)::BIGINT AS "spendCents",
  max(time) AS "lastSeen"
FROM event WHERE owner IS NOT NULL GROUP BY owner`;

const mixpanelSql = `
WITH row AS (
  SELECT DISTINCT CAST(json AS VARCHAR) AS text FROM read_json_objects($file, format = 'newline_delimited')
), event AS (
  SELECT
    coalesce(
      'user:' || (text ->> '$.properties."$user_id"'),
      'anon:' || replace(text ->> '$.properties.distinct_id', '$device:', '')
    ) AS owner,
    text ->> '$.event' AS name,
    CAST(text ->> '$.properties.time' AS BIGINT) AS said,
    CAST(text ->> '$.properties.quantity' AS BIGINT) AS quantity,
    text ->> '$.properties.order_id' AS number,
    CAST(round(CAST(text ->> '$.properties.total' AS DECIMAL(18, 4)) * 100) AS BIGINT) AS cents
  FROM row
)
SELECT
  owner,
  count(*) FILTER (WHERE name = '$mp_web_page_view') AS pages,
  count(*) FILTER (WHERE name = 'Product Viewed') AS views,
  coalesce(sum(quantity) FILTER (WHERE name = 'Product Added'), 0)::BIGINT AS added,
  count(DISTINCT number) AS orders,
  coalesce(sum(cents), 0)::BIGINT AS "spendCents",
  max(CASE WHEN said < 100000000000 THEN said * 1000 ELSE said END) AS "lastSeen"
FROM event GROUP BY owner`;

const accessSql = `
WITH line AS (
  SELECT unnest(string_split(content, chr(10))) AS text FROM read_text($file)
), part AS (
  SELECT regexp_extract(
    text,
    '^(\\S+) - (\\S+) \\[([^\\]]+)\\] "GET ([^ ?]*)\\S* HTTP/1.1" (\\d+) \\S+ "[^"]*" "([^"]*)"$',
    ['host', 'user', 'time', 'path', 'status', 'agent']
  ) AS p FROM line
)
SELECT
  p.host AS host, p.user AS user, p.agent AS agent,
  count(*) AS pages,
  epoch_ms(max(strptime(p.time, '%d/%b/%Y:%H:%M:%S %z'))) AS "lastSeen"
FROM part
WHERE p.status IN ('200', '204', '304') AND p.agent LIKE 'Mozilla%' AND p.agent NOT LIKE '%Googlebot%'
  AND (regexp_matches(p.path, '(^|/)[^/.]*$') OR p.path LIKE '%.html')
GROUP BY ALL`;
