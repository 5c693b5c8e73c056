import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RecentAnswer, RecentEvent } from "../../src/server/route/recent.ts";
import { ask, basic, type Fixture, openFixture, secret, send, view, writeKey } from "./fixture.ts";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture();
});
afterEach(() => fixture.close());

async function page(query = "", headers: Record<string, string> = secret) {
  const { status, body } = await ask(fixture, `/v1/events${query}`, { headers });
  return { status, body };
}

const idOf = (one: RecentEvent): string => ("event" in one ? one.event.id : one.deadLetter.id);

describe("the events of the log", () => {
  test("are listed newest first, refused ones among them", async () => {
    await send(fixture, view("m1"), view("m2", { userId: "u2" }));
    const wrong = { type: "track", event: "Order Completed", messageId: "m3", userId: "u1" };
    await send(fixture, { ...wrong, properties: { total: "12" } });
    const { status, body } = await page();
    expect(status).toBe(200);
    expect(body.next).toBeNull();
    expect(body.events.map(idOf)).toEqual(["m3", "m2", "m1"]);
    expect(body.events[0]).toMatchObject({
      at: expect.any(Number),
      deadLetter: { code: "contractViolated", event: { properties: { total: "12" } } },
    });
    expect(body.events[1].event).toMatchObject({ name: "Product Viewed", userId: "u2" });
  });

  test("come page by page, each once", async () => {
    for (let turn = 0; turn < 4; turn++)
      await send(fixture, view(`a${turn}`), view(`b${turn}`), view(`c${turn}`));
    const ids: string[] = [];
    let next: number | null = null;
    do {
      const before: string = next === null ? "" : `&before=${next}`;
      const body: RecentAnswer = (await page(`?limit=5${before}`)).body;
      expect(body.events.length).toBeLessThanOrEqual(5);
      ids.push(...body.events.map(idOf));
      next = body.next;
    } while (next !== null);
    const sent = [3, 2, 1, 0].flatMap((turn) => [`c${turn}`, `b${turn}`, `a${turn}`]);
    expect(ids).toEqual(sent);
  });

  test("end where the log took them before the moment asked for", async () => {
    await send(fixture, view("m1"));
    expect((await page(`?from=${Date.now() + 60_000}`)).body).toEqual({ events: [], next: null });
    const from = new Date(Date.now() - 60_000).toISOString();
    expect((await page(`?from=${encodeURIComponent(from)}`)).body.events).toHaveLength(1);
  });

  test("are none of an empty log, and none behind its end", async () => {
    expect((await page()).body).toEqual({ events: [], next: null });
    await send(fixture, view("m1"));
    expect((await page("?before=0")).body).toEqual({ events: [], next: null });
    expect((await page("?before=999999")).body.events).toHaveLength(1);
    expect((await page("?limit=0")).body.events).toHaveLength(1);
  });

  test("are for the secret key only", async () => {
    expect((await page("", basic(writeKey))).status).toBe(401);
    expect((await page("", {})).status).toBe(401);
  });

  test.each(["?limit=x", "?before=-1", "?from=soon"])("are not listed by %s", async (query) => {
    const { status, body } = await page(query);
    expect([status, body.error.code]).toEqual([400, "requestShape"]);
  });
});
