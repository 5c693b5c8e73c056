/**
 * What nobody should send, over real sockets against one process: each is answered as the catalogue says, and after
 * all of it the process lives, its ledger balances and good events still apply.
 */
import { execFileSync } from "node:child_process";
import { request } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Answer,
  ask,
  basic,
  eventually,
  ledgerOf,
  missingIn,
  readJourney,
  readMetrics,
  readProfile,
  secret,
  sendBatch,
  settled,
  view,
} from "./support/client.ts";
import { makeFolder, type TestFolder } from "./support/folder.ts";
import { type Running, startServer } from "./support/server.ts";

const mebibyte = 1024 ** 2;
/** Most that a request may make the process grow, however large it claims or turns out to be. */
const growthBytesMax = 100 * mebibyte;

let folder: TestFolder;
let server: Running;
beforeAll(async () => {
  folder = await makeFolder();
  server = await startServer({ data: folder.path });
  // What the first requests load and compile is not what a bad one costs.
  for (let round = 0; round < 30; round++) await sendBatch(server.url, [view(`warm-${round}`)]);
});
afterAll(async () => {
  await server.kill();
  await folder.remove();
});

const post = (body: unknown, headers: Record<string, string> = {}, path = "/v1/batch") =>
  ask(`${server.url}${path}`, { method: "POST", body, headers: { ...basic, ...headers } });

/** Status, and the code of an answer that refuses the whole request. */
const refusal = ({ status, body }: Answer) => [status, body?.error?.code];

describe("a body that cannot be read", () => {
  const bodies: readonly (readonly [string, string | Uint8Array, string])[] = [
    ["text that is not JSON", "this is not JSON", "bodyNotJson"],
    ["JSON that is cut off", '{"batch":[{"type":"track"', "bodyNotJson"],
    ["nothing", "", "bodyNotJson"],
    ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), "bodyNotUtf8"],
    ["a batch that is text", '{"batch":"many"}', "bodyShape"],
    ["an array for an object", "[1,2,3]", "bodyShape"],
    ["a number", "17", "bodyShape"],
    ["null", "null", "bodyShape"],
    ["more events than a batch may have", `{"batch":[${"{},".repeat(10_000)}{}]}`, "batchTooLong"],
    ["nesting of 200 000 levels", "[".repeat(200_000), "bodyNotJson"],
  ];
  for (const [what, body, code] of bodies)
    it(`is refused as ${code}: ${what}`, async () => {
      expect(refusal(await post(body))).toEqual([400, code]);
    });

  it("is refused where it is not what its encoding says", async () => {
    const gzip = { "content-encoding": "gzip" };
    expect(refusal(await post("no gzip at all", gzip))).toEqual([400, "bodyInflateFailed"]);
    const cut = gzipSync('{"batch":[]}').subarray(0, 12);
    expect(refusal(await post(cut, gzip))).toEqual([400, "bodyInflateFailed"]);
    expect(refusal(await post("{}", { "content-encoding": "zap" }))).toEqual([
      400,
      "bodyEncodingUnknown",
    ]);
  });

  it("is refused without a key, or with one that no source has", async () => {
    const body = { batch: [view("no-key")] };
    expect(refusal(await ask(`${server.url}/v1/batch`, { body }))).toEqual([401, "keyMissing"]);
    const headers = { authorization: `Basic ${btoa("wk_unknown:")}` };
    expect(refusal(await ask(`${server.url}/v1/batch`, { body, headers }))).toEqual([
      401,
      "keyUnknown",
    ]);
    expect((await readJourney(server.url, "no-key")).status).toBe(404);
  });
});

describe("a body that is too large", () => {
  it("is refused when it says so, before it is read", async () => {
    expect(refusal(await post(`{"batch":["${"x".repeat(mebibyte)}"]}`))).toEqual([
      413,
      "bodyTooLarge",
    ]);
  });

  it("is cut early when 1 GiB is streamed, and costs no memory", async () => {
    const before = residentBytes();
    const { status, sentBytes } = await stream(1024);
    expect([413, null]).toContain(status);
    expect(sentBytes).toBeLessThan(256 * mebibyte);
    expect(residentBytes() - before).toBeLessThan(growthBytesMax);
  });

  it("costs no memory when sixteen clients do it at once", async () => {
    const before = residentBytes();
    const outcomes = await Promise.all(Array.from({ length: 16 }, () => stream(64)));
    for (const { status } of outcomes) expect([413, null]).toContain(status);
    expect(residentBytes() - before).toBeLessThan(growthBytesMax);
  });

  it("is refused when it inflates to 300 MiB, and costs no memory", async () => {
    const bomb = gzipSync(Buffer.alloc(300 * mebibyte), { level: 1 }).subarray(0, mebibyte);
    const before = residentBytes();
    expect(refusal(await post(bomb, { "content-encoding": "gzip" }))).toEqual([
      413,
      "bodyTooLarge",
    ]);
    expect(residentBytes() - before).toBeLessThan(growthBytesMax);
  });

  it("is taken up to 600 KB, which Segment's client sends", async () => {
    const text = "x".repeat(10_000);
    const batch = Array.from({ length: 60 }, (_, index) => ({
      ...view(`large-${index}`, { userId: "large" }),
      context: { text },
    }));
    const { status, body } = await sendBatch(server.url, batch);
    expect([status, body.accepted, body.rejected]).toEqual([200, 60, []]);
    const profile = await readProfile(server.url, "large", body.receipt);
    expect(profile.body.features.productViews).toBe(60);
  });
});

describe("an event that cannot be taken", () => {
  const order = (total: unknown) => ({
    type: "track",
    event: "Order Completed",
    userId: "odd",
    properties: { order_id: "o", total },
  });
  const deep = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
  const events: readonly (readonly [string, unknown, string])[] = [
    ["no object", 17, "eventNotObject"],
    ["null", null, "eventNotObject"],
    ["a list", [[]], "eventNotObject"],
    ["a type that does not exist", { type: "trace", userId: "odd" }, "eventTypeUnknown"],
    ["no name", { type: "track", userId: "odd" }, "eventNameMissing"],
    ["a name that is a number", { type: "track", event: 5, userId: "odd" }, "eventFieldType"],
    ["no identifier", { type: "track", event: "Page" }, "identifierMissing"],
    ["empty identifiers", { ...view("", {}), userId: "", anonymousId: "" }, "identifierMissing"],
    [
      "an identifier that is an object",
      view("odd-object", { userId: { id: 1 } }),
      "identifierInvalid",
    ],
    [
      "an identifier of 513 characters",
      view("odd-long", { userId: "u".repeat(513) }),
      "identifierInvalid",
    ],
    ["a message id of 513 characters", view("m".repeat(513)), "identifierInvalid"],
    ["properties that are text", { ...view("odd-text"), properties: "p" }, "eventFieldType"],
    ["a time that is none", { ...view("odd-time"), timestamp: "yesterday" }, "timestampInvalid"],
    [
      "a time in 1970",
      { ...view("odd-1970"), timestamp: "1970-01-01T00:00:00Z" },
      "timestampOutOfRange",
    ],
    ["33 KB", { ...view("odd-large"), context: { text: "x".repeat(33 * 1024) } }, "eventTooLarge"],
    [
      "nesting of 100 levels",
      { ...view("odd-deep"), context: { deep: deep(100) } },
      "eventTooDeep",
    ],
    ["a missing property", { ...view("odd-contract"), properties: {} }, "contractViolated"],
    ["a total that is text", order("much"), "contractViolated"],
  ];
  it("is refused alone, the others of its batch are kept, and it is listed with its reason", async () => {
    const batch = events.flatMap(([, event], index) => [
      event,
      view(`kept-${index}`, { userId: "kept" }),
    ]);
    const { status, body } = await sendBatch(server.url, batch);
    expect([status, body.accepted]).toEqual([200, events.length]);
    const codes = body.rejected.map(({ index, code }: { index: number; code: string }) => [
      events[index / 2]?.[0],
      code,
    ]);
    expect(codes).toEqual(events.map(([what, , code]) => [what, code]));
    const profile = await readProfile(server.url, "kept", body.receipt);
    expect(profile.body.features.productViews).toBe(events.length);
    const { body: list } = await ask(`${server.url}/v1/dead-letters?limit=200`, {
      headers: secret,
    });
    const listed = new Set(list.deadLetters.map(({ code }: { code: string }) => code));
    for (const [, , code] of events) expect(listed).toContain(code);
    for (const letter of list.deadLetters) expect(letter.message.length).toBeGreaterThan(10);
  });

  it("is refused where a number is beyond a double", async () => {
    const text = JSON.stringify({ batch: [order(1)] }).replace('"total":1', '"total":1e400');
    const { status, body } = await post(text);
    expect([status, body.rejected[0]?.code]).toEqual([200, "eventFieldType"]);
  });

  it("is a 400 with its reason where it came alone as a native event", async () => {
    const { status, body } = await post({ event_type: "Page" }, {}, "/v1/events");
    expect([status, body.error.code]).toEqual([400, "identifierMissing"]);
  });
});

describe("an event that is odd but can be taken", () => {
  const taken = async (event: object, id: string, userId: string) => {
    const { status, body } = await sendBatch(server.url, [event]);
    expect([status, body.rejected]).toEqual([200, []]);
    const profile = await readProfile(server.url, userId, body.receipt);
    expect([profile.status, profile.body.stale]).toEqual([200, false]);
    return { journey: (await readJourney(server.url, id)).body, profile: profile.body };
  };

  it("happened now at the latest, when it says 9999", async () => {
    const before = Date.now();
    const event = { ...view("year-9999", { userId: "future" }), timestamp: "9999-12-31T23:59:59Z" };
    const { journey, profile } = await taken(event, "year-9999", "future");
    expect(journey.steps[0].at).toBeLessThanOrEqual(Date.now());
    expect(journey.steps[0].at).toBeGreaterThanOrEqual(before - 1000);
    expect(profile.features.productViewsToday).toBe(1);
  });

  it("pollutes no prototype", async () => {
    const text = JSON.stringify({
      batch: [{ ...view("proto", { userId: "__proto__" }), type: "identify", traits: { T: 1 } }],
    }).replace(
      '"T":1',
      '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"ok":1',
    );
    const { status, body } = await post(text);
    expect([status, body.rejected]).toEqual([200, []]);
    const { body: profile } = await readProfile(server.url, "user:__proto__", body.receipt);
    expect([profile.profileId, profile.traits.ok, profile.traits.polluted]).toEqual([
      "user:__proto__",
      1,
      undefined,
    ]);
    const { body: other } = await readProfile(server.url, "kept");
    expect([other.polluted, other.traits.polluted, other.features.polluted]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("may have the names of what every object has", async () => {
    for (const name of ["constructor", "hasOwnProperty", "toString", "__defineGetter__"]) {
      const event = {
        type: "track",
        event: name,
        messageId: `name-${name}`,
        userId: name,
        properties: { [name]: name, product_id: name },
      };
      const { journey } = await taken(event, `name-${name}`, name);
      expect(journey.status).toBe("applied");
      const seen = { ...view(`view-${name}`, { userId: name }), properties: { product_id: name } };
      const { profile } = await taken(seen, `view-${name}`, name);
      expect(profile.features.productViews).toBe(1);
    }
  });

  it("may hold half of a surrogate pair, which is mended", async () => {
    const event = view("surrogate", { userId: "surrogate" });
    const text = JSON.stringify({ batch: [event] }).replace("cer-01", "\\ud800");
    const { status, body } = await post(text);
    expect([status, body.rejected]).toEqual([200, []]);
    const { body: profile } = await readProfile(server.url, "surrogate", body.receipt);
    expect(profile.features.recentlyViewed).toEqual(["\ufffd"]);
  });

  it("gets an id of its own where its message id is empty", async () => {
    const { body } = await sendBatch(server.url, [
      view("", { userId: "idless" }),
      view("", { userId: "idless" }),
    ]);
    expect([body.accepted, body.rejected]).toEqual([2, []]);
    const { body: profile } = await readProfile(server.url, "idless", body.receipt);
    expect(profile.features.productViews).toBe(2);
  });

  it("leaves its profile readable when its numbers are as large as they get", async () => {
    for (const total of [1e308, -1e308, 1e300, Number.MAX_SAFE_INTEGER, 5e-324]) {
      const event = {
        type: "track",
        event: "Order Completed",
        userId: "rich",
        properties: { order_id: "o", total },
      };
      const { status, body } = await sendBatch(server.url, [event]);
      expect(status).toBe(200);
      const profile = await readProfile(server.url, "rich", body.receipt);
      expect(profile.body.features.spendCents).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
    }
    const { body } = await ask(`${server.url}/v1/profiles/rich?detail=true`, { headers: secret });
    expect(body.detail.features.spendCents.approximate).toBe(true);
    const { profile } = await taken(view("rich-view", { userId: "rich" }), "rich-view", "rich");
    expect(profile.features.productViews).toBe(1);
  });
});

describe("what is hardly HTTP", () => {
  it("is answered and closed", async () => {
    expect(await raw("this is not HTTP\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(64 * 1024)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    const smuggled = "POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n";
    expect(await raw(`${smuggled}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });

  it("is told the method where only that is wrong", async () => {
    const answer = await ask(`${server.url}/v1/batch`, { method: "PUT", body: "{}" });
    expect(refusal(answer)).toEqual([400, "requestShape"]);
    expect((await ask(`${server.url}/v1/batch`)).status).toBe(400);
  });

  it("may go away in the middle of a body", async () => {
    const head = "POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
    for (let round = 0; round < 20; round++) {
      const socket = connect(server.port, "127.0.0.1", () => socket.write(`${head}{"batch":[`));
      await new Promise((resolve) => socket.once("ready", resolve));
      await sleep(5);
      socket.destroy();
    }
    await eventually("bytes of lost requests are given back", async () => {
      return (await readMetrics(server.url)).get("freshet_request_bytes_in_flight") === 0;
    });
  });
});

describe("after all of it", () => {
  it("the process lives, the ledger balances and good events apply", async () => {
    expect(await settled(server.url)).toMatchObject({ inFlight: 0 });
    const { body } = await sendBatch(server.url, [view("good-1", { userId: "good" })]);
    const profile = await readProfile(server.url, "good", body.receipt);
    expect(profile.body.features.productViews).toBe(1);
    const metrics = await readMetrics(server.url);
    expect(missingIn(ledgerOf(metrics))).toBe(0);
    expect(ledgerOf(metrics).rejected).toBeGreaterThanOrEqual(20);
    expect(server.output()).not.toContain("unexpected error");
    expect(residentBytes()).toBeLessThan(700 * mebibyte);
  });

  it("it stops in order and starts again with the same profiles", async () => {
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    server = await startServer({ data: folder.path });
    const profile = await readProfile(server.url, "good");
    expect(profile.body.features.productViews).toBe(1);
    expect(missingIn(ledgerOf(await readMetrics(server.url)))).toBe(0);
  });
});

/** Memory of the server as the system counts it. */
function residentBytes(): number {
  const text = execFileSync("ps", ["-o", "rss=", "-p", String(server.pid)], { encoding: "utf8" });
  return Number(text.trim()) * 1024;
}

/** Sends a body without a length, as fast as it is taken; status null when the connection was cut. */
function stream(mebibytes: number): Promise<{ status: number | null; sentBytes: number }> {
  const chunk = Buffer.alloc(mebibyte, "x");
  return new Promise((resolve) => {
    let sent = 0;
    let status: number | null = null;
    const post = request(`${server.url}/v1/batch`, { method: "POST", headers: basic });
    const done = () => {
      post.destroy();
      resolve({ status, sentBytes: sent * mebibyte });
    };
    const write = () => {
      while (sent < mebibytes && !post.destroyed) {
        sent++;
        if (!post.write(chunk)) return void post.once("drain", write);
      }
      if (!post.destroyed) post.end();
    };
    post.on("response", (response) => {
      status = response.statusCode ?? null;
      response.resume();
    });
    post.on("error", done).on("close", done);
    write();
  });
}

/** Writes bytes to a socket and returns what came until it was closed. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(text));
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("error", () => {}).on("close", () => resolve(answer));
  });
}
