/** Any bytes where messages with a schema id are expected: an answer, a record for each event, and a ledger that adds up. */
import type { Json } from "@freshet/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SchemaType } from "../../src/schema/index.ts";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { isBalanced, post, prefixed, types, type Writer, writerOf } from "./framed-fixture.ts";
import { avro, openRegistryFixture, type RegistryFixture } from "./registry-fixture.ts";

const rounds = Number(process.env.FRESHET_RUNS ?? 400);

let fixture: RegistryFixture;
beforeEach(async () => {
  fixture = await openRegistryFixture();
});
afterEach(() => fixture.close());

interface Case {
  readonly type: SchemaType;
  readonly schema: string;
  readonly message?: string;
  readonly value: Json;
}

const list = (items: unknown) => ({ type: "array", items });
const inner = { type: "record", name: "In", fields: [{ name: "next", type: ["null", "In"] }] };
const empty = { type: "record", name: "Empty", fields: [{ name: "n", type: "null" }] };
const logical = (type: string, logicalType: string, more: object = {}) => ({
  type: { type, logicalType, ...more },
});

const cases: readonly Case[] = [
  {
    type: "AVRO",
    schema: avro(
      "All",
      { name: "user_id", type: ["null", "string", "long"] },
      { name: "timestamp", ...logical("long", "timestamp-nanos") },
      { name: "price", ...logical("bytes", "decimal", { precision: 40, scale: 3 }) },
      { name: "id", ...logical("string", "uuid") },
      { name: "day", ...logical("int", "date") },
      { name: "clock", ...logical("long", "time-micros") },
      { name: "double", type: "double" },
      { name: "float", type: "float" },
      { name: "bytes", type: "bytes" },
      { name: "fixed", type: { type: "fixed", name: "F", size: 3 } },
      { name: "symbol", type: { type: "enum", name: "E", symbols: ["A", "B"] } },
      { name: "items", type: list(["string", "boolean", list("int")]) },
      { name: "inner", type: inner },
      { name: "empties", type: list(empty) },
      { name: "map", type: { type: "map", values: ["null", "double"] } },
    ),
    value: {
      ...{ user_id: "ana", timestamp: "2026-05-04T10:00:00.000000001Z", price: "12.500" },
      ...{
        id: "6f6e6465-7220-4a6f-8000-000000000001",
        day: "2026-05-04",
        clock: "10:00:00.000001",
      },
      ...{ double: 0.1, float: 0.5, bytes: "AAEC", fixed: "AAEC", symbol: "B" },
      ...{ items: ["a", true, [1, 2]], inner: { next: { next: null } }, map: { a: null, b: 2 } },
      empties: [{ n: null }, { n: null }],
    },
  },
  {
    type: "AVRO",
    schema: avro(
      "Native",
      { name: "event_type", type: "string" },
      { name: "user_id", type: "string" },
      { name: "metadata", type: { type: "map", values: "string" } },
    ),
    value: { event_type: "E", user_id: "u", metadata: { a: "b" } },
  },
  { type: "AVRO", schema: JSON.stringify(list("null")), value: [null, null] },
  {
    type: "PROTOBUF",
    message: "M",
    schema: `syntax = "proto2";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
message Before { optional int32 a = 1; }
message M {
  required string user_id = 1;
  optional google.protobuf.Timestamp timestamp = 2;
  optional google.protobuf.Struct more = 3;
  repeated E symbols = 4 [packed = true];
  map<string, M> parts = 5;
  optional M next = 6;
  optional group Pair = 7 { optional sint64 left = 1; optional double right = 2; }
  optional bytes raw = 8;
  oneof one { bool yes = 9; fixed64 no = 10; }
  enum E { ZERO = 0; ONE = 1; }
}`,
    value: {
      ...{ user_id: "ana", timestamp: "2026-05-04T10:00:00Z", more: { a: [1, { b: null }] } },
      ...{ symbols: ["ONE", "ZERO"], parts: { p: { user_id: "x" } }, next: { user_id: "y" } },
      ...{ raw: "AAEC", yes: true },
    },
  },
  {
    type: "JSON",
    schema: JSON.stringify({
      title: "Node",
      type: "object",
      properties: { user_id: { type: "string", format: "email" }, next: { $ref: "#" } },
      patternProperties: { "^x+$": { type: "array", items: { $ref: "#" } } },
    }),
    value: { user_id: "ana@shop.example", next: { next: {} }, xx: [{}, { a: 1 }] },
  },
];

const intervals = [0, 1, 2, 127, 128, 254, 255];

/** Nearly right: bytes changed, cut, doubled, put in, or another id. */
function broken(random: Random, right: Uint8Array): Uint8Array {
  let bytes = Buffer.from(right);
  for (let changes = random.below(4); changes >= 0; changes--) {
    const at = random.below(bytes.length + 1);
    const byte = random.chance(0.5) ? random.pick(intervals) : random.below(256);
    switch (random.below(6)) {
      case 0:
        bytes = bytes.subarray(0, at);
        break;
      case 1:
        bytes = Buffer.concat([bytes, bytes.subarray(at)]);
        break;
      case 2:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.alloc(random.below(60), byte),
          bytes.subarray(at),
        ]);
        break;
      default:
        if (at < bytes.length) bytes[at] = byte;
    }
  }
  return bytes;
}

function messageOf(random: Random, writers: readonly (readonly [Writer, Json])[]): Uint8Array {
  const [writer, value] = random.pick(writers);
  const right = writer.write(value);
  if (random.chance(0.2)) return right;
  if (random.chance(0.1))
    return Buffer.from(Array.from({ length: random.below(40) }, () => random.below(256)));
  // Of another schema: bytes that are right for somebody else.
  if (random.chance(0.1)) {
    const other = Buffer.from(right);
    other.writeUInt32BE(random.below(writers.length + 2), 1);
    return other;
  }
  return random.chance(0.3)
    ? broken(random, right)
    : Buffer.concat([right.subarray(0, 5), broken(random, right.subarray(5))]);
}

const media = Object.values(types);
const attributes = {
  ...{
    "ce-id": "1",
    "ce-source": "/s",
    "ce-type": "T",
    "ce-specversion": "1.0",
    "ce-subject": "u",
  },
};

/** Sends messages in one of the ways that there are; returns how many events those were. */
async function send(random: Random, messages: readonly Uint8Array[], about: string) {
  const type = random.pick(media);
  const query = random.chance(0.7) ? about : "";
  const [first = new Uint8Array()] = messages;
  switch (random.below(5)) {
    case 0:
      return { answer: await post(fixture, type, first, { query }), events: 1 };
    case 1:
      return { answer: await post(fixture, type, first, { headers: attributes }), events: 1 };
    case 2: {
      const batch = messages.map((message, index) => ({
        ...{ specversion: "1.0", id: `${index}`, source: "/s", type: "T", subject: "u" },
        datacontenttype: type,
        data_base64: Buffer.from(message).toString("base64"),
      }));
      const body = JSON.stringify(batch);
      const answer = await post(fixture, "application/cloudevents-batch+json", body);
      return { answer, events: batch.length };
    }
    case 3: {
      const body = broken(random, prefixed(messages));
      return {
        answer: await post(fixture, `${type}; framing=length-prefixed`, body),
        events: null,
      };
    }
    default: {
      const headers = { "content-type": `${type}; framing="length-prefixed"` };
      const body = prefixed(messages);
      return { answer: await post(fixture, "", body, { headers, query }), events: messages.length };
    }
  }
}

test(
  "whatever comes is answered, and nothing is counted twice or lost",
  () =>
    withSeed(import.meta.url, async (seed) => {
      const random = randomOf(seed);
      const writers: (readonly [Writer, Json])[] = [];
      for (const { type, schema, message, value } of cases)
        writers.push([
          await writerOf(fixture, type, schema, message === undefined ? {} : { message }),
          value,
        ]);
      let received = 0;
      let taken = 0;
      for (let round = 0; round < rounds; round++) {
        const messages = Array.from({ length: 1 + random.below(8) }, () =>
          messageOf(random, writers),
        );
        const about = "?event_type=T&user_id=u";
        const { answer, events } = await send(random, messages, about);
        const { status, body } = answer;
        const logged = fixture.lines.filter((line) => line.includes("unexpected error"));
        expect([200, 400], `${JSON.stringify(body)}\n${logged.join("")}`).toContain(status);
        if (body.accepted === undefined) {
          expect(body.error.code, JSON.stringify(body)).toMatch(/^(bodyShape|batchTooLong)$/);
          continue;
        }
        const count = body.accepted + body.rejected.length;
        if (events !== null) expect(count).toBe(events);
        for (const one of body.rejected) expect(one.code).not.toBe("internal");
        received += count;
        taken += body.accepted;
      }
      await fixture.engine.drain();
      const ledger = fixture.engine.ledger();
      expect(isBalanced(fixture)).toBe(true);
      expect(ledger).toMatchObject({ received, inFlight: 0 });
      expect(ledger.applied + ledger.duplicate).toBe(taken);
      expect(taken).toBeGreaterThan(rounds / 10);
      expect(ledger.rejected).toBeGreaterThan(rounds / 10);
      expect(fixture.lines.filter((line) => line.includes("unexpected error"))).toEqual([]);
    }),
  30_000 + rounds * 60,
);
