import { Buffer } from "node:buffer";
import { afterEach, describe, expect, test } from "vitest";
import {
  ask,
  basic,
  type Fixture,
  type FixtureOptions,
  openFixture,
  secretKey,
  send,
  view,
  writeKey,
} from "./fixture.ts";
import { converse, listen, openStream } from "./socket.ts";

let fixture: Fixture;
afterEach(() => fixture.close());

async function open(options: FixtureOptions = {}): Promise<void> {
  fixture = await openFixture(options);
}

const batch = (...ids: readonly string[]) => ({
  body: { batch: ids.map((id) => view(id)) },
  headers: basic(writeKey),
});
const error = (code: string) => ({ success: false, error: expect.objectContaining({ code }) });

describe("a body of a gigabyte", () => {
  const head = "POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

  test("that says so is cut before it is read", async () => {
    await open();
    const { socket, received, closed } = converse(await listen(fixture));
    socket.write(`${head}content-length: ${2 ** 30}\r\n\r\n{`);
    await closed;
    expect(received()).toMatch(/^HTTP\/1\.1 413 /);
    expect(received().toLowerCase()).toContain("connection: close");
    expect(received()).toContain("bodyTooLarge");
    const { body } = await ask(fixture, "/metrics");
    expect(body).toContain('{route="/v1/batch",method="POST",status="413"} 1');
    expect(body).toContain("freshet_request_bytes_in_flight 0");
  });

  test("that comes in chunks is cut at the limit, without holding it", async () => {
    await open();
    const { socket, received, closed } = converse(await listen(fixture));
    socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
    const chunk = Buffer.alloc(64 * 1024, 32);
    let sent = 0;
    const pump = () => {
      while (!socket.destroyed && sent < 2 ** 30) {
        sent += chunk.length;
        socket.write("10000\r\n");
        socket.write(chunk);
        if (!socket.write("\r\n")) return;
      }
    };
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    const timer = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }, 10);
    socket.on("drain", pump);
    pump();
    await closed;
    clearInterval(timer);
    expect(received()).toMatch(/^HTTP\/1\.1 413 /);
    expect(sent).toBeLessThan(2 ** 30);
    expect(peak).toBeLessThan(200 * 1024 * 1024);
    expect((await ask(fixture, "/v1/batch", batch("m1"))).status).toBe(200);
  });
});

describe("a slow client", () => {
  const limits = { headersTimeoutMs: 300, requestTimeoutMs: 400 };

  test("that never ends its headers is closed", async () => {
    await open({ limits });
    const { socket, received, closed } = converse(await listen(fixture));
    socket.write("POST /v1/batch HTTP/1.1\r\nhost: x\r\n");
    await closed;
    expect(received()).toMatch(/^HTTP\/1\.1 503 /);
    expect(received()).toContain("requestTimeout");
    expect(received()).toContain("retry-after: 1");
  });

  test("that never ends its body is closed, and its bytes are given back", async () => {
    await open({ limits });
    const { socket, closed } = converse(await listen(fixture));
    socket.write("POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{");
    await closed;
    const { body } = await ask(fixture, "/metrics");
    expect(body).toContain("freshet_request_bytes_in_flight 0");
  });

  test("that expects something unknown is served", async () => {
    await open();
    const { socket, received } = converse(await listen(fixture));
    const body = JSON.stringify({ batch: [view("m1")], writeKey });
    const head = `POST /v1/batch HTTP/1.1\r\nhost: x\r\nexpect: x\r\ncontent-length: ${body.length}`;
    socket.write(`${head}\r\n\r\n${body}`);
    await expect.poll(received).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  test("that speaks no HTTP gets 400", async () => {
    await open();
    const { socket, received, closed } = converse(await listen(fixture));
    socket.write("hello\r\n\r\n");
    await closed;
    expect(received()).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe("back-pressure", () => {
  test("requests wait, and are answered once there is room", async () => {
    await open({ limits: { eventsInFlightMax: 2 } });
    fixture.clock.halt();
    await send(fixture, view("m1"), view("m2"));
    const waiting = ask(fixture, "/v1/batch", batch("m3"));
    await expect
      .poll(async () => (await ask(fixture, "/metrics")).body)
      .toContain("freshet_requests_held 1");
    fixture.clock.resume();
    expect((await waiting).status).toBe(200);
  });

  test("past the longest wait they are 429, with both headers", async () => {
    await open({ limits: { eventsInFlightMax: 2, holdMsMax: 100 } });
    fixture.clock.halt();
    await send(fixture, view("m1"), view("m2"));
    const answer = await ask(fixture, "/v1/batch", batch("m3"));
    expect(answer).toMatchObject({
      status: 429,
      headers: { "retry-after": "1", "x-ratelimit-reset": "1" },
      body: error("overloaded"),
    });
    const decide = { placements: ["homeBanner"], userId: "u1", writeKey };
    expect((await ask(fixture, "/v1/decide", { body: decide })).status).toBe(200);
    const writing = { ...decide, events: [view("m4")] };
    expect((await ask(fixture, "/v1/decide", { body: writing })).status).toBe(429);
    fixture.clock.resume();
    await fixture.engine.drain();
    expect((await ask(fixture, "/v1/batch", batch("m3"))).status).toBe(200);
  });

  test("more than may wait are 429 at once", async () => {
    await open({ limits: { eventsInFlightMax: 1, requestsHeldMax: 1, holdMsMax: 300 } });
    fixture.clock.halt();
    await send(fixture, view("m1"));
    const first = ask(fixture, "/v1/batch", batch("m2"));
    await expect
      .poll(async () => (await ask(fixture, "/metrics")).body)
      .toContain("freshet_requests_held 1");
    expect((await ask(fixture, "/v1/batch", batch("m3"))).status).toBe(429);
    expect((await first).status).toBe(429);
  });

  test("bodies in memory have an end", async () => {
    await open({ limits: { requestBytesEnd: 10 } });
    expect(await ask(fixture, "/v1/batch", batch("m1"))).toMatchObject({
      status: 429,
      body: error("overloaded"),
    });
  });
});

describe("the ledger", () => {
  test("balances in every reading under traffic", async () => {
    await open();
    let isDone = false;
    const traffic = Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const bad = { type: "track", event: "Product Viewed", userId: "u1" };
        const body = {
          batch: [view(`m${i % 20}`), view(`n${i}`, { anonymousId: `a${i}` }), bad],
          writeKey,
        };
        await ask(fixture, "/v1/batch", { body });
      }),
    ).then(() => {
      isDone = true;
    });
    let readings = 0;
    while (!isDone || readings < 3) {
      const [one, two] = await Promise.all([ledger(), ledger()]);
      for (const { received, applied, duplicate, rejected, inFlight } of [one, two]) {
        expect(received).toBe(applied + duplicate + rejected + inFlight);
      }
      readings++;
      // Requests without a socket take no turn of the event loop: traffic would stand still.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await traffic;
    await fixture.engine.drain();
    expect(await ledger()).toEqual({
      received: 180,
      applied: 80,
      duplicate: 40,
      rejected: 60,
      inFlight: 0,
    });
  });

  async function ledger() {
    const { body } = await ask(fixture, "/metrics");
    const read = (name: string) =>
      Number(new RegExp(`^freshet_events_${name} (\\d+)$`, "m").exec(body)?.[1]);
    return {
      received: read("received_total"),
      applied: read("applied_total"),
      duplicate: read("duplicate_total"),
      rejected: read("rejected_total"),
      inFlight: read("in_flight"),
    };
  }
});

describe("operating", () => {
  test("health, readiness and the end of it", async () => {
    let isReady = false;
    await open({ server: { ready: () => isReady } });
    expect(await ask(fixture, "/healthz")).toMatchObject({
      status: 200,
      body: { status: "alive" },
    });
    expect(await ask(fixture, "/readyz")).toMatchObject({ status: 503, body: error("notReady") });
    expect((await fixture.app.inject({ method: "HEAD", url: "/healthz" })).statusCode).toBe(200);
    expect((await fixture.app.inject({ method: "HEAD", url: "/v1/stream" })).statusCode).toBe(404);
    isReady = true;
    expect(await ask(fixture, "/readyz")).toMatchObject({ status: 200, body: { status: "ready" } });
    fixture.beginShutdown();
    expect(await ask(fixture, "/readyz")).toMatchObject({
      status: 503,
      body: error("shuttingDown"),
    });
    expect(await ask(fixture, "/v1/batch", batch("m1"))).toMatchObject({
      status: 503,
      body: error("shuttingDown"),
      headers: { "retry-after": "1" },
    });
    expect((await ask(fixture, "/healthz")).status).toBe(200);
  });

  test("an exception that nobody expected is 503 with an id that the log has", async () => {
    const clock = {
      now: () => {
        throw new Error("the clock broke");
      },
    };
    await open();
    await fixture.close();
    await open({ server: { clock: { ...fixture.clock, ...clock } } });
    const answer = await ask(fixture, "/v1/batch", batch("m1"));
    expect(answer).toMatchObject({
      status: 503,
      body: error("internal"),
      headers: { "retry-after": "5" },
    });
    expect(answer.body.error.message).not.toContain("clock");
    const id = /"(.+)"/.exec(answer.body.error.message)?.[1] ?? "none";
    expect(fixture.lines.join("")).toContain(id);
    expect(fixture.lines.join("")).toContain("the clock broke");
    expect((await ask(fixture, "/healthz")).status).toBe(200);
  });

  test("no line of the log holds a key or a token", async () => {
    await open();
    await ask(fixture, "/v1/profiles/u1", { headers: { authorization: `Bearer ${secretKey}` } });
    await ask(fixture, `/v1/track?writeKey=${writeKey}xyz`, { body: {} });
    await ask(fixture, "/v1/stream?token=abc.def.ghi");
    const text = fixture.lines.join("");
    expect(text).toContain('"route":"/v1/profiles/:id"');
    for (const hidden of [secretKey, `${writeKey}xyz`, "abc.def"])
      expect(text).not.toContain(hidden);
  });

  test("metrics name every figure that is promised", async () => {
    await open();
    await ask(fixture, "/v1/batch", batch("m1"));
    await ask(fixture, "/v1/decide", {
      body: { userId: "u1", placements: ["homeBanner"], writeKey },
    });
    const { body, headers } = await ask(fixture, "/metrics");
    expect(headers["content-type"]).toMatch(/^text\/plain/);
    for (const name of [
      ...[
        "events_filtered_total",
        "log_bytes",
        "log_next_offset",
        "checkpoint_offset",
        "checkpoints_total",
      ],
      ...[
        "checkpoint_seconds",
        "deduplication_ids",
        "deduplication_bytes",
        "deduplication_window_seconds",
      ],
      ...[
        "dead_letters",
        "live_keys",
        "stream_connections",
        "capture_ack_seconds_bucket",
        "decide_seconds_count",
      ],
    ]) {
      expect(body).toMatch(new RegExp(`^freshet_${name}[ {]`, "m"));
    }
    expect(body).toContain(
      'freshet_http_requests_total{route="/v1/batch",method="POST",status="200"} 1',
    );
    expect(body).toMatch(/^nodejs_eventloop_lag_seconds /m);
    expect(body).toMatch(/^process_resident_memory_bytes /m);
  });

  test("what waits for a destination is shown", async () => {
    await open();
    const order = {
      type: "track",
      event: "Order Completed",
      userId: "u1",
      messageId: "o1",
      properties: { total: 5 },
    };
    await send(fixture, order);
    await expect
      .poll(async () => (await ask(fixture, "/metrics")).body, { timeout: 3000 })
      .toContain('freshet_outbox_waiting{destination="crm"} 1');
  });

  test("a site's own routes work beside", async () => {
    await open({
      server: {
        siteRoutes: (app) => {
          app.get("/", async () => "hello");
          app.post("/echo", async (request) => String(request.body));
        },
      },
    });
    expect((await ask(fixture, "/")).body).toBe("hello");
    expect((await ask(fixture, "/echo", { body: "some text" })).body).toBe("some text");
    expect((await ask(fixture, "/metrics")).body).toContain("freshet_request_bytes_in_flight 0");
  });

  test("a stream cannot be opened while stopping", async () => {
    await open();
    const port = await listen(fixture);
    const { body } = await ask(fixture, "/v1/tokens", {
      body: { userId: "u1" },
      headers: { authorization: `Bearer ${secretKey}` },
    });
    fixture.beginShutdown();
    expect((await openStream(port, body.token)).status).toBe(503);
  });
});
