import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { settingsOf } from "../../src/app/config.ts";
import { startFreshet } from "../../src/app/freshet.ts";
import { findMapping, openTarget } from "../../src/app/import/open.ts";
import { showReport } from "../../src/app/import/show.ts";
import { UsageError } from "../../src/app/usage-error.ts";
import { column, constant, definePlan, event, importer, topK } from "../../src/core/plan/index.ts";
import {
  bringIn,
  historyPlanFile,
  look,
  newFolder,
  parseLines,
  planOf,
  recompute,
  sampleFile,
  topOf,
  writeCsv,
} from "./import-fixture.ts";

let base: string;
let data: string;
beforeEach(() => {
  base = newFolder();
  data = join(base, "data");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const line = (
  row: number,
  changes: { customer?: string; quantity?: string; price?: string; time?: string } = {},
) =>
  [
    `8${String(row).padStart(5, "0")}`,
    `P${row % 7}`,
    "THING",
    changes.quantity ?? "2",
    changes.time ?? "2025-03-01 10:00:00",
    changes.price ?? "1.005",
    changes.customer ?? `${row % 50}.0`,
    "Norway",
  ].join(",");

async function expectAgrees(rows: readonly (readonly string[])[]): Promise<void> {
  const found = await look(data);
  const expected = recompute(rows);
  for (const [owner, { spendCents, lines, returns, orders, lastPurchase, bought }] of expected)
    expect(found.features(owner), owner).toMatchObject({
      spendCents,
      lines,
      returns,
      orders: orders.size,
      lastPurchase,
      topProducts: topOf(bought, 5),
    });
  expect(found.ledger).toMatchObject({
    received: found.ledger.applied + found.ledger.duplicate + found.ledger.rejected,
  });
  expect(found.ledger.applied).toBe(rows.length);
}

describe("import of the sample", () => {
  const rows = parseLines(readFileSync(sampleFile, "utf8"));

  test("every customer agrees with a naive computation, repeated and anonymous lines included", async () => {
    const report = await bringIn(data, sampleFile);
    expect(report.progress).toMatchObject({
      rows: rows.length,
      accepted: rows.length,
      rejected: {},
      isFinished: true,
    });
    expect(rows.some(([, , , , , , customer]) => customer === "")).toBe(true);
    await expectAgrees(rows);
  });

  test("a second run adds nothing and says so", async () => {
    await bringIn(data, sampleFile);
    const again = await bringIn(data, sampleFile);
    expect(again.outcome).toBe("alreadyImported");
    expect(showReport(again, data)).toContain("nothing was added");
    await expectAgrees(rows);
  });

  test("gzip, a byte order mark, carriage returns and other delimiters give the same profiles", async () => {
    const text = readFileSync(sampleFile, "utf8");
    const path = join(base, "odd.csv.gz");
    const semicolons = text
      .split("\n")
      .map((row) => row.replace(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/g, ";"))
      .join("\r\n");
    writeFileSync(path, gzipSync(`\uFEFF${semicolons}`));
    expect((await bringIn(data, path)).progress).toMatchObject({
      accepted: rows.length,
      rejected: {},
    });
    await expectAgrees(rows);
  });

  test("JSONL with the same rows gives the same profiles", async () => {
    const names = readFileSync(sampleFile, "utf8").split("\n")[0]?.split(",") ?? [];
    const path = join(base, "rows.jsonl");
    const texts = rows.map((row) =>
      JSON.stringify(
        Object.fromEntries(row.map((field, at) => [names[at], field === "" ? null : field])),
      ),
    );
    writeFileSync(path, texts.join("\n"));
    expect((await bringIn(data, path)).progress).toMatchObject({
      accepted: rows.length,
      rejected: {},
    });
    await expectAgrees(rows);
  });

  test("imported history sets nothing off and is marked as history", async () => {
    await bringIn(data, sampleFile);
    const log = await import("../../src/adapters/log/lmdb.ts");
    const reader = log.openLmdbLogReader({ folder: join(data, "log") });
    const first = reader.get(0);
    expect(first).toMatchObject({
      kind: "event",
      event: {
        id: "online-retail:1",
        source: "import/online-retail",
        imported: true,
        time: Date.parse("2025-01-02T13:09:00Z"),
      },
    });
    await reader.close();
  });
});

describe("an import that does not run through", () => {
  const count = 12_000;
  const lines = Array.from({ length: count }, (_, index) =>
    index % 1000 === 999 ? line(index + 1, { quantity: "many" }) : line(index + 1),
  );
  const good = parseLines(["head", ...lines.filter((text) => !text.includes("many"))].join("\n"));

  test("killed in the middle, it goes on without a row twice or left out, dead letters included", async () => {
    const file = writeCsv(base, "rows.csv.gz", lines);
    for (const rows of ["3000", "8000"]) {
      const child = spawnSync(
        process.execPath,
        [join(import.meta.dirname, "import-child.ts"), data, file, rows],
        { encoding: "utf8" },
      );
      expect(child.signal, child.stderr).toBe("SIGKILL");
    }
    const report = await bringIn(data, file);
    expect(report.outcome).toBe("imported");
    expect(report.rowsBefore).toBeGreaterThan(0);
    expect(report.duplicates).toBe(0);
    expect(report.progress).toMatchObject({
      rows: count,
      accepted: count - 12,
      rejected: { rowBroken: 12 },
    });
    await expectAgrees(good);
    expect((await look(data)).ledger).toMatchObject({
      received: count,
      duplicate: 0,
      rejected: 12,
    });
  });

  test("with its progress lost, message ids still keep rows from counting twice", async () => {
    const file = writeCsv(base, "rows.csv", lines);
    await bringIn(data, file);
    rmSync(join(data, "imports"), { recursive: true });
    const report = await bringIn(data, file);
    expect(report.duplicates).toBe(count - 12);
    await expectAgrees(good);
  });

  test("interrupted, it finishes the batch under way and says how to continue", async () => {
    const file = writeCsv(base, "rows.csv", lines);
    const controller = new AbortController();
    const first = await bringIn(data, file, {
      signal: controller.signal,
      onProgress: ({ rows }) => {
        if (rows >= 4000) controller.abort();
      },
    });
    expect(first.outcome).toBe("interrupted");
    expect(first.progress.rows).toBeLessThan(count);
    expect(showReport(first, data)).toContain("run the same command again to continue");
    const rest = await bringIn(data, file);
    expect(rest).toMatchObject({
      outcome: "imported",
      rowsBefore: first.progress.rows,
      duplicates: 0,
    });
    await expectAgrees(good);
  });
});

describe("rows that cannot be read", () => {
  test("each is a dead letter with its row and reason, and the others count", async () => {
    const file = writeCsv(base, "broken.csv", [
      line(1),
      "800002,P1,THING,2,2025-03-01 10:00:00",
      line(3, { quantity: "two" }),
      line(4, { time: "01/03/2025 10:00" }),
      line(5, { time: "" }),
      '800006,P1,"THING,2,2025-03-01 10:00:00,1,7.0,Norway',
      line(7),
      '800008,P1,"TH"ING,2,2025-03-01 10:00:00,1,7.0,Norway',
      `${line(9)},more`,
      line(10, { price: "" }),
      "",
      line(11),
    ]);
    const report = await bringIn(data, file);
    expect(report.progress).toMatchObject({
      rows: 11,
      accepted: 3,
      rejected: { rowBroken: 6, timestampInvalid: 1, contractViolated: 1 },
    });
    const { letters, ledger } = await look(data);
    expect(letters.map(({ id, code }) => [id, code])).toEqual([
      ["online-retail:2", "rowBroken"],
      ["online-retail:3", "rowBroken"],
      ["online-retail:4", "timestampInvalid"],
      ["online-retail:5", "rowBroken"],
      ["online-retail:6", "rowBroken"],
      ["online-retail:8", "rowBroken"],
      ["online-retail:9", "rowBroken"],
      ["online-retail:10", "contractViolated"],
    ]);
    expect(letters[0]?.message).toBe("row 2: it has 5 fields, but the header has 8");
    expect(letters[1]?.message).toBe(
      'row 3: column "Quantity" should be a number, but is text "two"',
    );
    expect(letters[4]?.message).toBe("row 6: field 3 opens a quote that is not closed");
    expect(letters[5]?.message).toBe("row 8: field 3 goes on after its closing quote");
    expect(ledger).toMatchObject({ received: 11, applied: 3, rejected: 8 });
  });

  test("broken lines of JSONL are dead letters", async () => {
    const path = join(base, "rows.jsonl");
    writeFileSync(
      path,
      '{"user_id":"u1","event":"cart","timestamp":"2020-01-01"}\n{"user_id":\n[]\n',
    );
    const report = await bringIn(data, path, { mappingName: "clickstream" });
    expect(report.progress).toMatchObject({ rows: 3, accepted: 1, rejected: { rowBroken: 2 } });
  });
});

describe("files that cannot be imported", () => {
  const refusal = async (run: Promise<unknown>): Promise<string> => {
    const error = await run.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof UsageError))
      throw new Error(`expected a UsageError, got ${String(error)}`);
    return `${error.message} | ${error.hint}`;
  };

  test("an empty file and a header alone have no rows, which is fine", async () => {
    const empty = join(base, "empty.csv");
    writeFileSync(empty, "");
    expect((await bringIn(data, empty)).progress).toMatchObject({ rows: 0, isFinished: true });
    const header = writeCsv(base, "header.csv", []);
    expect((await bringIn(data, header)).progress.rows).toBe(0);
  });

  test("a gzip that was cut short is found before anything is imported", async () => {
    const path = join(base, "cut.csv.gz");
    const whole = gzipSync(readFileSync(sampleFile));
    writeFileSync(path, whole.subarray(0, whole.length - 2000));
    expect(await refusal(bringIn(data, path))).toMatch(
      /ends in the middle of its gzip data.*nothing was imported/,
    );
  });

  test("bytes that are not UTF-8 are found before anything is imported", async () => {
    const path = writeCsv(base, "latin.csv", [line(1)]);
    appendFileSync(path, Buffer.from([0x38, 0xe9, 0x0a]));
    expect(await refusal(bringIn(data, path))).toMatch(/not UTF-8.*iconv/);
  });

  test("a missing column names the nearest one", async () => {
    const path = writeCsv(
      base,
      "columns.csv",
      [line(1)],
      "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerId,Country",
    );
    expect(await refusal(bringIn(data, path))).toMatch(
      /no column "CustomerID".*did you mean "CustomerId"/,
    );
  });

  test("another file under the same name is refused, and taken under a name of its own", async () => {
    await bringIn(data, sampleFile);
    const other = writeCsv(base, "other.csv", [line(1)]);
    expect(await refusal(bringIn(data, other))).toMatch(/506 rows.*--as <name>/);
    expect((await bringIn(data, other, { name: "more" })).progress.accepted).toBe(1);
  });

  test("a wrong import name names the nearest, and several imports ask for one", async () => {
    const { definition } = (await planOf(data)).plan;
    expect(() => findMapping(definition, "online-retial")).toThrow('no import "online-retial"');
    expect(
      await refusal(Promise.resolve().then(() => findMapping(definition, "online-retial"))),
    ).toMatch(/did you mean "online-retail"/);
    expect(await refusal(Promise.resolve().then(() => findMapping(definition, undefined)))).toMatch(
      /online-retail, clickstream/,
    );
    expect(await refusal(bringIn(data, join(base, "nothing.csv")))).toMatch(/cannot be read/);
  });
});

describe("a mapping in the plan", () => {
  const plan = (settings: Partial<Parameters<typeof importer>[1]>, name = "rows") =>
    definePlan({
      name: "mapped",
      events: [event("Cart Viewed", {})],
      features: [],
      imports: [
        importer(name, {
          event: constant("Cart Viewed"),
          userId: column("user"),
          time: column("at"),
          ...settings,
        }),
      ],
    });

  test("is checked with the plan: event, name, whose rows they are", () => {
    expect(() => plan({})).not.toThrow();
    expect(() => plan({ event: constant("Card Viewed") })).toThrow(
      'event "Card Viewed", which is not defined',
    );
    expect(() => plan({}, "a:b")).toThrow('has "/" or ":" in its name');
    expect(() =>
      definePlan({
        ...emptyPlan,
        imports: [importer("rows", { event: column("e"), time: column("at") })],
      }),
    ).toThrow("does not say whose events");
  });

  test("topK takes as many keys as it is given, within reason", () => {
    const features = (keysMax: number) => [
      topK("top", viewed, viewed.prop.item, { n: 3, keysMax }),
    ];
    const viewed = event("viewed", { item: "string" });
    expect(() =>
      definePlan({ name: "p", events: [viewed], features: features(16_384) }),
    ).not.toThrow();
    for (const keysMax of [0, 16_385, 1.5])
      expect(() =>
        definePlan({ name: "p", events: [viewed], features: features(keysMax) }),
      ).toThrow(`has keysMax ${keysMax}`);
  });

  const emptyPlan = { name: "mapped", events: [], features: [] };
});

describe("a folder that a server has", () => {
  test("rows go through the server, each once", async () => {
    const settings = settingsOf(
      { plan: historyPlanFile, port: 0, data, logLevel: "silent" },
      data,
      {},
    );
    const server = await startFreshet({ settings });
    const plan = await planOf(data);
    const file = writeCsv(
      base,
      "rows.csv",
      Array.from({ length: 3000 }, (_, index) =>
        line(index + 1, index === 5 ? { quantity: "x" } : {}),
      ),
    );
    try {
      const target = () =>
        openTarget({ settings: { ...settings, port: Number(new URL(server.url).port) }, plan });
      const report = await bringIn(data, file, { target });
      expect(report.progress).toMatchObject({
        rows: 3000,
        accepted: 2999,
        rejected: { rowBroken: 1 },
      });
      rmSync(join(data, "imports"), { recursive: true });
      await bringIn(data, file, { target });
      await server.engine.drain();
      expect(server.engine.ledger()).toMatchObject({ applied: 2999, duplicate: 2999, rejected: 2 });
      const refused = await fetch(new URL("/v1/history", server.url), {
        method: "POST",
        body: "{}",
      });
      expect(refused.status).toBe(401);
      const other = writeCsv(base, "other.csv", [line(1)]);
      const nobody = () => openTarget({ settings, plan, url: "http://127.0.0.1:9" });
      await expect(bringIn(data, other, { target: nobody, name: "other" })).rejects.toThrow(
        "does not answer",
      );
    } finally {
      await server.close();
    }
  });
});
