import { describe, expect, it } from "vitest";
import type { Effect } from "../../src/core/effect.ts";
import type { AcceptedEvent } from "../../src/core/event.ts";
import { linksMax, partsMax } from "../../src/core/merge-parts.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import { count, definePlan, distinct, entity, event, recent } from "../../src/core/plan/index.ts";
import type { ProfileState } from "../../src/core/profile.ts";
import { step } from "../../src/core/step.ts";
import { ProfileView } from "../../src/core/view.ts";

const viewed = event("Viewed", { item: "string" });
const plan = compilePlan(
  definePlan({
    name: "test",
    events: [viewed],
    features: [
      count("views", viewed),
      distinct("items", viewed, viewed.prop.item),
      recent("seen", viewed, viewed.prop.item, { n: 3 }),
      count("viewsOf", viewed, { of: entity("item", viewed.prop.item) }),
    ],
  }),
);
const now = 1_700_000_000_000;

function eventOf(
  number: number,
  ids: Pick<AcceptedEvent, "userId" | "anonymousId">,
): AcceptedEvent {
  return {
    id: `m${number}`,
    type: "track",
    name: "Viewed",
    time: now + number,
    source: "test",
    properties: { item: `item-${number}` },
    ...ids,
  };
}

/** One device: an anonymous event, then the login that links it. Returns the user's state after all hops. */
function visit(user: ProfileState | null, device: number): ProfileState | null {
  const anonymousId = `device-${device}`;
  const key = `anon:${anonymousId}`;
  const at = now + 10 * device;
  const first = step(plan, key, null, {
    kind: "event",
    event: eventOf(10 * device, { anonymousId }),
    offset: 10 * device,
    at,
  });
  const login = step(plan, "user:guest", user, {
    kind: "event",
    event: eventOf(10 * device + 1, { userId: "guest", anonymousId }),
    offset: 10 * device + 1,
    at: at + 1,
  });
  let state = login.state;
  for (const link of bodies(login.effects))
    for (const part of bodies(
      step(plan, key, first.state, { kind: "self", body: link, offset: 0, at }).effects,
    ))
      state = step(plan, "user:guest", state, {
        kind: "self",
        body: part,
        offset: 0,
        at: at + 2,
      }).state;
  return state;
}

function bodies(effects: readonly Effect[]) {
  return effects.flatMap((effect) => (effect.kind === "self" ? [effect.body] : []));
}

describe("a property as long as its event", () => {
  it("makes a key of an entity that every store takes", () => {
    const long = "x".repeat(30_000);
    const event = { ...eventOf(1, { userId: "u" }), properties: { item: long } };
    const { effects } = step(plan, "user:u", null, { kind: "event", event, offset: 0, at: now });
    const keys = effects.flatMap((effect) => (effect.kind === "contribute" ? [effect.key] : []));
    expect(keys).toHaveLength(1);
    expect(keys[0]?.length).toBeLessThan(400);
  });
});

describe("one user id that a site sends for everybody", () => {
  const devices = linksMax + 50;
  let state: ProfileState | null = null;
  for (let device = 0; device < devices; device++) state = visit(state, device);
  const view = new ProfileView(plan, state as ProfileState, now + 100_000);

  it("keeps a bounded number of parts and links", () => {
    expect(state?.parts).toHaveLength(partsMax);
    expect(state?.links).toHaveLength(linksMax);
  });

  it("still reads every event once", () => {
    expect(view.feature("views")).toBe(2 * devices);
    expect(view.feature("seen")).toEqual([1, 0, -9].map((n) => `item-${10 * (devices - 1) + n}`));
    expect(view.sessions()[0]?.count).toBe(2 * devices);
  });
});
