import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../src/adapters/log/payload/byte-writer.ts";
import { compactFormats, eventCodec } from "../../src/adapters/log/payload/codec.ts";
import { layoutOf } from "../../src/adapters/log/payload/event-layout.ts";
import {
  type EventSchema,
  readEvent,
  writeEvent,
} from "../../src/adapters/log/payload/event-payload.ts";
import { readRow, rowOf } from "../../src/adapters/log/payload/schema-row.ts";
import type { AcceptedEvent } from "../../src/core/event.ts";
import type { EventRecord } from "../../src/core/record.ts";
import { parseSchema, payloadCodecOf } from "../../src/schema/index.ts";
import { randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";
import { layout, randomRecord, randomValue } from "./payload-fixture.ts";
import { judgeOf } from "./payload-judge.ts";

const head = { avro: 5, protobuf: 6 } as const;

describe.each(compactFormats)("payloads in %s", (format) => {
  const schema: EventSchema = { id: 70_000, codec: eventCodec(format, layout) };
  const find = (id: number) => (id === schema.id ? schema : undefined);
  const encode = (record: EventRecord): Buffer | null => {
    const out = new ByteWriter(8);
    out.raw(Buffer.from("before"));
    return writeEvent(out, record, schema) ? Buffer.from(out.buffer.subarray(6, out.at)) : null;
  };
  const decode = (bytes: Buffer) =>
    readEvent({ batch: bytes, at: 0, end: bytes.length, format }, find);

  it("come back as what they were, with every key in its place", () =>
    withSeed(import.meta.url, (seed) => {
      const random = randomOf(seed);
      let written = 0;
      for (let round = 0; round < 4000; round++) {
        const record = randomRecord(random);
        const bytes = encode(record);
        if (bytes === null) continue;
        written++;
        const { key, event } = decode(bytes);
        expect(isDeepStrictEqual([key, event], [record.key, record.event])).toBe(true);
        expect(JSON.stringify(event)).toBe(JSON.stringify(record.event));
      }
      expect(written).toBeGreaterThan(1000);
    }));

  it("say the same to a library that has the schema's text alone", () =>
    withSeed(import.meta.url, (seed) => {
      const random = randomOf(seed);
      const judge = judgeOf(format, layout);
      let judged = 0;
      for (let round = 0; round < 1000; round++) {
        const record = randomRecord(random);
        // Both libraries assign keys, and one of them loses this one so.
        if (JSON.stringify(record).includes("__proto__")) continue;
        const bytes = encode(record);
        if (bytes === null) continue;
        judged++;
        const said = judge(bytes.subarray(head[format]));
        expect(isDeepStrictEqual(said, { ...record.event })).toBe(true);
      }
      expect(judged).toBeGreaterThan(100);
    }));

  it("have a schema that the registry takes, and reads them with", () => {
    const { text } = readRow(1, rowOf({ format, layout }));
    const parsed = parseSchema(format === "avro" ? "AVRO" : "PROTOBUF", text);
    const bytes = encode(plainRecord({ price: 12.5, product_id: "a" }));
    const value = payloadCodecOf(parsed).decode(bytes?.subarray(5) ?? Buffer.alloc(0));
    expect(value).toMatchObject({ id: "m1" });
    expect(JSON.stringify(value)).toMatch(/"product_id":.*"a".*12\.5/);
  });

  it("take a value of another type than its property's, and a null", () => {
    const properties = { price: "12 EUR", gift: null, quantity: 1.5, tags: { a: [] }, later: 1 };
    const record = plainRecord(properties);
    expect(decode(encode(record) ?? Buffer.alloc(0)).event).toStrictEqual(record.event);
  });

  it("take an event of a plan that came later, and of none", () => {
    const earlier = {
      id: 1,
      codec: eventCodec(format, layoutOf({ events: [], tables: [], joins: [] })),
    };
    const out = new ByteWriter(8);
    const record = plainRecord({ price: 1 });
    expect(writeEvent(out, record, earlier)).toBe(true);
    const bytes = { batch: out.buffer, at: 0, end: out.at, format };
    expect(readEvent(bytes, () => earlier).event).toStrictEqual(record.event);
  });

  it("leave to JSON what they cannot say", () => {
    const cannot: Partial<Record<keyof AcceptedEvent, unknown>>[] = [
      { id: "a\ud800" },
      { properties: { "\udc00": 1 } },
      { properties: { text: `${"x".repeat(100)}\ud800` } },
      { properties: { at: new Date(0) } },
      { properties: { list: [undefined] } },
      { properties: { big: 1n } },
      { properties: { price: Number.NaN } },
      { properties: nested(70) },
      { time: 0.5 },
      { time: 2 ** 53 },
      { userId: "somebody else" },
    ];
    const before = plainRecord({ a: 1 });
    for (const fields of cannot) {
      const record = { ...before, event: { ...before.event, ...fields } } as EventRecord;
      expect(encode(record), JSON.stringify(Object.keys(fields))).toBeNull();
      // What one event left behind is not in the next one.
      expect(decode(encode(before) ?? Buffer.alloc(0)).event).toStrictEqual(before.event);
    }
  });

  it("leave out what JSON leaves out", () => {
    const record = plainRecord({ a: undefined, price: undefined, b: { c: undefined } });
    expect(decode(encode(record) ?? Buffer.alloc(0)).event.properties).toStrictEqual({ b: {} });
  });

  it("are refused with a word about what is wrong, whatever the bytes are", () =>
    withSeed(import.meta.url, (seed) => {
      const random = randomOf(seed);
      let refused = 0;
      for (let round = 0; round < 4000; round++) {
        const bytes = encode(randomRecord(random));
        if (bytes === null) continue;
        const damaged = damage(bytes, random);
        try {
          decode(damaged);
        } catch (error) {
          refused++;
          expect(error).toMatchObject({ name: "PayloadDamaged" });
        }
      }
      expect(refused).toBeGreaterThan(500);
    }));

  it("are refused where their id stands for nothing, or for the other format", () => {
    const bytes = encode(plainRecord({})) ?? Buffer.alloc(0);
    const place = { batch: bytes, at: 0, end: bytes.length };
    expect(() => readEvent({ ...place, format }, () => undefined)).toThrow(
      "its schema 70000 is not in the log",
    );
    const other = format === "avro" ? "protobuf" : "avro";
    expect(() => readEvent({ ...place, format: other }, find)).toThrow(
      `its schema 70000 is for ${format}, not for ${other}`,
    );
  });
});

it("a layout of a plan without bounds stays one that is read, and its events are written", () => {
  const properties = Object.fromEntries(
    Array.from({ length: 300 }, (_, at) => [`property ${at}`, { kind: "string", optional: true }]),
  ) as { [name: string]: { kind: "string"; optional: true } };
  const names = Array.from({ length: 700 }, (_, at) => ({ name: `Event ${at}`, properties }));
  const large = layoutOf({ events: names, tables: [], joins: [] });
  const row = rowOf({ format: "avro", layout: large });
  expect(row.length).toBeLessThan(2_000_000);
  expect(readRow(1, row).text.length).toBeLessThan(1_048_576);
  const schema = { id: 1, codec: eventCodec("avro", readRow(1, row).layout) };
  for (const name of ["Event 0", "Event 699"]) {
    const before = plainRecord({ "property 299": "a", "property 0": "b" });
    const record = { ...before, event: { ...before.event, name } };
    const out = new ByteWriter(8);
    expect(writeEvent(out, record, schema)).toBe(true);
    const bytes = { batch: out.buffer, at: 0, end: out.at, format: "avro" as const };
    expect(JSON.stringify(readEvent(bytes, () => schema).event)).toBe(JSON.stringify(record.event));
  }
});

it("a row of a schema is read as what was written, and refused where it is none", () =>
  withSeed(import.meta.url, (seed) => {
    const row = rowOf({ format: "avro", layout });
    expect(readRow(3, row)).toMatchObject({ id: 3, format: "avro", layout });
    const random = randomOf(seed);
    const parsed = JSON.parse(row) as Record<string, unknown>;
    for (const name of ["version", "format", "layout"])
      for (let round = 0; round < 200; round++) {
        const value = randomValue(random);
        // A later version is told apart from damage.
        if (typeof value === "number" && value >= 1) continue;
        const changed = JSON.stringify({ ...parsed, [name]: value });
        expect(() => readRow(3, changed)).toThrow("schema 3 of the log cannot be read");
      }
    expect(() => readRow(3, row.slice(1))).toThrow("it is no JSON object");
  }));

function plainRecord(properties: object): EventRecord {
  return {
    kind: "event",
    partition: 1,
    at: 2,
    key: "user:u1",
    event: {
      id: "m1",
      type: "track",
      name: "Product Viewed",
      time: 1_795_255_849_381,
      source: "default",
      properties: properties as AcceptedEvent["properties"],
      userId: "u1",
    },
  };
}

function nested(depth: number): AcceptedEvent["properties"] {
  return depth === 0 ? {} : { a: nested(depth - 1) };
}

/** Flips, cuts, or puts in a byte. */
function damage(bytes: Buffer, random: ReturnType<typeof randomOf>): Buffer {
  const at = random.below(bytes.length);
  const kind = random.below(3);
  if (kind === 0) return bytes.subarray(0, at);
  if (kind === 1) {
    const changed = Buffer.from(bytes);
    changed[at] = random.below(256);
    return changed;
  }
  return Buffer.concat([bytes.subarray(0, at), Buffer.of(random.below(256)), bytes.subarray(at)]);
}
