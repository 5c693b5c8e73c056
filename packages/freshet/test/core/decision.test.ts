import { describe, expect, it } from "vitest";
import { decide } from "../../src/core/decision.ts";
import type { AcceptedEvent } from "../../src/core/event.ts";
import { featureTypes } from "../../src/core/feature/index.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import {
  always,
  constant,
  count,
  definePlan,
  entity,
  event,
  fromEntity,
  fromProfile,
  gte,
  items,
  last,
  placement,
  recent,
  segment,
  table,
  topK,
  trait,
  variant,
} from "../../src/core/plan/index.ts";
import type { EntityState, ProfileState } from "../../src/core/profile.ts";
import { emptyProfileView, readProfile } from "../../src/core/read.ts";
import { step } from "../../src/core/step.ts";
import { ProfileView } from "../../src/core/view.ts";

const viewed = event("Viewed", { item: "string" });
const bought = event("Bought", { item: "string" });
const goods = table("goods", { item: "string", name: "string" }, { key: "item", rows: [] });
const views = count("views", viewed);
const lastItem = last("lastItem", viewed, viewed.prop.item);
const seen = recent("seen", viewed, viewed.prop.item, { n: 5 });
const owned = recent("owned", bought, bought.prop.item, { n: 5 });
const popular = topK("popular", viewed, viewed.prop.item, {
  n: 3,
  of: entity("shop", constant("all")),
});
const plan = compilePlan(
  definePlan({
    name: "test",
    events: [viewed, bought],
    tables: [goods],
    features: [views, lastItem, seen, owned, popular],
    segments: [segment("keen", gte(views, 3))],
    placements: [
      placement("banner", {
        variants: [
          variant("fan", {
            when: gte(views, 3),
            content: { title: "More {{item}}", count: "{{views}}", text: "{{nobody}} stays" },
            fields: { item: lastItem, views },
          }),
          variant("known", {
            when: gte(views, 1),
            content: { title: "Hello {{name}}!" },
            fields: { name: trait("name") },
          }),
        ],
        fallback: { title: "Welcome" },
      }),
      placement("shelf", {
        variants: [variant("all", { when: always, content: {} })],
        fallback: {},
        items: items(goods, {
          count: 3,
          from: [fromProfile(seen, "seen"), fromEntity(popular, constant("all"), "popular")],
          exclude: [owned],
        }),
      }),
    ],
  }),
);

const now = 1_700_000_000_000;
let sequence = 0;

function given(...events: readonly (readonly [name: string, item: string])[]): ProfileState | null {
  let state: ProfileState | null = null;
  for (const [name, item] of events) {
    const accepted: AcceptedEvent = {
      id: `m${sequence++}`,
      type: "track",
      name,
      anonymousId: "a1",
      time: now - 1000 + sequence,
      source: "test",
      properties: { item },
    };
    state = step(plan, "anon:a1", state, {
      kind: "event",
      event: accepted,
      offset: 0,
      at: now,
    }).state;
  }
  return state;
}

const rows = new Map(
  ["a", "b", "c", "d"].map((item) => [item, { item, name: item.toUpperCase() }]),
);

function popularState(...ids: readonly string[]): EntityState {
  const topKType = featureTypes["topK"];
  const slot = plan.entities.get("shop")?.slots[0];
  if (topKType === undefined || slot === undefined) throw new Error("the plan has changed");
  let state: unknown = null;
  for (const id of ids)
    state = slot.feature.add(state, { time: now, id, value: id, input: 0 }, now);
  return { version: 1, features: [state] };
}

function ask(name: string, state: ProfileState | null, explain = false) {
  const view = state === null ? emptyProfileView(plan, now) : new ProfileView(plan, state, now);
  return decide(plan, name, {
    view,
    event: null,
    entity: () => popularState("c", "c", "d", "gone"),
    table: () => rows,
    now,
    explain,
  });
}

describe("a decision", () => {
  it("takes the first variant that is eligible and fills its texts", () => {
    const state = given(["Viewed", "a"], ["Viewed", "b"], ["Viewed", "b"]);
    expect(ask("banner", state)).toEqual({
      variant: "fan",
      content: { title: "More b", count: 3, text: "{{nobody}} stays" },
      reason: "eligible",
      propensity: 1,
    });
  });

  it("reads a trait that nobody told as nothing", () => {
    expect(ask("banner", given(["Viewed", "a"])).content).toEqual({ title: "Hello !" });
  });

  it("falls back for a profile that nobody has seen", () => {
    expect(ask("banner", null)).toMatchObject({
      variant: "fallback",
      content: { title: "Welcome" },
      reason: "fallback",
    });
  });

  it("fills items source by source, each once, without what is excluded or not in the table", () => {
    const state = given(["Viewed", "a"], ["Viewed", "b"], ["Bought", "a"]);
    expect(ask("shelf", state).items).toEqual([
      { item: "b", name: "B", reason: "seen" },
      { item: "c", name: "C", reason: "popular" },
      { item: "d", name: "D", reason: "popular" },
    ]);
  });

  it("explains every variant, also those that were not reached", () => {
    const state = given(["Viewed", "a"]);
    expect(ask("banner", state, true).why).toEqual({
      chosen: "known",
      variants: [
        {
          name: "fan",
          eligible: false,
          leaves: [
            { text: "views ≥ 3", value: 1, expected: 3, holds: false, reads: ["feature:views"] },
          ],
        },
        {
          name: "known",
          eligible: true,
          leaves: [
            { text: "views ≥ 1", value: 1, expected: 1, holds: true, reads: ["feature:views"] },
          ],
        },
      ],
    });
  });
});

describe("a profile that is read", () => {
  it("has every feature, its segments and what is known about each value", () => {
    const state = given(["Viewed", "a"], ["Viewed", "b"], ["Viewed", "a"]);
    if (state === null) throw new Error("the events were not applied");
    const view = new ProfileView(plan, state, now);
    const answer = readProfile(view, "anon:a1", { detail: true, stale: false });
    expect(answer.features).toEqual({ views: 3, lastItem: "a", seen: ["a", "b"], owned: [] });
    expect(answer).toMatchObject({ version: 3, segments: ["keen"], identifiers: ["anon:a1"] });
    expect(answer.session?.events).toBe(3);
    expect(answer.detail).toMatchObject({
      features: { views: { type: "count", approximate: false } },
      segments: { keen: { cause: expect.stringMatching(/^m/) } },
    });
  });
});
