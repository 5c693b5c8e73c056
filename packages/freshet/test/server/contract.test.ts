/** Contracts over HTTP: answers, journeys, letters and figures by policy, and a plan that learns a new version. */
import { afterEach, describe, expect, test } from "vitest";
import {
  agentReader,
  type ContractPolicy,
  createEdge,
  keyedHash,
  sourcesOf,
} from "../../src/accept/index.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import * as p from "../../src/core/plan/index.ts";
import {
  ask,
  basic,
  type Fixture,
  openFixture,
  secret,
  sendAndWait,
  view,
  writeKey,
} from "./fixture.ts";

let fixture: Fixture;
afterEach(() => fixture.close());

async function open(contracts: ContractPolicy): Promise<void> {
  const edge = createEdge(
    { bots: "ignore", context: { device: false, campaign: false }, contracts },
    {
      ...{ source: "web", agents: agentReader, locate: undefined, readKeySet: () => null },
      hash: () => keyedHash("a hash key of some length"),
    },
  );
  const sources = sourcesOf([
    { name: "web", writeKey, kind: "browser", ...(edge === undefined ? {} : { edge }) },
    { name: "shop", writeKey: "SK", kind: "server" },
  ]);
  fixture = await openFixture({ server: { sources } });
}

const broken = (messageId: string) =>
  view(messageId, { userId: "ana", properties: { product_id: 5 } });
const send = (...events: readonly object[]) =>
  ask(fixture, "/v1/batch", { body: { batch: events }, headers: basic(writeKey) });
const journey = async (id: string) =>
  (await ask(fixture, `/v1/events/${id}`, { headers: secret })).body;
const ledger = () => {
  const { received, applied, duplicate, rejected, inFlight } = fixture.engine.ledger();
  expect(received).toBe(applied + duplicate + rejected + inFlight);
  return { received, applied, rejected };
};
const figures = async () =>
  String((await ask(fixture, "/metrics")).body)
    .split("\n")
    .filter((line) => line.startsWith("freshet_contracts_total"));

describe("an event that breaks its contract", () => {
  test("is marked: taken, and its journey and the figures say so", async () => {
    await open({ violation: "mark" });
    const answer = await send(view("m1", { userId: "ana" }), broken("m2"));
    expect(answer).toMatchObject({ status: 200, body: { accepted: 2, rejected: [] } });
    await fixture.engine.drain();
    expect(ledger()).toEqual({ received: 2, applied: 2, rejected: 0 });
    const { status, steps } = await journey("m2");
    expect(status).toBe("applied");
    expect(steps).toContainEqual(
      expect.objectContaining({ stage: "accepted", notes: ["contractViolated"] }),
    );
    expect(steps).toContainEqual(
      expect.objectContaining({
        stage: "contractBroken",
        schema: "Product Viewed@1",
        path: "/properties/product_id",
        message: 'event "Product Viewed": "product_id" should be text',
      }),
    );
    expect(await figures()).toEqual([
      'freshet_contracts_total{source="web",event="Product Viewed",version="1",outcome="met"} 1',
      'freshet_contracts_total{source="web",event="Product Viewed",version="1",outcome="marked"} 1',
    ]);
  });

  test("is refused: the batch is 200, the event is told, and nothing of it is kept", async () => {
    await open({ violation: "refuse" });
    const answer = await send(view("m1", { userId: "ana" }), broken("m2"));
    expect(answer).toMatchObject({
      status: 200,
      body: { success: true, accepted: 1, rejected: [{ index: 1, code: "contractViolated" }] },
    });
    await fixture.engine.drain();
    expect(ledger()).toEqual({ received: 2, applied: 1, rejected: 1 });
    const { body } = await ask(fixture, "/v1/dead-letters", { headers: secret });
    expect(JSON.stringify(body)).not.toContain('"product_id":5');
    expect(await figures()).toContain(
      'freshet_contracts_total{source="web",event="Product Viewed",version="1",outcome="refused"} 1',
    );
  });
});

test("a plan that learns a new version takes old and new events side by side", async () => {
  await open({});
  await sendAndWait(fixture, view("old", { userId: "ana" }));
  const viewed = p.event(
    "Product Viewed",
    { item: "string" },
    {
      version: 2,
      earlier: [p.earlier(1, { product_id: "string" }, [p.rename("product_id", "item")])],
    },
  );
  const recent = p.recent("items", viewed, viewed.prop.item, { n: 5 });
  const next = compilePlan(p.definePlan({ name: "test", events: [viewed], features: [recent] }));
  await fixture.engine.switchPlan(next);
  await sendAndWait(
    fixture,
    view("still-old", { userId: "ana", properties: { product_id: "p2" } }),
  );
  await sendAndWait(fixture, view("new", { userId: "ana", properties: { item: "p3" } }));
  const { steps } = await journey("still-old");
  expect(steps).toContainEqual(expect.objectContaining({ stage: "upCast", from: 1, to: 2 }));
  expect((await journey("new")).steps.map(({ stage }: { stage: string }) => stage)).not.toContain(
    "upCast",
  );
  const { body } = await ask(fixture, "/v1/profiles/ana", { headers: secret });
  expect(body.features.items).toEqual(["p3", "p2"]);
  expect(ledger()).toEqual({ received: 3, applied: 3, rejected: 0 });
});
