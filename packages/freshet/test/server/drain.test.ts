import type { Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  basic,
  type Fixture,
  type FixtureOptions,
  openFixture,
  view,
  writeKey,
} from "./fixture.ts";
import { converse, listen } from "./socket.ts";

let fixture: Fixture;
afterEach(() => fixture.close());

async function open(options: FixtureOptions = {}): Promise<number> {
  fixture = await openFixture(options);
  return listen(fixture);
}

/** Whoever waited that long would meet the test's own end first. */
const waited = { limits: { drainMsMax: 600_000 } };

const body = JSON.stringify({ batch: [view("m1")], writeKey });
const post = `POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`;

describe("closing the server", () => {
  it("does not wait for a connection that never carried a request (C1)", async () => {
    const { socket, closed } = converse(await open(waited));
    await new Promise((resolve) => socket.once("connect", resolve));
    await fixture.app.close();
    await closed;
  });

  it("does not wait for one that is kept open after its answer (C1)", async () => {
    const { socket, received, closed } = converse(await open(waited));
    socket.write("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    await expect.poll(received).toContain("alive");
    await fixture.app.close();
    await closed;
  });

  it("answers a request that is under way, and lets go of its connection then (C2)", async () => {
    const port = await open({ limits: { ...waited.limits, eventsInFlightMax: 1 } });
    fixture.clock.halt();
    await fixture.app.inject({ method: "POST", url: "/v1/batch", headers: basic(writeKey), body });
    const { socket, received, closed } = converse(port);
    socket.write(post + body.replace("m1", "m2"));
    await expect
      .poll(async () => (await fixture.app.inject("/metrics")).body)
      .toContain("freshet_requests_held 1");
    const closing = fixture.app.close();
    await new Promise((resolve) => setTimeout(resolve, 200));
    fixture.clock.resume();
    await closing;
    await closed;
    expect(received()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("cuts what has not ended in time (C3)", async () => {
    const port = await open({ limits: { drainMsMax: 300 } });
    const sockets: Socket[] = [];
    fixture.app.server.on("connection", (socket) => sockets.push(socket));
    const body = converse(port);
    body.socket.write(`${post}{`);
    const head = converse(port);
    head.socket.write("POST /v1/batch HTTP/1.1\r\nhost: x\r\n");
    await expect.poll(() => sockets.filter(({ bytesRead }) => bytesRead > 0).length).toBe(2);
    const before = performance.now();
    await fixture.app.close();
    expect(performance.now() - before).toBeGreaterThan(250);
    await Promise.all([body.closed, head.closed]);
  });
});
