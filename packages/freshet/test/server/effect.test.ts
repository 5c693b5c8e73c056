import { afterEach, describe, expect, it } from "vitest";
import { MemorySink } from "../../src/adapters/sink/memory.ts";
import { ask, basic, type Fixture, openFixture, secret, sendAndWait, writeKey } from "./fixture.ts";

let fixture: Fixture;
afterEach(() => fixture.close());

const order = (id: string) => ({
  type: "track",
  event: "Order Completed",
  userId: "u1",
  messageId: id,
  properties: { total: 5 },
});
const abandoned = () => ask(fixture, "/v1/effects/abandoned", { headers: secret });
const retry = (id: string, headers = secret) =>
  ask(fixture, `/v1/effects/abandoned/${encodeURIComponent(id)}/retry`, {
    method: "POST",
    headers,
  });
const metrics = async () => (await ask(fixture, "/metrics")).body as string;

describe("effects that a destination refused", () => {
  it("are listed, and sent again with the same id when they are retried", async () => {
    const crm = new MemorySink("crm", () => ({ kind: "refused", reason: "answered 400" }));
    fixture = await openFixture({ sinks: [crm] });
    await sendAndWait(fixture, order("o1"));
    await expect.poll(async () => (await abandoned()).body.total, { timeout: 5000 }).toBe(1);
    const { effects } = (await abandoned()).body;
    expect(effects).toEqual([
      {
        id: crm.received[0]?.id,
        destination: "crm",
        rule: "thanks",
        profileId: "user:u1",
        cause: "o1",
        fields: { spend: 500 },
        code: "refused",
        reason: "answered 400",
        at: expect.any(Number),
        attempts: 1,
      },
    ]);
    expect(await metrics()).toContain('freshet_destination_abandoned_total{destination="crm"} 1');
    expect(await metrics()).toContain("freshet_effects_abandoned 1");

    crm.respondWith(() => ({ kind: "delivered" }));
    expect(await retry(effects[0].id)).toMatchObject({ status: 200, body: { retried: true } });
    await expect.poll(() => crm.delivered.length, { timeout: 5000 }).toBe(1);
    expect(crm.delivered[0]?.id).toBe(effects[0].id);
    expect((await abandoned()).body).toEqual({ effects: [], total: 0 });
    expect(await metrics()).toContain('freshet_destination_delivered_total{destination="crm"} 1');
  });

  it("are retried once, and one that nobody knows is 404", async () => {
    const crm = new MemorySink("crm", () => ({ kind: "refused", reason: "no" }));
    fixture = await openFixture({ sinks: [crm] });
    const unknown = { status: 404, body: { error: { code: "effectNotFound" } } };
    expect(await retry("nothing")).toMatchObject(unknown);
    await sendAndWait(fixture, order("o1"), order("o2"));
    await expect.poll(async () => (await abandoned()).body.total, { timeout: 5000 }).toBe(2);
    const one = await ask(fixture, "/v1/effects/abandoned?limit=1", { headers: secret });
    expect([one.body.effects.length, one.body.total]).toEqual([1, 2]);
    const { id } = one.body.effects[0];
    expect((await Promise.all([retry(id), retry(id)])).map(({ status }) => status)).toEqual([
      200, 404,
    ]);
  });

  it("are shown to the secret key alone", async () => {
    fixture = await openFixture();
    const refused = { status: 401, body: { error: { code: "secretKeyRequired" } } };
    const headers = basic(writeKey);
    expect(await ask(fixture, "/v1/effects/abandoned", { headers })).toMatchObject(refused);
    expect(await retry("any", headers)).toMatchObject(refused);
  });
});

describe("the figures of a destination", () => {
  it("tell a closed breaker from an open one", async () => {
    const crm = new MemorySink("crm");
    fixture = await openFixture({ sinks: [crm] });
    expect(await metrics()).toContain('freshet_destination_breaker{destination="crm"} 0');
    crm.respondWith(() => ({ kind: "retry", reason: "down" }));
    for (let user = 0; user < 20; user++)
      await sendAndWait(fixture, { ...order(`o${user}`), userId: `u${user}` });
    await expect
      .poll(metrics, { timeout: 5000 })
      .toContain('freshet_destination_breaker{destination="crm"} 2');
    expect(await metrics()).toMatch(
      /^freshet_destination_retried_total\{destination="crm"\} [1-9]/m,
    );
    expect(await metrics()).toContain('freshet_outbox_waiting{destination="crm"} 20');
  });

  it("say where the configuration has no such destination", async () => {
    fixture = await openFixture();
    await sendAndWait(fixture, order("o1"));
    await expect
      .poll(metrics, { timeout: 5000 })
      .toContain('freshet_destination_active{destination="crm"} 0');
  });
});
