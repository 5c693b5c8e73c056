import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { FreshetError, limits } from "@freshet/protocol";
import { describe, expect, test } from "vitest";
import {
  accept,
  type CaptureRequest,
  countTelemetry,
  settingsFor,
  sourcesOf,
} from "../../src/accept/index.ts";
import { bytes, contextWith, requestOf, sources, track } from "./fixture.ts";

const context = contextWith();

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof FreshetError) return `${error.code} ${error.status}`;
    throw error;
  }
  return "nothing thrown";
}

const send = (body: unknown, changes: Partial<CaptureRequest> = {}) =>
  accept(requestOf("segment-batch", body, changes), context);
const encoded = (contentEncoding: string) => ({
  headers: { authorization: `Basic ${btoa("SK:")}`, contentEncoding },
});

describe("write keys", () => {
  const noHeader = { headers: {} };
  const body = { batch: [track()] };

  test("are found in all five places, and the earlier place wins", () => {
    const basic = (text: string) => ({ headers: { authorization: `Basic ${btoa(text)}` } });
    expect(send({ ...body, writeKey: "WK" }, basic("SK:")).source).toBe("shop");
    expect(send(body, basic("SK")).source).toBe("shop");
    expect(send(body, { headers: { authorization: `basic ${btoa("WK:ignored")}` } }).source).toBe(
      "web",
    );
    const bearer = { headers: { authorization: "Bearer oauth" } };
    expect(send({ ...body, writeKey: "WK" }, bearer).source).toBe("web");
    expect(send({ ...body, writeKey: "WK" }, noHeader).source).toBe("web");
    const inEvents = { batch: [track(), track({ writeKey: "WK" })] };
    expect(send(inEvents, noHeader).source).toBe("web");
    expect(send({ ...inEvents, writeKey: "SK" }, noHeader).source).toBe("shop");
    expect(send(body, { ...noHeader, query: { writeKey: "WK" } }).source).toBe("web");
    expect(send(inEvents, { ...noHeader, query: { writeKey: "SK" } }).source).toBe("web");
    const single = { ...requestOf("segment-single", track({ writeKey: "WK" })), ...noHeader };
    expect(accept(single, context).source).toBe("web");
  });

  test("that are missing or unknown refuse the request", () => {
    expect(codeOf(() => send(body, noHeader))).toBe("keyMissing 401");
    expect(codeOf(() => send(body, { headers: { authorization: "Bearer x" } }))).toBe(
      "keyMissing 401",
    );
    expect(codeOf(() => send(body, { headers: { authorization: `Basic ${btoa(":x")}` } }))).toBe(
      "keyMissing 401",
    );
    expect(codeOf(() => send({ ...body, writeKey: "no" }, noHeader))).toBe("keyUnknown 401");
    expect(codeOf(() => send({ ...body, writeKey: "__proto__" }, noHeader))).toBe("keyUnknown 401");
    const wrong = { headers: { authorization: `Basic ${btoa("no:")}` } };
    expect(codeOf(() => send("not json", wrong))).toBe("keyUnknown 401");
  });

  test("are not asked of a way in that knows its source", () => {
    const source = { name: "import", writeKey: "x", kind: "server" } as const;
    expect(send(body, { ...noHeader, source }).source).toBe("import");
  });

  test("are never kept", () => {
    const answer = send({ batch: [track({ writeKey: "WK" }), { writeKey: "WK" }] });
    expect(JSON.stringify(answer.records)).not.toContain("WK");
  });

  test("that two sources share are an error of the configuration", () => {
    const source = { name: "a", writeKey: "k", kind: "server" } as const;
    expect(() => sourcesOf([source, { ...source, name: "b" }])).toThrow("same write key");
    expect(() => sourcesOf([source, { ...source, writeKey: "l" }])).toThrow("two sources");
    expect(() => sourcesOf([{ ...source, writeKey: "" }])).toThrow("empty write key");
  });
});

describe("content encodings", () => {
  const plain = bytes({ batch: [track()] });

  test("are undone", () => {
    const ways = [
      ["gzip", gzipSync(plain)],
      ["GZIP", gzipSync(plain)],
      ["x-gzip", gzipSync(plain)],
      ["deflate", deflateSync(plain)],
      ["deflate", deflateRawSync(plain)],
      ["br", brotliCompressSync(plain)],
      ["identity", plain],
    ] as const;
    for (const [name, body] of ways) expect(send(body, encoded(name)).accepted).toBe(1);
  });

  test("that are unknown or broken refuse the request", () => {
    expect(codeOf(() => send(plain, encoded("zip")))).toBe("bodyEncodingUnknown 400");
    expect(codeOf(() => send(plain, encoded("gzip")))).toBe("bodyInflateFailed 400");
    const cut = (whole: Buffer) => whole.subarray(0, whole.length - 9);
    expect(codeOf(() => send(cut(gzipSync(plain)), encoded("gzip")))).toBe("bodyInflateFailed 400");
    expect(codeOf(() => send(cut(deflateSync(plain)), encoded("deflate")))).toBe(
      "bodyInflateFailed 400",
    );
    expect(codeOf(() => send(cut(brotliCompressSync(plain)), encoded("br")))).toBe(
      "bodyInflateFailed 400",
    );
    expect(codeOf(() => send(new Uint8Array(), encoded("gzip")))).toBe("bodyInflateFailed 400");
  });

  test("a bomb stops at the limit", () => {
    const bomb = gzipSync(Buffer.alloc(200 * limits.bodyBytesMax));
    expect(bomb.length).toBeLessThan(limits.bodyBytesMax);
    expect(codeOf(() => send(bomb, encoded("gzip")))).toBe("bodyTooLarge 413");
    // Whoever inflated on would find the end missing.
    const endless = bomb.subarray(0, bomb.length - 9);
    expect(codeOf(() => send(endless, encoded("gzip")))).toBe("bodyTooLarge 413");
    const others = Buffer.alloc(4 * limits.bodyBytesMax);
    expect(codeOf(() => send(brotliCompressSync(others), encoded("br")))).toBe("bodyTooLarge 413");
    expect(codeOf(() => send(deflateSync(others), encoded("deflate")))).toBe("bodyTooLarge 413");
  });
});

describe("bodies", () => {
  test("of 600 KB are fine, at the limit too, and one byte more is not", () => {
    const event = track({ properties: { text: "x".repeat(30_000) } });
    expect(send({ batch: Array.from({ length: 20 }, () => event) }).accepted).toBe(20);
    const padded = (length: number) => bytes(JSON.stringify({ batch: [track()] }).padEnd(length));
    expect(send(padded(limits.bodyBytesMax)).accepted).toBe(1);
    expect(codeOf(() => send(padded(limits.bodyBytesMax + 1)))).toBe("bodyTooLarge 413");
    const zipped = (length: number) => send(gzipSync(padded(length)), encoded("gzip"));
    expect(zipped(limits.bodyBytesMax).accepted).toBe(1);
    expect(codeOf(() => zipped(limits.bodyBytesMax + 1))).toBe("bodyTooLarge 413");
  });

  test("that are not JSON or not UTF-8 refuse the request", () => {
    for (const body of ["", "{", "{}x", "batch=1", "NaN"]) {
      expect(codeOf(() => send(body))).toBe("bodyNotJson 400");
    }
    expect(codeOf(() => send(Uint8Array.of(0x22, 0xc3, 0x28, 0x22)))).toBe("bodyNotUtf8 400");
    expect(codeOf(() => send(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)))).toBe("bodyNotUtf8 400");
  });

  test("are JSON whatever the content type says, also after a byte order mark", () => {
    const headers = { authorization: `Basic ${btoa("SK:")}`, contentType: "text/plain" };
    expect(send({ batch: [track()] }, { headers }).accepted).toBe(1);
    expect(send(`\ufeff${JSON.stringify({ batch: [track()] })}`).accepted).toBe(1);
  });

  test("of another shape refuse the request", () => {
    for (const body of [{}, [], [track()], null, 1, '"x"', { batch: {} }, { batch: null }]) {
      expect(codeOf(() => send(body))).toBe("bodyShape 400");
    }
    for (const body of [[], null, 1, '"x"']) {
      const request = requestOf("segment-single", body, { type: "track" });
      expect(codeOf(() => accept(request, context))).toBe("bodyShape 400");
    }
    for (const body of [null, 1, '"x"', true]) {
      expect(codeOf(() => accept(requestOf("native", body), context))).toBe("bodyShape 400");
    }
  });

  test("may hold 10,000 events and not one more", () => {
    const events = (count: number) => ({ batch: Array.from({ length: count }, () => 0) });
    expect(send(events(limits.batchEventsMax)).rejected).toHaveLength(limits.batchEventsMax);
    expect(codeOf(() => send(events(limits.batchEventsMax + 1)))).toBe("batchTooLong 400");
    expect(send({ batch: [] })).toMatchObject({ records: [], accepted: 0, rejected: [] });
  });

  test("cannot blow the log up with a context that each event is stored with", () => {
    const context = { text: "x".repeat(20_000) };
    const events = (count: number) => Array.from({ length: count }, () => track());
    expect(send({ batch: events(100), context }).accepted).toBe(100);
    expect(codeOf(() => send({ batch: events(5000), context }))).toBe("bodyTooLarge 413");
  });

  test("nested 100,000 deep never reach the stack", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const answer = send(`{"batch":[${deep},{"a":${deep}},${JSON.stringify(track())}]}`);
    expect(answer.rejected.map((one) => one.code)).toEqual(["eventNotObject", "eventTooLarge"]);
    expect(answer.accepted).toBe(1);
    expect(() => JSON.stringify(answer.records)).not.toThrow();
    expect(codeOf(() => send(`{"batch":[],"context":{"a":${deep}}}`))).toBe("nothing thrown");
    expect(codeOf(() => send(deep))).toBe("bodyShape 400");
  });
});

test("telemetry is counted and its shape never refused", () => {
  expect(countTelemetry(bytes({ series: [{}, {}] }))).toBe(2);
  expect(countTelemetry(gzipSync(bytes({ series: [{}] })), "gzip")).toBe(1);
  for (const body of [{}, [], null, { series: 1 }]) expect(countTelemetry(bytes(body))).toBe(0);
  expect(codeOf(() => countTelemetry(bytes("x")))).toBe("bodyNotJson 400");
});

test("settings name this host for events and telemetry, so that nothing goes to Segment", () => {
  const settings = settingsFor(
    { writeKey: "WK", host: "cdp.example:8080", protocol: "http" },
    sources,
  );
  expect(settings).toMatchObject({
    integrations: {
      "Segment.io": { apiKey: "WK", apiHost: "cdp.example:8080/v1", protocol: "http" },
    },
    plan: { track: { __default: { enabled: true } } },
    metrics: { sampleRate: 0, host: "cdp.example:8080/v1" },
  });
  const unknown = { writeKey: "no", host: "h", protocol: "https" } as const;
  expect(codeOf(() => settingsFor(unknown, sources))).toBe("keyUnknown 401");
});
