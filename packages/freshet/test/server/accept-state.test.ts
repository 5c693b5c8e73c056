import { expect, test } from "vitest";
import { sourcesOf } from "../../src/accept/index.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import * as p from "../../src/core/plan/index.ts";
import type { TableVersion } from "../../src/engine/table.ts";
import { createAcceptState } from "../../src/server/index.ts";

const viewed = p.event("Viewed", { id: "string" });
const rows = [{ id: "p1", name: "old" }];
const shape = { id: "string", name: "string" } as const;

function planWith(property: "id" | "other") {
  const event = property === "id" ? viewed : p.event("Viewed", { other: "number" });
  const products = p.table("products", shape, { key: "id", rows });
  return compilePlan(
    p.definePlan({
      name: "t",
      events: [event],
      tables: [products],
      features: [p.count("n", event)],
    }),
  );
}

function stateOver() {
  let plan = planWith("id");
  const tables = new Map<string, TableVersion>();
  const state = createAcceptState({
    plan: () => plan,
    tables: () => tables,
    partitions: () => 8,
    sources: sourcesOf([]),
    clock: { now: () => 5, after: () => () => {}, yield: async () => {} },
    randomId: () => "r",
  });
  return { state, tables, reload: () => (plan = planWith("other")) };
}

test("a table answers with the plan's rows until the log has a version, then with the latest", () => {
  const { state, tables } = stateOver();
  const before = state.current().tables;
  expect(before.get("products")).toEqual({ version: 0, rows: new Map([["p1", rows[0]]]) });
  expect(state.current().tables).toBe(before);
  tables.set("products", { version: 1, rows: [{ id: 7, name: "new" }] });
  const after = state.current().tables;
  expect(after.get("products")).toEqual({
    version: 1,
    rows: new Map([["7", { id: 7, name: "new" }]]),
  });
  expect(state.current().tables).toBe(after);
});

test("contracts and joins are compiled once a plan", () => {
  const { state, reload } = stateOver();
  const { contracts, joins } = state.current();
  const viewed = { name: "Viewed", content: {}, field: "properties", said: undefined };
  expect(contracts.judge(viewed)).toMatchObject({ issue: { path: "/properties/id" } });
  expect(state.context()).toMatchObject({ now: 5, partitions: 8, contracts, joins });
  expect(state.current().contracts).toBe(contracts);
  reload();
  expect(state.current().contracts.judge(viewed)).toMatchObject({
    issue: { path: "/properties/other" },
  });
  expect(state.current().tables.get("products")?.version).toBe(0);
});
