import { once } from "node:events";
import { createServer, request } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { sourcesOf } from "../../src/accept/index.ts";
import { layoutOf } from "../../src/adapters/log/payload/event-layout.ts";
import { makeSocketPlace, type SocketPlace } from "../../src/app/collect/place.ts";
import { RemoteAppend } from "../../src/app/collect/remote-append.ts";
import { answerOf, RemoteSchemas } from "../../src/app/collect/remote-schemas.ts";
import { type Collector, createCollector } from "../../src/server/collect/collector.ts";
import { forwardedHeaders } from "../../src/server/collect/forwarded.ts";
import { trustForwarder } from "../../src/server/index.ts";
import type { TrustProxy } from "../../src/server/options.ts";
import { createHeardMetrics } from "../../src/telemetry/index.ts";
import { ask, eventually } from "../process/support/client.ts";
import { basic, plan, secret, tokenFor, view, writeKey } from "./fixture.ts";
import { localWriter, types } from "./framed-fixture.ts";
import { avro, openRegistryFixture, type RegistryFixture, register } from "./registry-fixture.ts";
import { converse, openStream } from "./socket.ts";
import { joinStream } from "./socket-client.ts";

let fixture: RegistryFixture;
let log: RemoteAppend;
let collector: Collector;
let place: SocketPlace;
let port: number;
const url = () => `http://127.0.0.1:${port}`;

afterEach(async () => {
  await collector.app.close();
  await fixture.close();
  place.remove();
});

interface Options {
  readonly trustProxy?: TrustProxy;
  readonly eventsInFlight?: () => number;
}

/** Both halves as they run in two threads, but for the thread: the messages are handed over as they are. */
async function open({ trustProxy = false, eventsInFlight }: Options = {}): Promise<void> {
  const metrics = createHeardMetrics();
  fixture = await openRegistryFixture(undefined, {
    trustProxy: trustForwarder(trustProxy),
    collector: {
      reading: async () => ({
        series: await metrics.series(),
        edges: [],
        contracts: [],
        requestBytesInFlight: collector.gate.bytes,
        requestsHeld: collector.gate.held,
      }),
    },
    siteRoutes: (app) => {
      app.get("/ip", async ({ ip, host, protocol }) => ({ ip, host, protocol }));
      app.post("/length", async ({ body }) => ({ length: (body as Buffer).length }));
      app.get("/slow", (_request, reply) => {
        reply.hijack();
        reply.raw.writeHead(200, { "content-type": "text/plain" });
        reply.raw.write("begun");
        reply.raw.on("close", () => gone.push("slow"));
      });
    },
  });
  const { engine, registry } = fixture;
  place = makeSocketPlace();
  await fixture.app.listen({ path: place.path });
  log = new RemoteAppend(engine.logId, (message) => {
    if (message.kind !== "append") throw new Error(`what is "${message.kind}"?`);
    const { id, records } = message;
    const written =
      records.length === 0
        ? Promise.resolve({ firstOffset: engine.status().nextOffset })
        : engine.appendEncoded(records);
    written.then(
      ({ firstOffset }) => log.appended(id, firstOffset),
      (error: Error) => log.refused(id, { message: error.message }),
    );
  });
  let ids = 0;
  collector = createCollector({
    engine: log,
    plan: () => plan,
    tables: () => engine.tables,
    partitions: () => engine.partitions,
    sources: sourcesOf([{ name: "web", writeKey, kind: "browser" }]),
    clock: fixture.clock,
    randomId: () => `collected-${ids++}`,
    logger: fixtureLogger(),
    metrics,
    eventsInFlight: eventsInFlight ?? (() => engine.ledger().inFlight),
    schemaRegistry: new RemoteSchemas((id) => answerOf(registry, id)),
    socketPath: place.path,
    trustProxy,
    limits: { holdMsMax: 200 },
  });
  await collector.app.listen({ host: "127.0.0.1", port: 0 });
  port = (collector.app.server.address() as { port: number }).port;
}

const gone: string[] = [];
const fixtureLogger = () => fixture.logger;

const batchOf = (...events: readonly unknown[]) =>
  ask(`${url()}/v1/batch`, { body: { batch: events }, headers: basic(writeKey) });

describe("a collector", () => {
  test("answers capture itself, with a receipt that reads what was written", async () => {
    await open();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        batchOf(view(`a${at}`), { type: "odd" }, view(`b${at}`)),
      ),
    );
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        accepted: 2,
        rejected: [{ index: 1, code: "eventTypeUnknown" }],
      });
    }
    const receipts = answers.map(({ body }) => body.receipt as string);
    expect(new Set(receipts).size).toBe(20);
    for (const [at, receipt] of receipts.entries()) {
      const record = fixture.engine.record(fixture.engine.offsetOf(receipt) ?? -1);
      expect(record).toMatchObject({ kind: "event", event: { id: `b${at}` } });
    }
    const query = `atLeast=${receipts.map(encodeURIComponent).join("&atLeast=")}`;
    const profile = await ask(`${url()}/v1/profiles/u1?${query}`, { headers: secret });
    expect(profile.body).toMatchObject({ features: { productViews: 40 }, stale: false });
    expect(fixture.engine.ledger()).toEqual({
      ...{ received: 60, applied: 40, duplicate: 0, rejected: 20, inFlight: 0 },
    });
  });

  test("gives the latest receipt for a batch without events", async () => {
    await open();
    const { body } = await batchOf(view("m1"));
    expect((await batchOf()).body).toMatchObject({ accepted: 0, receipt: body.receipt });
  });

  test("says 503 where the log does not take it, and nothing was kept", async () => {
    await open();
    fixture.disk.faults = { ...fixture.disk.faults, failureShare: 1 };
    const answer = await batchOf(view("m1"));
    expect(answer.status).toBe(503);
    expect(answer.body.error).toMatchObject({ code: "logUnavailable", retryable: true });
    fixture.disk.faults = { ...fixture.disk.faults, failureShare: 0 };
    expect((await batchOf(view("m1"))).status).toBe(200);
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ received: 1, applied: 1 });
  });

  test("holds capture back by what the other thread has in flight, and nothing else", async () => {
    await open({ eventsInFlight: () => Number.MAX_SAFE_INTEGER });
    const answer = await batchOf(view("m1"));
    expect([answer.status, answer.body.error.code]).toEqual([429, "overloaded"]);
    expect((await ask(`${url()}/v1/profiles/u1`, { headers: secret })).status).toBe(404);
  });

  test("answers preflights and pixels, and refuses what it cannot read, as the server does", async () => {
    await open();
    const origin = { origin: "https://a.b" };
    const preflight = await ask(`${url()}/v1/batch`, { method: "OPTIONS", headers: origin });
    expect(preflight.status).toBe(200);
    const pixel = await fetch(`${url()}/v1/pixel.gif?writeKey=${writeKey}&event=x&userId=u1`);
    expect(pixel.headers.get("content-type")).toBe("image/gif");
    const answer = await ask(`${url()}/v1/batch`, { body: "{", headers: basic(writeKey) });
    expect([answer.status, answer.body.error.code]).toEqual([400, "bodyNotJson"]);
    expect((await ask(`${url()}/v1/batch`, { body: {}, headers: basic("?") })).status).toBe(401);
  });

  test("reads messages with schema ids, asking the other thread what they stand for", async () => {
    await open();
    const schema = avro(
      "Seen",
      { name: "event_type", type: "string" },
      { name: "user_id", type: "string" },
    );
    const id = await register(fixture, "seen-value", { schema, schemaType: "AVRO" });
    const message = localWriter(id, "AVRO", schema).write({ event_type: "Seen", user_id: "u1" });
    const headers = { ...basic(writeKey), "content-type": types.AVRO };
    const answer = await ask(`${url()}/v1/events`, { body: message, headers });
    expect([answer.status, answer.body]).toMatchObject([200, { accepted: 1 }]);
    const [other] = [
      localWriter(id + 1, "AVRO", schema).write({ event_type: "Seen", user_id: "u1" }),
    ];
    const unknown = await ask(`${url()}/v1/events`, { body: other, headers });
    expect([unknown.status, unknown.body.error.code]).toEqual([400, "schemaUnknown"]);
  });

  test("writes events in the format that the log has in force", async () => {
    await open();
    const layout = layoutOf(plan.plan.definition);
    for (const format of ["avro", "protobuf"] as const) {
      const schemaId = await fixture.log.writeEventsAs({ format, layout });
      expect(fixture.log.eventsAs).toBe(schemaId);
      log.writeEventsAs(fixture.log.schemas().find(({ id }) => id === schemaId) ?? null);
      const before = fixture.log.bytes;
      const { body } = await batchOf(view(`${format}-1`), view(`${format}-2`));
      expect(fixture.log.bytes - before).toBeLessThan(500);
      const offset = fixture.engine.offsetOf(body.receipt) ?? -1;
      expect(fixture.engine.record(offset)).toMatchObject({
        event: { id: `${format}-2`, properties: { product_id: "p1" } },
      });
    }
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ received: 4, applied: 4 });
  });

  test("adds what it counted to the metrics of the whole", async () => {
    await open();
    await Promise.all([batchOf(view("m1")), batchOf(view("m2")), ask(`${url()}/healthz`)]);
    const metrics = await (await fetch(`${url()}/metrics`)).text();
    expect(metrics).toContain(
      'freshet_http_requests_total{route="/v1/batch",method="POST",status="200"} 2',
    );
    expect(metrics).toMatch(/freshet_http_requests_total\{route="\/healthz"[^}]*\} 1/);
    expect(metrics).toContain("freshet_capture_ack_seconds_count 2");
    expect(metrics.match(/^# TYPE freshet_capture_ack_seconds /gm)).toHaveLength(1);
  });
});

describe("what a collector hands on", () => {
  test("is answered as it was asked: paths, methods, bodies, statuses", async () => {
    await open();
    const wrong = await ask(`${url()}/v1/batch`);
    expect([wrong.status, wrong.body.error.code]).toEqual([400, "requestShape"]);
    expect((await ask(`${url()}/nowhere`)).status).toBe(404);
    const large = Buffer.alloc(700_000, "x");
    expect((await ask(`${url()}/length`, { body: large })).body).toEqual({ length: 700_000 });
    const head = await fetch(`${url()}/healthz`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const chunked = await fetch(`${url()}/length`, {
      method: "POST",
      body: new Blob([large]).stream(),
      duplex: "half",
    } as RequestInit);
    expect(await chunked.json()).toEqual({ length: 700_000 });
  });

  test("holds its connection: many requests come over one", async () => {
    await open();
    const { socket, received } = converse(port);
    for (let at = 0; at < 5; at++) socket.write("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    await eventually("five answers", async () => received().split("HTTP/1.1 200").length === 6);
    socket.destroy();
  });

  test("is refused with 503 and a time to come again where nobody answers behind", async () => {
    await open();
    await fixture.app.close();
    const answer = await ask(`${url()}/v1/profiles/u1`, { headers: secret });
    expect([answer.status, answer.body.error.code]).toEqual([503, "notReady"]);
    expect(answer.headers.get("retry-after")).toBe("1");
  });

  test("flows: a stream of events, and the end of whoever reads it", async () => {
    await open();
    const token = await tokenFor(fixture, { userId: "u1" });
    const stream = await openStream(port, token, { origin: "https://a.b" });
    expect(stream.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    await batchOf(view("m1"), view("m2"), view("m3"));
    await expect
      .poll(() => stream.events.at(-1)?.data.features?.productViews ?? stream.events.at(-1)?.data)
      .toBe(3);
    expect(fixture.hub.connections).toBe(1);
    stream.close();
    await expect.poll(() => fixture.hub.connections).toBe(0);
  });

  test("ends where its client goes away in the midst of an answer", async () => {
    await open();
    const sent = request(`${url()}/slow`);
    sent.on("error", () => {});
    sent.end();
    const [response] = await once(sent, "response");
    await once(response, "data");
    sent.destroy();
    await expect.poll(() => gone).toContain("slow");
  });

  test("becomes a WebSocket", async () => {
    await open();
    const client = await joinStream({ port, query: `?writeKey=${writeKey}` }, { stream: "s1" });
    client.send({ seq: 1, events: [{ event_type: "x", user_id: "u1" }] });
    expect(await client.ack(1)).toMatchObject({ accepted: 1 });
    client.socket.close();
    expect((await client.closed).code).toBe(1005);
  });
});

describe("who is asking", () => {
  const spoofed = {
    "x-forwarded-for": "6.6.6.6",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
  };

  test("is the peer, whatever it says of itself", async () => {
    await open();
    const { body } = await ask(`${url()}/ip`, { headers: spoofed });
    expect(body).toEqual({ ip: "127.0.0.1", host: `127.0.0.1:${port}`, protocol: "http" });
  });

  test("is what a trusted proxy says", async () => {
    await open({ trustProxy: ["loopback"] });
    const { body } = await ask(`${url()}/ip`, { headers: spoofed });
    expect(body).toEqual({ ip: "6.6.6.6", host: "evil.example", protocol: "https" });
  });
});

test("a forwarder is believed, and before it whom the settings name", () => {
  const table: readonly (readonly [TrustProxy, string, boolean])[] = [
    [false, "127.0.0.1", false],
    [true, "9.9.9.9", true],
    ["loopback", "127.0.0.1", true],
    ["loopback", "::1", true],
    ["loopback", "::ffff:127.0.0.1", true],
    ["loopback", "10.0.0.1", false],
    [["uniquelocal", "linklocal"], "10.1.2.3", true],
    [["uniquelocal", "linklocal"], "169.254.1.1", true],
    [["uniquelocal", "linklocal"], "fd00::1", true],
    [["192.0.2.0/24"], "192.0.2.77", true],
    [["192.0.2.0/24"], "192.0.3.77", false],
    [["192.0.2.9"], "192.0.2.9", true],
    [["2001:db8::/32"], "2001:db8::5", true],
    [["2001:db8::/32"], "no address", false],
  ];
  for (const [proxies, address, isTrusted] of table)
    expect([proxies, address, trustForwarder(proxies)(address, 1)]).toEqual([
      ...[proxies, address, isTrusted],
    ]);
  expect(trustForwarder(false)("", 0)).toBe(true);
});

test("headers of the connection stay with it", async () => {
  const server = createServer((received, response) => {
    response.end(JSON.stringify(forwardedHeaders(received, { proxies: false, upgrade: false })));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: own } = server.address() as { port: number };
  const sent = request({ port: own, headers: { te: "trailers", "x-a": ["1", "2"], via: "x" } });
  sent.end();
  const [response] = await once(sent, "response");
  const [bytes] = await once(response, "data");
  expect(JSON.parse(String(bytes))).toEqual([
    ...["x-a", "1", "x-a", "2", "via", "x", "Host", `localhost:${own}`],
    ...["x-forwarded-for", "127.0.0.1"],
  ]);
  server.close();
});
