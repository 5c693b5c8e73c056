import type { Json } from "@freshet/protocol";
import { describe, expect, it } from "vitest";
import {
  type CodecOptions,
  parseSchema,
  payloadCodecOf,
  payloadReaderOf,
  type SchemaType,
} from "../../src/schema/index.ts";

/** What is read of a value that a writer wrote. */
function read(type: SchemaType, text: string, value: Json, options: CodecOptions = {}): Json {
  const schema = parseSchema(type, text);
  const payload = payloadCodecOf(schema, options).encode(value);
  return payloadReaderOf(schema).read(payload, { items: 0 });
}

const proto = `syntax = "proto3";
import "google/protobuf/wrappers.proto";
import "google/protobuf/timestamp.proto";
message Order {
  int64 cents = 1;
  bool paid = 2;
  string note = 3;
  bytes raw = 4;
  double rate = 5;
  State state = 6;
  repeated uint64 counts = 7;
  map<string, sint64> parts = 8;
  optional int64 said = 9;
  Order next = 10;
  google.protobuf.Int64Value wrapped = 11;
  google.protobuf.Timestamp at = 12;
  oneof one { fixed64 left = 13; string right = 14; }
  map<string, Line> lines = 15;
  enum State { OPEN = 0; DONE = 1; }
}
message Line { sfixed64 amount = 1; }
`;
const zeros = {
  ...{ cents: 0, paid: false, note: "", raw: "", rate: 0, state: "OPEN" },
  ...{ counts: [], parts: {}, lines: {} },
};

describe("a message of Protobuf", () => {
  it("has the zero of each field without presence, and nothing where presence says so", () => {
    expect(read("PROTOBUF", proto, {})).toEqual(zeros);
    expect(read("PROTOBUF", proto, { next: {}, said: 0 })).toEqual({
      ...zeros,
      said: 0,
      next: zeros,
    });
  });

  it("has whole numbers of 64 bits as numbers up to 2^53, and as texts beyond", () => {
    const value = {
      ...{ cents: 9007199254740991, counts: ["9007199254740993", 5], parts: { a: -5 } },
      ...{ said: "-9007199254740993", wrapped: 7, left: 8, at: "2026-05-04T10:00:00Z" },
      ...{ lines: { x: { amount: 9 } }, next: { cents: 1 } },
    };
    expect(read("PROTOBUF", proto, value)).toEqual({
      ...zeros,
      ...value,
      next: { ...zeros, cents: 1 },
    });
  });

  it("has no zeros in proto2, where every field has presence", () => {
    const text = 'syntax = "proto2"; message M { optional int64 a = 1; repeated int32 b = 2; }';
    expect(read("PROTOBUF", text, {})).toEqual({ b: [] });
    expect(read("PROTOBUF", text, { a: 0 })).toEqual({ a: 0, b: [] });
  });

  it("is named as it is in its file", () => {
    const schema = parseSchema("PROTOBUF", proto);
    const payload = payloadCodecOf(schema, { message: "Line" }).encode({});
    expect(payloadReaderOf(schema).nameOf(payload)).toBe("Line");
    expect(() => payloadReaderOf(schema).nameOf(Uint8Array.of(4, 2))).toThrow(/indexes/);
    const overlong = Uint8Array.of(2, ...Array(11).fill(255));
    expect(() => payloadReaderOf(schema).nameOf(overlong)).toThrow(/indexes/);
    expect(() => payloadReaderOf(schema).nameOf(Uint8Array.of(2, 20))).toThrow(/no message/);
  });
});

describe("the name of a value", () => {
  const nameOf = (type: SchemaType, text: string) =>
    payloadReaderOf(parseSchema(type, text)).nameOf(new Uint8Array());

  it("is the record of Avro without its namespace, and the title of a JSON Schema", () => {
    const record = { type: "record", name: "Order", namespace: "shop.v1", fields: [] };
    expect(nameOf("AVRO", JSON.stringify(record))).toBe("Order");
    expect(nameOf("JSON", '{"title":"Order"}')).toBe("Order");
  });

  it("is not there where the schema has none", () => {
    expect(nameOf("AVRO", '"string"')).toBeUndefined();
    for (const text of ["{}", "true", '{"title":""}', '{"title":5}'])
      expect(nameOf("JSON", text), text).toBeUndefined();
  });
});

describe("a meter", () => {
  it("counts what was read of Avro, and not what was only claimed", () => {
    const schema = parseSchema("AVRO", '{"type":"array","items":"null"}');
    const { read: decode } = payloadReaderOf(schema);
    const whole = { items: 0 };
    decode(Uint8Array.of(6, 0), whole);
    expect(whole.items).toBe(4);
    const cut = { items: 0 };
    const claims = payloadReaderOf(parseSchema("AVRO", '{"type":"array","items":"long"}'));
    expect(() => claims.read(Uint8Array.of(0x80, 0x7d, 2, 2), cut)).toThrow(/ends within/);
    expect(cut.items).toBe(4);
  });

  it("counts the fields that a message of Protobuf gets", () => {
    const meter = { items: 0 };
    const schema = parseSchema("PROTOBUF", proto);
    payloadReaderOf(schema).read(payloadCodecOf(schema).encode({ next: {} }), meter);
    expect(meter.items).toBeGreaterThan(2 * Object.keys(zeros).length);
  });
});
