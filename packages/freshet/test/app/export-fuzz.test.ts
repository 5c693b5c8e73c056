/** Rows of exports that nobody would write: each is an event, a dead letter or left out, and none stops an import. */
import { randomUUID } from "node:crypto";
import { type Json, type JsonObject, readJson } from "@freshet/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compileContracts, sourcesOf } from "../../src/accept/index.ts";
import { builtInMapping } from "../../src/app/import/built-in.ts";
import { acceptHistory } from "../../src/server/route/history.ts";
import { withSeed } from "../../src/testing/seed.ts";

const numRuns = Number(process.env.FRESHET_RUNS ?? 1500);
const now = Date.UTC(2026, 4, 4);
const context = {
  ...{ now, partitions: 8, sources: sourcesOf([]), contracts: compileContracts([]) },
  ...{ joins: new Map(), tables: new Map(), randomId: () => randomUUID() },
};

const odd: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    "",
    null,
    true,
    0,
    -1,
    1e300,
    2 ** 53,
    "(not set)",
    "9".repeat(400),
    "$device:",
  ),
  fc.constantFrom<Json>(
    "1740816000123456",
    1740816000,
    "-1",
    "1e3",
    [],
    {},
    "\ud800",
    "x".repeat(600),
  ),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
);
const some = (names: readonly string[]): fc.Arbitrary<JsonObject> =>
  fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 6 })), odd, {
    maxKeys: 5,
  });
/** Mostly right, so that the later steps are reached. */
const changed = (right: JsonObject, names: readonly string[]) =>
  some(names).map((changes): JsonObject => ({ ...right, ...changes }));

const valueNames = ["string_value", "int_value", "float_value", "double_value"];
const param = fc.oneof(
  odd,
  fc.record({ key: odd, value: fc.oneof(odd, some(valueNames)) }),
  fc.record({
    key: fc.constantFrom("value", "search_term", "__proto__", "products"),
    value: some(valueNames),
  }),
);
const item = fc.oneof(
  odd,
  some(["item_id", "item_name", "price", "quantity", "index", "__proto__"]),
);
const parts = fc.record(
  {
    event_params: fc.oneof(odd, fc.array(param, { maxLength: 4 })),
    items: fc.oneof(odd, fc.array(item, { maxLength: 3 })),
    ecommerce: fc.oneof(odd, some(["transaction_id", "purchase_revenue", "refund_value"])),
    user_properties: fc.array(param, { maxLength: 3 }),
    device: fc.oneof(odd, some(["category", "language", "operating_system"])),
  },
  { requiredKeys: [] },
);
const ga4Names = [
  "event_name",
  "event_timestamp",
  "user_pseudo_id",
  "user_id",
  "geo",
  "app_info",
  "stream_id",
];
const ga4Right = {
  event_name: "purchase",
  event_timestamp: "1740816000123456",
  user_pseudo_id: "1.2",
};
const ga4Row = fc
  .tuple(changed(ga4Right, ga4Names), parts)
  .map(([row, more]) => ({ ...row, ...more }));

const mixpanelNames = [
  ...["time", "distinct_id", "$insert_id", "$device_id", "$user_id", "$identified_id", "$anon_id"],
  ...["$os", "$city", "utm_source", "$current_url", "products", "__proto__"],
];
const mixpanelRow = fc
  .tuple(
    fc.oneof(fc.constantFrom<Json>("E", "$identify", "$mp_web_page_view"), odd),
    fc.oneof(changed({ time: 1740816000, distinct_id: "u", $insert_id: "i" }, mixpanelNames), odd),
  )
  .map(([event, properties]) => ({ event, properties }));

test.each([
  ["ga4", ga4Row],
  ["mixpanel", mixpanelRow],
] as const)("any row of %s is one record at most, and the same one each time", (format, rows) => {
  const counts = { events: 0, letters: 0, leftOut: 0 };
  const options = { visitorKey: () => Buffer.alloc(32) };
  withSeed(import.meta.url, (seed) =>
    fc.assert(
      fc.property(rows, fc.boolean(), (row, usesSegmentNames) => {
        // As the wire has it.
        const text = JSON.stringify(row);
        const mapping = builtInMapping(format, { ...options, usesSegmentNames });
        const read = () =>
          mapping?.toHistory({
            kind: "row",
            row: 1,
            line: 1,
            values: readJson(text) as JsonObject,
            text,
          }) ?? null;
        const history = read();
        expect(read()).toEqual(history);
        if (history === null) {
          counts.leftOut++;
          return;
        }
        const { records } = acceptHistory({ name: "x", rows: [history] }, context);
        expect(records).toHaveLength(1);
        expect(readJson(JSON.stringify(records))).toEqual(records);
        if (records[0]?.kind === "event") counts.events++;
        else counts.letters++;
      }),
      { seed, numRuns },
    ),
  );
  // Rows that are left out are few among random ones: a run may be without.
  expect(Math.min(counts.events, counts.letters)).toBeGreaterThan(0);
});
