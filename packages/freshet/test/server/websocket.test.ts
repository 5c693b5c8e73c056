import { limits } from "@freshet/protocol";
import { afterEach, describe, expect, test } from "vitest";
import {
  agentReader,
  createEdge,
  type EdgePolicy,
  keyedHash,
  sourcesOf,
} from "../../src/accept/index.ts";
import { eventually } from "../process/support/client.ts";
import {
  ask,
  basic,
  type Fixture,
  type FixtureOptions,
  openFixture,
  secret,
  view,
  writeKey,
} from "./fixture.ts";
import { converse, listen } from "./socket.ts";
import { type Client, connectSocket, joinStream } from "./socket-client.ts";

let fixture: Fixture;
let port = 0;
const clients: Client[] = [];
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.terminate();
  await fixture.close();
});

async function open(options: FixtureOptions = {}): Promise<void> {
  fixture = await openFixture(options);
  port = await listen(fixture);
}

async function join(hello: object = {}): Promise<Client> {
  const client = await joinStream({ port }, { stream: "s1", writeKey, ...hello });
  clients.push(client);
  return client;
}

async function connect(place: object = {}): Promise<Client> {
  const client = await connectSocket({ port, ...place });
  clients.push(client);
  return client;
}

const seen = (id: string | undefined, user = "u1", product = "p1") => ({
  event_type: "Product Viewed",
  ...(id === undefined ? {} : { event_id: id }),
  user_id: user,
  metadata: { product_id: product },
});

const lastOf = async (user: string) => {
  const { body } = await ask(fixture, `/v1/profiles/${user}/events`, { headers: secret });
  return body.events.map(({ messageId }: { messageId: string }) => messageId).reverse();
};

describe("a socket", () => {
  test("takes messages in order and acknowledges each with a receipt to read by", async () => {
    await open();
    const client = await join();
    expect(client.frames[0]).toEqual({
      welcome: { stream: "s1", acknowledged: 0, window: 256, frameBytesMax: limits.bodyBytesMax },
    });
    for (let seq = 1; seq <= 20; seq++)
      client.send({ seq, events: [seen(`a${seq}`), seen(`b${seq}`)] });
    const last = await client.ack(20);
    expect(last).toEqual({ ack: 20, accepted: 2, rejected: [], receipt: expect.any(String) });
    const acks = client.frames.slice(1).map(({ ack }) => ack);
    expect(acks).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    const path = `/v1/profiles/u1?atLeast=${encodeURIComponent(last.receipt)}`;
    const { body } = await ask(fixture, path, { headers: secret });
    expect(body).toMatchObject({ features: { productViews: 40 }, stale: false });
    expect((await lastOf("u1")).slice(-4)).toEqual(["a19", "b19", "a20", "b20"]);
  });

  test("acknowledges after the log has it on disk, not before", async () => {
    await open();
    const client = await join();
    fixture.disk.faults = { ...fixture.disk.faults, failureShare: 1 };
    client.send({ seq: 1, events: [seen("m1")] });
    expect(await client.frame("error")).toMatchObject({
      error: { code: "logUnavailable", retryable: true },
    });
    expect(await client.closed).toEqual({ code: 1013, reason: "logUnavailable" });
    expect(client.frames.some(({ ack }) => ack !== undefined)).toBe(false);
    fixture.disk.faults = { ...fixture.disk.faults, failureShare: 0 };
    const again = await join();
    again.send({ seq: 1, events: [seen("m1")] });
    await again.ack(1);
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ applied: 1 });
  });

  test("takes Segment events where the hello says so, and rejects one alone", async () => {
    await open();
    const client = await join({ shape: "segment" });
    client.send({ seq: 1, events: [view("m1"), { type: "nothing" }, 7, view("m2")] });
    expect(await client.ack(1)).toMatchObject({
      accepted: 2,
      rejected: [
        { index: 1, code: "eventTypeUnknown" },
        { index: 2, code: "eventNotObject" },
      ],
    });
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ received: 4, applied: 2, rejected: 2 });
  });

  test("names events without an id by stream, sequence and place", async () => {
    await open();
    const client = await join({ stream: "till-7" });
    client.send({ seq: 41, events: [seen(undefined), seen("own"), seen(undefined)] });
    await client.ack(41);
    await fixture.engine.drain();
    expect(await lastOf("u1")).toEqual(["till-7:41:0", "own", "till-7:41:2"]);
  });

  test.each([
    ["the query", { query: `?writeKey=${writeKey}` }],
    ["the header", { headers: basic(writeKey) }],
  ])("takes the key in %s", async (_place, place) => {
    await open();
    const client = await connect(place);
    client.send({ hello: { stream: "s" } });
    await client.frame("welcome");
    client.send({ seq: 1, events: [seen("m1")] });
    await client.ack(1);
  });

  test("is spoken by the platform's own WebSocket", async () => {
    await open();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/socket?writeKey=${writeKey}`);
    const frames: string[] = [];
    socket.onopen = () => socket.send(JSON.stringify({ hello: { stream: "page" } }));
    socket.onmessage = ({ data }) => {
      frames.push(String(data));
      if (frames.length === 1) socket.send(JSON.stringify({ seq: 1, events: [seen("m1")] }));
    };
    await eventually("two frames", async () => frames.length === 2);
    expect(JSON.parse(frames[1] ?? "")).toMatchObject({ ack: 1, accepted: 1 });
    socket.close();
  });
});

describe("a stream", () => {
  test("goes on where it was, and what is sent again is a duplicate", async () => {
    await open();
    const first = await join();
    for (const seq of [1, 2, 3]) first.send({ seq, events: [seen(undefined)] });
    await first.ack(3);
    first.socket.terminate();
    const second = await join();
    expect(second.frames[0]).toMatchObject({ welcome: { acknowledged: 3 } });
    for (const seq of [2, 3, 4]) second.send({ seq, events: [seen(undefined)] });
    await second.ack(4);
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ received: 6, applied: 4, duplicate: 2 });
  });

  test("of another source is another stream", async () => {
    await open();
    const web = await join();
    web.send({ seq: 5, events: [] });
    await web.ack(5);
    const shop = await join({ writeKey: "SK" });
    expect(shop.frames[0]).toMatchObject({ welcome: { acknowledged: 0 } });
    expect(web.socket.readyState).toBe(web.socket.OPEN);
  });

  test("has one connection: the newest", async () => {
    await open();
    const first = await join();
    const second = await join();
    expect(await first.frame("error")).toMatchObject({ error: { code: "socketReplaced" } });
    expect(await first.closed).toEqual({ code: 4409, reason: "socketReplaced" });
    second.send({ seq: 1, events: [seen("m1")] });
    await second.ack(1);
  });
});

describe("a wrong frame", () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["that skips a message", { seq: 3, events: [] }, 'should have "seq" 2, but has 3'],
    ["without a sequence", { events: [] }, '"seq"'],
    ["with half a sequence", { seq: 1.5, events: [] }, '"seq"'],
    ["without events", { seq: 2 }, '"events" of message 2 should be a list'],
    ["that is no object", [1], '"seq"'],
    ["that is a second hello", { hello: { stream: "s" } }, '"seq"'],
  ];

  test.each(cases)("%s says what was expected", async (_what, frame, expected) => {
    await open();
    const client = await join();
    client.send({ seq: 1, events: [seen("m1")] });
    client.send(frame);
    const { error } = await client.frame("error");
    expect(error).toMatchObject({ code: "socketFrame", retryable: false });
    expect(error.message).toContain(expected);
    expect(await client.closed).toEqual({ code: 4400, reason: "socketFrame" });
    expect(client.frames.filter(({ ack }) => ack === 1)).toHaveLength(1);
  });

  test("that is no JSON or no text ends the connection", async () => {
    await open();
    const client = await join();
    client.send("{");
    expect(await client.frame("error")).toMatchObject({ error: { code: "bodyNotJson" } });
    const other = await join();
    other.socket.send(Buffer.from("{}"), { binary: true });
    expect(await other.closed).toEqual({ code: 4400, reason: "socketFrame" });
  });

  test("names the message that can never be kept", async () => {
    await open();
    const client = await join();
    const events = Array.from({ length: limits.batchEventsMax + 1 }, () => 1);
    client.send({ seq: 1, events });
    const { error } = await client.frame("error");
    expect(error).toMatchObject({ code: "batchTooLong", retryable: false, seq: 1 });
  });

  test("of more bytes than a body may have is refused with 1009", async () => {
    await open();
    const client = await join();
    client.send("x".repeat(limits.bodyBytesMax + 1));
    expect((await client.closed).code).toBe(1009);
  });

  test.each([
    [{}, "stream"],
    [{ stream: "" }, "stream"],
    [{ stream: "a b" }, "stream"],
    [{ stream: "s".repeat(limits.socketStreamCharsMax + 1) }, "stream"],
    [{ stream: "s", shape: "other" }, "shape"],
  ])("as a hello %j names the field", async (hello, field) => {
    await open();
    const client = await connect();
    client.send({ hello: { writeKey, ...hello } });
    expect((await client.frame("error")).error.message).toContain(field);
    expect(await client.closed).toEqual({ code: 4400, reason: "socketFrame" });
  });
});

describe("the door", () => {
  test("refuses a wrong key at the upgrade with 401", async () => {
    await open();
    await expect(connectSocket({ port, query: "?writeKey=no" })).rejects.toThrow("status 401");
    await expect(connectSocket({ port, headers: basic("no") })).rejects.toThrow("status 401");
  });

  test("refuses a wrong or missing key in the hello with 4401", async () => {
    await open();
    for (const [key, code] of [
      [undefined, "keyMissing"],
      ["no", "keyUnknown"],
    ]) {
      const client = await connect();
      client.send({ hello: { stream: "s", writeKey: key } });
      expect(await client.frame("error")).toMatchObject({ error: { code } });
      expect(await client.closed).toEqual({ code: 4401, reason: code });
    }
  });

  test("tells a plain GET what it takes", async () => {
    await open();
    const answer = await ask(fixture, "/v1/socket");
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "requestShape" } } });
  });

  test("refuses an upgrade anywhere else and closes", async () => {
    await open();
    const { socket, received, closed } = converse(port);
    socket.write(
      "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    );
    await closed;
    expect(received()).toMatch(/^HTTP\/1\.1 200 /);
    expect(received().toLowerCase()).toContain("connection: close");
  });

  test("leaves an offer of HTTP/2 aside: the request is answered with its body", async () => {
    await open();
    const body = JSON.stringify({ batch: [view("m1")], writeKey });
    const { socket, received } = converse(port);
    socket.write(
      "POST /v1/batch HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n" +
        `http2-settings: AAMAAABkAAQAAP__\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await eventually("an answer", async () => received().includes('"accepted":1'));
    socket.destroy();
  });

  test("admits no more sockets than its limit", async () => {
    await open({ limits: { socketsMax: 1 } });
    await join();
    await expect(connectSocket({ port })).rejects.toThrow("status 429");
    const { body } = await ask(fixture, "/metrics");
    expect(body).toContain("freshet_socket_connections 1");
  });

  test("answers a broken handshake itself", async () => {
    await open();
    const { socket, received, closed } = converse(port);
    socket.write(
      `GET /v1/socket?writeKey=${writeKey} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n` +
        "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: short\r\n\r\n",
    );
    await closed;
    expect(received()).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("lets go of a client that says nothing, and of one that answers no ping", async () => {
    await open({ limits: { socketHelloMsMax: 50, socketPingMs: 50 } });
    const silent = await connect();
    expect(await silent.closed).toEqual({ code: 4408, reason: "requestTimeout" });
    const dead = await join();
    dead.socket.pause();
    await eventually("the end of it", async () => {
      const { body } = await ask(fixture, "/metrics");
      return body.includes("freshet_socket_connections 0");
    });
  });
});

describe("the source's own rules", () => {
  const sourcesWith = (policy: EdgePolicy) => {
    const hash = keyedHash("a hash key of some length");
    const edge = createEdge(
      { bots: "ignore", context: { device: false, campaign: false }, ...policy },
      {
        source: "web",
        agents: agentReader,
        locate: undefined,
        hash: () => hash,
        readKeySet: () => null,
      },
    );
    if (edge === undefined) throw new Error("the policy asks for nothing");
    return sourcesOf([{ name: "web", writeKey, kind: "browser", edge }]);
  };

  test("about origins hold at the upgrade and in the hello", async () => {
    await open({ server: { sources: sourcesWith({ allowedOrigins: ["https://shop.example"] }) } });
    const query = `?writeKey=${writeKey}`;
    const from = (origin: string) => ({ headers: { origin } });
    const bad = from("https://bad.example");
    await expect(connectSocket({ port, query, ...bad })).rejects.toThrow("status 401");
    const client = await connect(bad);
    client.send({ hello: { stream: "s", writeKey } });
    expect(await client.closed).toEqual({ code: 4403, reason: "originForbidden" });
    await connect({ query, ...from("https://shop.example") });
  });

  test("about rates end the connection with word to come again", async () => {
    await open({
      server: { sources: sourcesWith({ rateLimit: { eventsPerSecond: 0.1, burst: 2 } }) },
    });
    const client = await join();
    client.send({ seq: 1, events: [seen("m1"), seen("m2")] });
    client.send({ seq: 2, events: [seen("m3")] });
    expect(await client.frame("error")).toMatchObject({
      error: { code: "rateLimited", retryable: true, seq: 2 },
    });
    expect(await client.closed).toEqual({ code: 1013, reason: "rateLimited" });
    expect(client.frames.filter(({ ack }) => ack === 1)).toHaveLength(1);
  });
});

describe("under pressure", () => {
  test("a client that reads no answer is let go, and nothing of it is held", async () => {
    await open({ limits: { socketFlushMsMax: 100 } });
    const client = await join();
    client.socket.pause();
    // Each is answered with a megabyte of rejections.
    const events = Array.from({ length: 9000 }, () => 1);
    for (let seq = 1; seq <= 40; seq++) client.send({ seq, events });
    await eventually("the end of it", async () => {
      const { body } = await ask(fixture, "/metrics");
      return (
        body.includes("freshet_socket_connections 0") &&
        body.includes("freshet_request_bytes_in_flight 0")
      );
    });
    expect(fixture.engine.ledger().received).toBeLessThan(40 * 9000);
  });

  test("a socket is not read while too much is in flight, and loses nothing", async () => {
    await open({ limits: { eventsInFlightMax: 20, holdMsMax: 50, socketBytesMax: 4096 } });
    fixture.clock.halt();
    const client = await join();
    const count = 3000;
    for (let seq = 1; seq <= count; seq++) client.send({ seq, events: [seen(undefined)] });
    await eventually("some acknowledgement", async () => client.frames.length > 1);
    const { body } = await ask(fixture, "/metrics");
    const held = Number(/freshet_request_bytes_in_flight (\d+)/.exec(body)?.[1]);
    expect(held).toBeLessThan(256 * 1024);
    expect(client.frames.length).toBeLessThan(count);
    fixture.clock.resume();
    await client.ack(count);
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ received: count, applied: count });
    expect((await ask(fixture, "/metrics")).body).toContain("freshet_request_bytes_in_flight 0");
  });

  test("parts of large messages are counted before they are whole, and refused at the end", async () => {
    await open({ limits: { requestBytesMax: 2 * 2 ** 20, requestBytesEnd: 2 * 2 ** 20 } });
    const parts = await Promise.all(
      ["a", "b", "c"].map(async (stream) => {
        const client = await join({ stream });
        client.socket.send("x".repeat(300_000), { fin: false });
        return client;
      }),
    );
    const ends = await Promise.race(parts.map(({ closed }) => closed));
    expect(ends).toEqual({ code: 1013, reason: "overloaded" });
    for (const { socket } of parts) socket.terminate();
    await eventually("nothing is counted", async () => {
      const { body } = await ask(fixture, "/metrics");
      return body.includes("freshet_request_bytes_in_flight 0");
    });
  });

  test("a closing server acknowledges what it has begun, and says 1001", async () => {
    await open();
    const client = await join();
    for (let seq = 1; seq <= 50; seq++) client.send({ seq, events: [seen(undefined)] });
    await client.ack(1);
    const closing = fixture.app.close();
    expect(await client.closed).toEqual({ code: 1001, reason: "shuttingDown" });
    await closing;
    const acknowledged = client.frames.filter(({ ack }) => ack !== undefined).length;
    expect(fixture.engine.ledger().received).toBe(acknowledged);
  });
});
