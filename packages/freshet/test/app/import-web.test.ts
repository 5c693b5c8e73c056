import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accessLog, ga4Rows, mixpanelRows } from "../../../../examples/history/generate.ts";
import { settingsOf } from "../../src/app/config.ts";
import { startFreshet } from "../../src/app/freshet.ts";
import { readGa4 } from "../../src/app/import/format/ga4.ts";
import { readMixpanel } from "../../src/app/import/format/mixpanel.ts";
import { visitorId } from "../../src/app/import/format/page-view.ts";
import { openTarget } from "../../src/app/import/open.ts";
import { showReport } from "../../src/app/import/show.ts";
import { visitorKeyOf } from "../../src/app/import/visitor-key.ts";
import { UsageError } from "../../src/app/usage-error.ts";
import { bringInWeb, historyFolder, lookWeb, sample, webPlan } from "./web-fixture.ts";

let base: string;
let data: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "freshet-web-"));
  data = join(base, "data");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const put = (name: string, text: string | Buffer): string => {
  const path = join(base, name);
  writeFileSync(path, text);
  return path;
};
const pagesOf = async () => {
  const { profiles } = await lookWeb(data);
  return [...profiles.values()].reduce((sum, { pages }) => sum + Number(pages), 0);
};
const options = { visitorKey: () => Buffer.alloc(32), usesSegmentNames: true };

/** The sample as simple code sees it: a split at the quotes, since no quote is escaped in what counts. */
function viewsByVisitor(text: string, key: Uint8Array): Map<string, number> {
  const views = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [who = "", request = "", result = "", , , userAgent = ""] = line.split('"');
    const [, path] = /^GET ([^? ]*)\S* HTTP/.exec(request) ?? [];
    const isPage = path !== undefined && /(^|\/)[^/.]*$|\.html$/.test(path);
    if (!isPage || !/^ (2\d\d|304) /.test(result) || !userAgent.startsWith("Mozilla")) continue;
    if (userAgent.includes("Googlebot")) continue;
    const [host = "", , user = ""] = who.split(" ");
    const owner = user === "-" ? `anon:${visitorId(host, userAgent, key)}` : `user:${user}`;
    views.set(owner, (views.get(owner) ?? 0) + 1);
  }
  return views;
}

describe("import of a web log", () => {
  test("counts the page views of every visitor as simple code does, and keeps what is broken", async () => {
    const text = readFileSync(sample("access.log"), "utf8");
    const { progress } = await bringInWeb(data, sample("access.log"));
    const { profiles, ledger, codes } = await lookWeb(data);
    const expected = viewsByVisitor(text, visitorKeyOf(data)());
    expect(expected.size).toBeGreaterThan(50);
    expect(Object.fromEntries([...profiles].map(([id, { pages }]) => [id, pages]))).toEqual(
      Object.fromEntries(expected),
    );
    expect(progress.rows).toBe(text.split("\n").filter((line) => line !== "").length);
    expect(codes.length).toBeGreaterThan(0);
    expect(new Set(codes)).toEqual(new Set(["rowBroken"]));
    expect(ledger).toMatchObject({
      applied: progress.accepted,
      duplicate: 0,
      rejected: codes.length,
    });
  });

  test("a plan's import reads the same columns", async () => {
    const report = await bringInWeb(data, sample("access.log"), { mappingName: "failed" });
    const lines = readFileSync(sample("access.log"), "utf8").match(/" 500 \d/g) ?? [];
    expect(lines.length).toBeGreaterThan(10);
    expect(report.progress.accepted).toBe(lines.length);
    const { profiles } = await lookWeb(data);
    const failures = [...profiles.values()].reduce(
      (sum, { failures }) => sum + Number(failures),
      0,
    );
    expect(failures).toBe(lines.length);
  });

  test("a log that grows goes on behind its rows, half a line waits, and what was rotated counts once", async () => {
    const lines = [...accessLog(300, 77)];
    const first = `${lines.slice(0, 200).join("\n")}\n`;
    const path = put("access.log", `${first}${(lines[200] ?? "").slice(0, 30)}`);
    const report = await bringInWeb(data, path);
    expect(report.openLineBytes).toBe(30);
    expect(showReport(report, data)).toContain("left for the next run");
    appendFileSync(path, `${(lines[200] ?? "").slice(30)}\n${lines.slice(201).join("\n")}\n`);
    const second = await bringInWeb(data, path);
    expect(second).toMatchObject({
      outcome: "imported",
      rowsBefore: report.progress.rows,
      duplicates: 0,
    });
    const rotated = put("access.log.1.gz", gzipSync(readFileSync(path)));
    expect((await bringInWeb(data, rotated)).outcome).toBe("alreadyImported");
    const pages = await pagesOf();
    data = join(base, "at-once");
    await bringInWeb(data, path);
    expect(await pagesOf()).toBe(pages);
    expect(pages).toBeGreaterThan(20);
  });

  test("a file that begins alike and goes on in another way is refused", async () => {
    const path = put("access.log", `${[...accessLog(50, 5)].join("\n")}\n`);
    await bringInWeb(data, path);
    const lines = readFileSync(path, "utf8").split("\n");
    writeFileSync(path, [lines[0], ...lines.slice(10)].join("\n"));
    await expect(bringInWeb(data, path)).rejects.toThrow(UsageError);
    await expect(bringInWeb(data, path)).rejects.toThrow("goes on in another way");
  });

  test("two visits of one moment are two, and bytes that are not UTF-8 are no reason to refuse the file", async () => {
    const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0";
    const line = `1.2.3.4 - - [01/Mar/2025:10:00:00 +0000] "GET /a HTTP/1.1" 200 1 "-" "${agent}"\n`;
    const odd = Buffer.concat([
      Buffer.from('1.2.3.4 - - [01/Mar/2025:10:00:00 +0000] "'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('" 400 0 "-" "-"\n'),
    ]);
    const path = put("x.log", Buffer.concat([Buffer.from(line + line), odd]));
    expect((await bringInWeb(data, path)).progress).toMatchObject({
      accepted: 2,
      skipped: 1,
      rejected: {},
    });
    expect(await pagesOf()).toBe(2);
  });
});

describe("import of an export", () => {
  test("of Google Analytics counts every row of somebody once, also where two exports overlap", async () => {
    const rows = [...ga4Rows(600, 12)];
    const write = (name: string, part: readonly object[]) =>
      put(name, part.map((row) => JSON.stringify(row)).join("\n"));
    await bringInWeb(data, write("a.json", rows.slice(0, 400)));
    await bringInWeb(data, write("b.json", rows.slice(350)));
    const whole = [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
    const owned = whole.filter(({ user_pseudo_id: id }) => id !== null);
    const { ledger, profiles } = await lookWeb(data);
    expect(rows.length).toBeGreaterThan(whole.length);
    expect(whole.length).toBeGreaterThan(owned.length);
    expect(ledger).toMatchObject({ applied: owned.length, rejected: 0 });
    const orders = owned.filter(({ event_name: name }) => name === "purchase");
    const sum = (feature: string) =>
      [...profiles.values()].reduce((total, features) => total + Number(features[feature] ?? 0), 0);
    expect(sum("orders")).toBe(orders.length);
    const cents = orders.map(
      ({ ecommerce }) => (ecommerce as { purchase_revenue: number }).purchase_revenue * 100,
    );
    expect(sum("spendCents")).toBe(cents.reduce((total, one) => total + Math.round(one), 0));
  });

  test("of Mixpanel counts rows by their insert ids, and links devices to users", async () => {
    const rows = [...mixpanelRows(400, 21)];
    const path = put("m.json", rows.map((row) => JSON.stringify(row)).join("\n"));
    await bringInWeb(data, path);
    const insertIds = new Set(
      rows.map(({ properties }) => (properties as { $insert_id: string }).$insert_id),
    );
    expect(insertIds.size).toBeLessThan(rows.length);
    const { ledger, profiles } = await lookWeb(data);
    expect(ledger).toMatchObject({
      applied: insertIds.size,
      duplicate: rows.length - insertIds.size,
    });
    expect([...profiles.keys()].filter((id) => id.startsWith("user:")).length).toBeGreaterThan(20);
    expect(profiles.has("anon:d-3")).toBe(false);
  });

  test("samples of the example go in whole", async () => {
    const ga4 = await bringInWeb(data, sample("ga4.jsonl"));
    const mixpanel = await bringInWeb(data, sample("mixpanel.jsonl"));
    expect([ga4.progress.rejected, mixpanel.progress.rejected]).toEqual([{}, {}]);
    expect([ga4.progress.rows, mixpanel.progress.rows]).toEqual([120, 150]);
  });

  test("a killed or repeated import of rows with ids of their own adds nothing", async () => {
    const path = put("a.jsonl", readFileSync(sample("ga4.jsonl")));
    await bringInWeb(data, path);
    const before = (await lookWeb(data)).ledger.applied;
    rmSync(join(data, "imports"), { recursive: true });
    const again = await bringInWeb(data, path);
    expect(again.duplicates).toBe(again.progress.accepted);
    expect((await lookWeb(data)).ledger.applied).toBe(before);
  });
});

describe("a folder that a server has", () => {
  test("takes rows with ids of their own through the server, each once, and refuses what is none", async () => {
    const planFile = join(historyFolder, "web-plan.ts");
    const settings = settingsOf({ plan: planFile, port: 0, data, logLevel: "silent" }, data, {});
    const server = await startFreshet({ settings });
    try {
      const plan = await webPlan(data);
      const target = () => openTarget({ settings, plan, url: server.url });
      const file = sample("mixpanel.jsonl");
      const report = await bringInWeb(data, file, { target });
      await bringInWeb(data, file, { target, name: "again" });
      await server.engine.drain();
      const { applied, duplicate } = server.engine.ledger();
      expect([applied + duplicate, applied < report.progress.accepted]).toEqual([300, true]);
      expect(duplicate).toBe(300 - applied);
      for (const wrong of [
        { source: "live" },
        { rows: [{ row: 1, id: "" }] },
        { rows: [{ row: 1, id: 5 }] },
      ]) {
        const answer = await fetch(new URL("/v1/history", server.url), {
          method: "POST",
          headers: { authorization: `Bearer ${server.secretKey}` },
          body: JSON.stringify({ name: "x", rows: [], ...wrong }),
        });
        expect([
          answer.status,
          ((await answer.json()) as { error: { code: string } }).error.code,
        ]).toEqual([400, "requestShape"]);
      }
    } finally {
      await server.close();
    }
  });
});

describe("a row of Google Analytics", () => {
  const row = {
    event_name: "purchase",
    event_timestamp: "1740816000123456",
    user_pseudo_id: "1.2",
    user_id: "ana",
    event_params: [
      { key: "value", value: { double_value: 12.5 } },
      { key: "transaction_id", value: { string_value: "0042" } },
      { key: "big", value: { int_value: "9007199254740993" } },
      { key: "count", value: { int_value: "7" } },
      { key: "empty", value: {} },
    ],
    items: [{ item_id: "a", item_name: "A", price: "3.5", quantity: "2", item_brand: "(not set)" }],
    ecommerce: { transaction_id: "0042", purchase_revenue: 12.5 },
    user_properties: [{ key: "tier", value: { string_value: "gold" } }],
    device: { category: "mobile", language: "pt-pt" },
  };

  test("keeps its names and values, numbers that BigQuery writes as texts included", () => {
    expect(readGa4(row, { ...options, usesSegmentNames: false })).toMatchObject({
      event: {
        ...{
          event_type: "purchase",
          timestamp: 1740816000123,
          user_id: "ana",
          anonymous_id: "1.2",
        },
        metadata: {
          ...{ value: 12.5, transaction_id: "0042", big: "9007199254740993", count: 7 },
          products: [{ product_id: "a", name: "A", price: 3.5, quantity: 2 }],
        },
        context: { device: { type: "mobile" }, locale: "pt-pt", traits: { tier: "gold" } },
      },
    });
  });

  test("has Segment's names where they are asked for", () => {
    expect(readGa4(row, options)).toMatchObject({
      event: {
        event_type: "Order Completed",
        metadata: { order_id: "0042", total: 12.5, revenue: 12.5 },
      },
    });
    expect(readGa4({ ...row, event_name: "add_to_cart" }, options)).toMatchObject({
      event: {
        event_type: "Product Added",
        metadata: { product_id: "a", quantity: 2, price: 3.5 },
      },
    });
    expect(readGa4({ ...row, event_name: "my_own" }, options)).toMatchObject({
      event: { event_type: "my_own" },
    });
  });

  test("is told by its parameters too, is left out without ids, and is broken without name or time", () => {
    const idOf = (changes: object) => {
      const built = readGa4({ ...row, ...changes }, options);
      return typeof built === "object" ? built?.id : built;
    };
    expect(idOf({})).toBe(idOf({ geo: { country: "Portugal" } }));
    expect(idOf({})).not.toBe(idOf({ event_params: [] }));
    expect(idOf({ user_id: null, user_pseudo_id: null })).toBeUndefined();
    expect(idOf({ event_name: "" })).toContain("event_name");
    expect(idOf({ event_timestamp: "soon" })).toContain("event_timestamp");
  });
});

describe("a row of Mixpanel", () => {
  const idsOf = (event: string, properties: object) => {
    const built = readMixpanel({ event, properties: { time: 1740816000, ...properties } }, options);
    if (built === null || typeof built === "string") return built;
    const { user_id: user, anonymous_id: anonymous } = built.event;
    return { user, anonymous };
  };

  test("is of the user, of the device, or links the two", () => {
    expect(idsOf("E", { distinct_id: "$device:d" })).toEqual({ anonymous: "d" });
    expect(idsOf("E", { distinct_id: "d", $device_id: "d" })).toEqual({ anonymous: "d" });
    expect(idsOf("E", { distinct_id: "u" })).toEqual({ user: "u" });
    expect(idsOf("E", { distinct_id: "u", $device_id: "d", $user_id: "u" })).toEqual({
      user: "u",
      anonymous: "d",
    });
    expect(idsOf("E", { distinct_id: "$device:d", $user_id: "u" })).toEqual({
      user: "u",
      anonymous: "d",
    });
    expect(idsOf("$identify", { distinct_id: "u", $anon_id: "d" })).toEqual({
      user: "u",
      anonymous: "d",
    });
    expect(idsOf("E", {})).toBeNull();
  });

  test("has its time in seconds or milliseconds, and is broken without one", () => {
    const timeOf = (time: unknown) => {
      const built = readMixpanel(
        { event: "E", properties: { time: time as number, distinct_id: "u" } },
        options,
      );
      return typeof built === "object" ? built?.event.timestamp : built;
    };
    expect(timeOf(1740816000)).toBe(1740816000000);
    expect(timeOf(1740816000123)).toBe(1740816000123);
    expect(timeOf("1740816000")).toBe(1740816000000);
    expect(timeOf(1e300)).toContain("time");
    expect(readMixpanel({ event: "", properties: {} }, options)).toContain("event");
    expect(readMixpanel({ event: "E", properties: 1 }, options)).toContain("properties");
  });
});
