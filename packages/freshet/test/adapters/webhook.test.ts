import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { Agent } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import { MemorySink } from "../../src/adapters/sink/memory.ts";
import {
  outcomeOf,
  retryAfterMsOf,
  type WebhookOptions,
  webhookSink,
} from "../../src/adapters/sink/webhook.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import { Dispatcher } from "../../src/engine/dispatcher.ts";
import { Outbox } from "../../src/engine/outbox.ts";
import { cancelling, type Sink } from "../../src/engine/port/sink.ts";
import { effectOf, type SinkBehaviour, sinkContract } from "../../src/testing/contract/sink.ts";
import { textCodec } from "../engine/dispatcher-fixture.ts";

const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
const secretNext = `whsec_${Buffer.alloc(32, 2).toString("base64")}`;
const clock = systemClock();

interface Arrived {
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
}

type Answer = (response: ServerResponse, count: number) => void;

/** A receiver on a free loopback port. */
async function receiver(answer: Answer = (response) => response.writeHead(204).end()) {
  const arrived: Arrived[] = [];
  let current = answer;
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      );
      arrived.push({ headers, body: Buffer.concat(chunks).toString("utf8") });
      current(response, arrived.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    arrived,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    answer: (next: Answer) => {
      current = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function place(options: Partial<WebhookOptions> = {}, answer?: Answer) {
  const server = await receiver(answer);
  const sink = webhookSink({ name: "crm", url: server.url, secret, clock, ...options });
  open.push(server, sink);
  return { server, sink, send: (id = "e1") => sink.send(effectOf(id, "ana"), cancelling()) };
}

const answers: { readonly [Key in SinkBehaviour]: Answer } = {
  take: (response) => response.writeHead(200).end("ok"),
  busy: (response) => response.writeHead(503).end(),
  refuse: (response) => response.writeHead(400).end("bad"),
  hang: () => {},
};

sinkContract("webhook", async () => {
  const server = await receiver(answers.take);
  return {
    sink: webhookSink({ name: "crm", url: server.url, secret, clock }),
    behave: (behaviour) => server.answer(answers[behaviour]),
    arrived: () => server.arrived.map(({ headers }) => headers["webhook-id"] ?? ""),
    remove: () => server.close(),
  };
});

sinkContract("memory", async () => {
  const sink = new MemorySink("crm");
  return {
    sink,
    behave: (behaviour) =>
      sink.respondWith((_effect, cancellation) => {
        if (behaviour === "take") return { kind: "delivered" };
        if (behaviour === "busy") return { kind: "retry", reason: "busy" };
        if (behaviour === "refuse") return { kind: "refused", reason: "no" };
        return new Promise((resolve) =>
          cancellation.onCancel(() => resolve({ kind: "retry", reason: "cancelled" })),
        );
      }),
    arrived: () => sink.received.map(({ id }) => id),
    remove: async () => {},
  };
});

describe("webhook", () => {
  it("W1 posts the effect as JSON, signed by the Standard Webhooks rules", async () => {
    const { server, sink } = await place();
    const fields = { tier: "góld", at: "a field of the same name" };
    await sink.send({ ...effectOf("e1.1", "user:ana"), fields }, cancelling());
    const [{ headers, body } = none] = server.arrived;
    expect(headers).toMatchObject({ "content-type": "application/json", "webhook-id": "e1.1" });
    expect(headers.authorization).toBeUndefined();
    expect(new Webhook(secret).verify(body, headers)).toEqual({
      type: "welcome",
      timestamp: "2026-09-21T14:13:20.000Z",
      data: {
        effectId: "e1.1",
        rule: "welcome",
        profileId: "user:ana",
        cause: "message e1.1",
        at: 1_790_000_000_000,
        tier: "góld",
      },
    });
    expect(() => new Webhook(secret).verify(body.replace("ana", "bob"), headers)).toThrow();
    expect(() => new Webhook(secretNext).verify(body, headers)).toThrow();
  });

  it("W2 signs with every secret while one is replaced, at the time of the attempt", async () => {
    const { server, send } = await place({ secret: [secret, secretNext] });
    await send();
    const [{ headers, body } = none] = server.arrived;
    expect(headers["webhook-signature"]).toMatch(/^v1,\S+ v1,\S+$/);
    for (const one of [secret, secretNext]) new Webhook(one).verify(body, headers);
    expect(Math.abs(Number(headers["webhook-timestamp"]) - Date.now() / 1000)).toBeLessThan(5);
  });

  it("says by the status what becomes of the effect", async () => {
    const kinds = (statuses: readonly number[]) =>
      statuses.map((status) => outcomeOf(status, { text: "", retryAfter: undefined, now: 0 }).kind);
    expect(new Set(kinds([200, 201, 202, 204, 299]))).toEqual(new Set(["delivered"]));
    expect(new Set(kinds([408, 425, 429, 500, 501, 502, 503, 504, 599]))).toEqual(
      new Set(["retry"]),
    );
    expect(new Set(kinds([300, 301, 302, 307, 308, 400, 401, 403, 404, 409, 411, 422]))).toEqual(
      new Set(["refused"]),
    );
    expect(kinds([410])).toEqual(["gone"]);
  });

  it("reads Retry-After as seconds or an HTTP date, and ignores what is neither", () => {
    const now = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");
    const cases: readonly (readonly [string | undefined, number | null])[] = [
      ["120", 120_000],
      ["0", 0],
      ["Wed, 21 Oct 2026 07:28:30 GMT", 30_000],
      ["Wed, 21 Oct 2026 07:27:00 GMT", 0],
      ["1.5", null],
      ["-1", null],
      ["soon", null],
      ["soon GMT", null],
      ["", null],
      [undefined, null],
    ];
    for (const [text, expected] of cases) expect(retryAfterMsOf(text, now)).toBe(expected);
  });

  it("hands on what a busy or refusing receiver says", async () => {
    const { server, send } = await place({}, (response) =>
      response.writeHead(429, { "retry-after": "7" }).end("slow\n down\u0000"),
    );
    expect(await send()).toEqual({
      kind: "retry",
      reason: "answered 429: slow down",
      retryAfterMs: 7000,
    });
    server.answer((response) => response.writeHead(410).end());
    expect(await send()).toEqual({ kind: "gone", reason: "answered 410" });
    server.answer((response) => response.writeHead(422).end("x".repeat(5000)));
    expect(await send()).toEqual({ kind: "refused", reason: `answered 422: ${"x".repeat(200)}` });
  });

  it("does not follow redirects", async () => {
    const other = await place();
    const { send } = await place({}, (response) =>
      response.writeHead(307, { location: other.server.url }).end(),
    );
    expect(await send()).toEqual({
      kind: "refused",
      reason: "answered 307: redirects are not followed",
    });
    expect(other.server.arrived).toEqual([]);
  });

  it("W4 gives up on a receiver that does not answer", async () => {
    const { server, send } = await place({ limits: { sendMsMax: 50 } }, () => {});
    expect(await send()).toEqual({ kind: "retry", reason: "no answer within 50 ms" });
    server.answer((response) => response.writeHead(200).end());
    expect(await send()).toEqual({ kind: "delivered" });
  });

  it("W3 takes the status for the answer when the body hangs, breaks off or never ends", async () => {
    const { server, send } = await place({ limits: { answerMsMax: 50 } });
    server.answer((response) => response.writeHead(200).write("half"));
    expect(await send()).toEqual({ kind: "delivered" });
    server.answer((response) => {
      response.writeHead(200, { "content-length": "1000" }).write("half");
      setTimeout(() => response.destroy(), 5);
    });
    expect(await send()).toEqual({ kind: "delivered" });
    let written = 0;
    server.answer((response) => {
      const flood = () => {
        while (!response.destroyed && response.write(Buffer.alloc(16 * 1024, "a"))) written++;
      };
      response.writeHead(503).on("drain", flood);
      flood();
    });
    expect(await send()).toMatchObject({ kind: "retry", reason: expect.stringContaining("503") });
    expect(written * 16 * 1024).toBeLessThan(50_000_000);
  });

  it("never sends what was cancelled while it waited for a connection", async () => {
    const client = new Agent({ connections: 1, pipelining: 1 });
    open.push({ close: () => client.destroy() });
    const held: ServerResponse[] = [];
    const { server, sink, send } = await place({ client }, (response) => held.push(response));
    const first = send("first");
    const flight = cancelling();
    const second = sink.send(effectOf("second", "ana"), flight);
    while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    flight.cancel();
    expect(await second).toMatchObject({
      kind: "retry",
      reason: expect.stringContaining("cancel"),
    });
    server.answer((response) => response.writeHead(204).end());
    held[0]?.writeHead(204).end();
    expect(await first).toEqual({ kind: "delivered" });
    expect(await send("third")).toEqual({ kind: "delivered" });
    expect(server.arrived.map(({ headers }) => headers["webhook-id"])).toEqual(["first", "third"]);
  });

  it("waits for the status behind hints", async () => {
    const { send } = await place({}, (response) => {
      response.writeEarlyHints({ link: "</a>; rel=preload" });
      response.writeHead(410).end();
    });
    expect(await send()).toMatchObject({ kind: "gone" });
  });

  it("says retry when nobody listens, or the socket closes before an answer", async () => {
    const { server, send } = await place({}, (response) => response.destroy());
    expect(await send()).toMatchObject({
      kind: "retry",
      reason: expect.stringMatching(/^no answer: .+/),
    });
    await server.close();
    expect(await send()).toMatchObject({
      kind: "retry",
      reason: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("W5 sends credentials of the address as Basic authorization, and shows them nowhere", async () => {
    const { server } = await place();
    const url = server.url.replace("http://", "http://ana:p%40ss@");
    const sink = webhookSink({ name: "crm", url, secret, clock });
    open.push(sink);
    await sink.send(effectOf("e1", "ana"), cancelling());
    const pair = Buffer.from("ana:p@ss").toString("base64");
    expect(server.arrived[0]?.headers.authorization).toBe(`Basic ${pair}`);
    await server.close();
    const outcome = await sink.send(effectOf("e1", "ana"), cancelling());
    expect(JSON.stringify(outcome)).not.toMatch(/p@ss|p%40ss/);
  });

  it("refuses addresses and secrets that cannot be used, and shows no secret", () => {
    const bad: readonly (readonly [string, string | readonly string[]])[] = [
      ["ftp://example.com", secret],
      ["example.com/hook", secret],
      ["", secret],
      ["http://a:%zz@example.com", secret],
      ["https://example.com", []],
      ["https://example.com", "topsecret"],
      ["https://example.com", "whsec_"],
      ["https://example.com", `whsec_${Buffer.alloc(23).toString("base64")}`],
      ["https://example.com", `whsec_${Buffer.alloc(65).toString("base64")}`],
      ["https://example.com", [secret, "whsec_!!!!"]],
    ];
    for (const [url, secrets] of bad) {
      const make = () => webhookSink({ name: "crm", url, secret: secrets, clock });
      expect(make).toThrow(
        expect.objectContaining({ code: "sinkConfig", hint: expect.any(String) }),
      );
      expect(make).not.toThrow(/topsecret|!!!!|%zz/);
    }
    for (const bytes of [24, 64])
      webhookSink({
        name: "crm",
        url: "https://example.com",
        secret: `whsec_${Buffer.alloc(bytes).toString("base64")}`,
        clock,
      });
  });
});

describe("dispatcher over webhooks", () => {
  it("delivers once the receiver works again, under the same id, each attempt signed", async () => {
    const { server, sink } = await place({}, (response, count) =>
      response.writeHead(count <= 3 ? 500 : 200).end(),
    );
    const outbox = await dispatch([sink], ["crm"], { retryMs: 20 });
    await until(() => outbox.waiting("crm") === 0);
    expect(server.arrived.map(({ headers }) => headers["webhook-id"])).toEqual(
      Array(4).fill("crm 1"),
    );
    for (const { headers, body } of server.arrived) new Webhook(secret).verify(body, headers);
  });

  it("a dead destination does not slow down another", async () => {
    const dead = await place({}, () => {});
    const alive = await place();
    const sinks = [{ ...dead.sink, name: "dead" }, alive.sink];
    const outbox = await dispatch(sinks, [...Array(40).fill("dead"), ...Array(40).fill("crm")], {});
    await until(() => outbox.waiting("crm") === 0);
    expect([outbox.waiting("dead"), dead.server.arrived.length]).toEqual([40, 10]);
  });

  it("waits as long as Retry-After says", async () => {
    const times: number[] = [];
    const { sink } = await place({}, (response, count) => {
      times.push(performance.now());
      response.writeHead(count === 1 ? 429 : 200, { "retry-after": "1" }).end();
    });
    const outbox = await dispatch([sink], ["crm"], { retryMs: 1 });
    await until(() => outbox.waiting("crm") === 0);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(990);
  });
});

/** One effect for each destination named, checkpointed and on its way. */
async function dispatch(
  sinks: readonly Sink[],
  destinations: readonly string[],
  limits: { readonly retryMs?: number },
): Promise<Outbox> {
  const store = await openMemoryState(new MemoryDisk());
  const outbox = new Outbox(store, textCodec, 0);
  const dispatcher = new Dispatcher({
    outbox,
    sinks,
    clock,
    random: () => 0.5,
    alert: () => {},
    limits: { ...limits, stopMsMax: 100 },
  });
  dispatcher.start();
  open.push({ close: () => dispatcher.stop() });
  destinations.forEach((destination, index) => {
    outbox.add(
      effectOf(`${destination} ${index + 1}`, `p${index}`, { destination, at: clock.now() }),
    );
  });
  await store.commit(outbox.beginSnapshot());
  outbox.endSnapshot("committed");
  return outbox;
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !holds(); turn++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
}

const none: Arrived = { headers: {}, body: "" };
