import { gzipSync } from "node:zlib";
import { FreshetError, type Json, limits, readJson } from "@freshet/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Accepted,
  accept,
  type CaptureRequest,
  compileContracts,
  parseTime,
} from "../../src/accept/index.ts";
import { partOf } from "../../src/core/event.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { contextWith, now, requestOf } from "./fixture.ts";

/** Prints the seed and a command that replays it when the property fails. */
function assertProperty<T>(property: fc.IProperty<T>): void {
  withSeed(import.meta.url, (seed) => fc.assert(property, { seed, numRuns }));
}

const numRuns = Number(process.env.FRESHET_RUNS ?? 1500);

/** Longer runs are asked for by hand. */
const timeoutMs = 10_000 + numRuns * 10;

const contracts = compileContracts([
  { name: "E", properties: { price: { kind: "number", optional: true } } },
]);

const shapes: CaptureRequest["shape"][] = [
  "segment-batch",
  "segment-single",
  "native",
  "import-rows",
];

/** Values that have broken pipelines before, among any JSON. */
const oddValue = fc.oneof(
  fc.constantFrom<unknown>(
    "",
    null,
    true,
    0,
    -0,
    1e21,
    2 ** 53,
    "9999-12-31",
    "1970-01-01",
    now,
    -1,
    "x".repeat(600),
  ),
  fc.constantFrom<unknown>("2026-05-04T11:00:00", "\ud800", "__proto__", {}, [], {
    __proto__: null,
  }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.jsonValue({ maxDepth: 4 }),
);

const segmentFields = [
  ...[
    "type",
    "event",
    "userId",
    "anonymousId",
    "messageId",
    "timestamp",
    "originalTimestamp",
    "sentAt",
  ],
  ...[
    "properties",
    "traits",
    "context",
    "integrations",
    "groupId",
    "previousId",
    "name",
    "_metadata",
    "other",
  ],
];
const nativeFields = [
  "event_id",
  "event_type",
  "user_id",
  "anonymous_id",
  "timestamp",
  "metadata",
  "context",
];

/** Mostly right, so that the later steps are reached, with odd values strewn in. */
function eventOf(fields: readonly string[], right: object): fc.Arbitrary<unknown> {
  const odd = fc.dictionary(
    fc.oneof(fc.constantFrom(...fields), fc.string({ maxLength: 8 })),
    oddValue,
    { maxKeys: 4 },
  );
  return fc.oneof(
    { weight: 4, arbitrary: odd.map((changes) => ({ ...right, ...changes })) },
    { weight: 1, arbitrary: oddValue },
  );
}

const types = fc.constantFrom("track", "identify", "page", "screen", "group", "alias", "Track");
const segmentEvent = types.chain((type) =>
  eventOf(segmentFields, { type, event: "E", userId: "u" }),
);
const nativeEvent = eventOf(nativeFields, {
  event_type: "E",
  user_id: "u",
  metadata: { price: 1 },
});

const body = fc.oneof(
  fc
    .array(fc.oneof(segmentEvent, nativeEvent), { maxLength: 8 })
    .chain((batch) =>
      fc.record(
        { batch: fc.constant(batch), context: oddValue, integrations: oddValue, sentAt: oddValue },
        { requiredKeys: ["batch"] },
      ),
    ),
  fc.array(nativeEvent, { maxLength: 8 }),
  segmentEvent,
  nativeEvent,
  oddValue,
);

/** As the wire has it: numbers that JSON cannot write are written, and lone surrogates escaped. */
const hostileText = fc
  .tuple(
    body,
    fc.constantFrom<[string, string]>(
      ["", ""],
      ['"price":1', '"price":1e400'],
      ['"u"', '"\\ud800"'],
      ['"other"', '"__proto__"'],
    ),
  )
  .map(([value, [from, to]]) =>
    (JSON.stringify(value) ?? "null").replaceAll(from === "" ? "\u0000" : from, to),
  );

function eventsIn(shape: CaptureRequest["shape"], text: string): number {
  const parsed = readJson(text) as Json;
  if (shape === "segment-single") return 1;
  if (Array.isArray(parsed)) return parsed.length;
  const batch =
    typeof parsed === "object" && parsed !== null && "batch" in parsed ? parsed.batch : null;
  return Array.isArray(batch) ? batch.length : 1;
}

function tryAccept(request: CaptureRequest): Accepted | FreshetError {
  try {
    return accept(request, contextWith({ contracts }));
  } catch (error) {
    if (error instanceof FreshetError) return error;
    throw error;
  }
}

/** JSON gives everything back, so that any store can. */
function expectStorable(value: unknown): void {
  expect(readJson(JSON.stringify(value))).toStrictEqual(value);
  JSON.parse(JSON.stringify(value), (key, part) => {
    expect(key).not.toBe("__proto__");
    for (const text of [key, part]) {
      if (typeof text === "string") expect(Buffer.from(text).toString()).toBe(text);
    }
    return part;
  });
}

test(
  "any JSON body gives a record for each event or a FreshetError, deterministically",
  () => {
    assertProperty(
      fc.property(fc.constantFrom(...shapes), hostileText, fc.boolean(), (shape, text, browser) => {
        const key = browser ? "WK:" : "SK:";
        const headers = { authorization: `Basic ${btoa(key)}` };
        const request = requestOf(shape, text, {
          headers,
          remoteAddress: "1.2.3.4",
          ...(shape === "segment-single" && { type: "track" }),
        });
        const answer = tryAccept(request);
        if (answer instanceof FreshetError) return;
        expect(answer.accepted + answer.rejected.length).toBe(eventsIn(shape, text));
        expect(answer.records).toHaveLength(answer.accepted + answer.rejected.length);
        expectStorable(answer.records);
        for (const record of answer.records) {
          if (record.kind !== "event") continue;
          expect(record.key).toBe(partOf(record.event));
          expect(record.event.time).toBeLessThanOrEqual(now);
          expect(record.event.time).toBeGreaterThanOrEqual(limits.eventTimeMsMin);
          expect(record.event.id.length).toBeGreaterThan(0);
        }
        expect(tryAccept(request)).toStrictEqual(answer);
      }),
    );
  },
  timeoutMs,
);

test(
  "any bytes, plain or compressed, give an answer or a FreshetError",
  () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }).map((plain) => new Uint8Array(gzipSync(plain))),
      hostileText.map((text) => new Uint8Array(Buffer.from(text))),
    );
    const encoding = fc.constantFrom(undefined, "gzip", "deflate", "br");
    assertProperty(
      fc.property(bytes, encoding, fc.nat(), (body, contentEncoding, place) => {
        const damaged = Uint8Array.from(body);
        if (damaged.length > 0) damaged[place % damaged.length] = place & 255;
        const headers = { authorization: `Basic ${btoa("SK:")}`, contentEncoding };
        tryAccept(requestOf("segment-batch", damaged, { headers }));
      }),
    );
  },
  timeoutMs,
);

test(
  "times read as Date.parse reads what Date prints",
  () => {
    const date = fc.date({
      min: new Date("0000-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59.999Z"),
      noInvalidDate: true,
    });
    assertProperty(
      fc.property(date, (date) => {
        expect(parseTime(date.toISOString())).toBe(date.getTime());
      }),
    );
  },
  timeoutMs,
);
