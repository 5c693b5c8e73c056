import { afterEach, describe, expect, test } from "vitest";
import {
  type Fixture,
  type FixtureOptions,
  openFixture,
  send,
  sendAndWait,
  tokenFor,
  view,
} from "./fixture.ts";
import { converse, listen, openStream } from "./socket.ts";

let fixture: Fixture;
afterEach(() => fixture.close());

async function open(options: FixtureOptions = {}): Promise<number> {
  fixture = await openFixture(options);
  return listen(fixture);
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a stream", () => {
  test("tells the profile at once and at each change", async () => {
    const port = await open();
    await sendAndWait(fixture, view("m1"));
    const stream = await openStream(port, await tokenFor(fixture, { userId: "u1" }), {
      origin: "https://a.b",
    });
    expect(stream.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "access-control-allow-origin": "https://a.b",
      "cache-control": "no-store, no-transform",
    });
    await expect.poll(() => stream.events).toHaveLength(1);
    expect(stream.events[0]).toMatchObject({
      event: "profile",
      data: {
        profileId: "user:u1",
        version: 1,
        features: { productViews: 1 },
        segments: [],
        changed: [],
      },
    });
    await sendAndWait(fixture, view("m2"), view("m3"));
    await expect.poll(() => stream.events.at(-1)?.data.version).toBe(3);
    const last = stream.events.filter(({ event }) => event === "profile").at(-1);
    expect(last?.data).toMatchObject({
      features: { productViews: 3 },
      segments: ["keen"],
      changed: ["productViews", "segment:keen"],
      asOf: expect.any(Number),
    });
    const others = stream.events.filter(({ event }) => event !== "profile");
    expect(others).toMatchObject([
      {
        event: "push",
        data: {
          topic: "banner",
          rule: "hello",
          effectId: expect.any(String),
          at: expect.any(Number),
          views: 2,
        },
      },
      { event: "segment", data: { segment: "keen", change: "entered", at: expect.any(Number) } },
      { event: "push", data: { views: 3 } },
    ]);
    expect(stream.text()).toMatch(/^retry: 2000\n\n/);
    stream.close();
  });

  test("of somebody unknown begins empty", async () => {
    const port = await open();
    const stream = await openStream(port, await tokenFor(fixture, { userId: "new" }));
    await expect
      .poll(() => stream.events[0]?.data)
      .toMatchObject({ version: 0, features: { productViews: 0 } });
    stream.close();
  });

  test("gathers changes and delivers the last", async () => {
    const port = await open();
    const stream = await openStream(port, await tokenFor(fixture, { userId: "u1" }));
    await expect.poll(() => stream.events).toHaveLength(1);
    const began = performance.now();
    for (let i = 0; i < 40; i++)
      await send(fixture, { type: "track", event: "x", userId: "u1", messageId: `x${i}` });
    const tookMs = performance.now() - began;
    await expect.poll(() => stream.events.at(-1)?.data.version).toBe(40);
    expect(stream.events.length).toBeLessThanOrEqual(3 + tookMs / 50);
    stream.close();
  });

  test("says who the profile was linked to, and ends", async () => {
    const port = await open();
    await sendAndWait(fixture, view("m1", { anonymousId: "a1" }));
    const token = await tokenFor(fixture, { anonymousId: "a1" });
    const stream = await openStream(port, token);
    await send(fixture, view("m2", { userId: "u1", anonymousId: "a1" }));
    await stream.ended;
    expect(stream.events.at(-1)).toEqual({ event: "linked", data: { profileId: "user:u1" } });
    expect(JSON.stringify(stream.events.slice(0, -1))).not.toContain("u1");
    expect((await openStream(port, token)).status).toBe(401);
  });

  test("beats, and ends with its token", async () => {
    const port = await open({ limits: { streamHeartbeatMs: 50 } });
    const { body } = await fixture.app
      .inject({
        method: "POST",
        url: "/v1/tokens",
        headers: { authorization: "Bearer the-secret-key" },
        payload: { userId: "u1", expiresInSeconds: 1 },
      })
      .then((response) => ({ body: response.json() as { token: string } }));
    const stream = await openStream(port, body.token);
    await stream.ended;
    expect(stream.text()).toContain(": still here\n\n");
    expect(fixture.hub.connections).toBe(0);
  });

  test("needs a token, and there are only so many", async () => {
    const port = await open({ limits: { streamsMax: 1 } });
    expect((await openStream(port, "x")).status).toBe(401);
    expect((await openStream(port, "")).status).toBe(401);
    const token = await tokenFor(fixture, { userId: "u1" });
    const stream = await openStream(port, token);
    expect(stream.status).toBe(200);
    const refused = await openStream(port, token);
    expect(refused).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
    stream.close();
    await expect.poll(() => fixture.hub.connections).toBe(0);
    expect((await openStream(port, token)).status).toBe(200);
  });

  test("whose reader does not read is cut", async () => {
    const port = await open({ limits: { streamBytesMax: 4096 } });
    const { socket, closed } = converse(port);
    const token = await tokenFor(fixture, { userId: "u1" });
    socket.write(`GET /v1/stream?token=${token} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await expect.poll(() => fixture.hub.connections).toBe(1);
    socket.pause();
    const fields = { text: "x".repeat(500_000) };
    for (let i = 0; i < 40 && fixture.hub.connections > 0; i++) {
      fixture.hub.listener.pushed({
        ...{
          kind: "push",
          id: `${i}`,
          topic: "t",
          rule: "r",
          profileId: "user:u1",
          at: 0,
          cause: "c",
          fields,
        },
      });
      await sleep(5);
    }
    expect(fixture.hub.connections).toBe(0);
    socket.resume();
    await closed;
    const { body } = await fixture.app.inject({ url: "/metrics" });
    expect(body).toContain("freshet_streams_dropped_total 1");
  });

  test("ends when the server stops, which does not wait for it", async () => {
    // Whoever waited that long would meet the test's own end first.
    const port = await open({ limits: { drainMsMax: 600_000 } });
    const stream = await openStream(port, await tokenFor(fixture, { userId: "u1" }));
    await fixture.app.close();
    await stream.ended;
  });
});
