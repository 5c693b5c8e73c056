import { gzipSync } from "node:zlib";
import { limits } from "@freshet/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { frame } from "../../src/schema/index.ts";
import { ask, basic, secret, writeKey } from "./fixture.ts";
import {
  isBalanced,
  loggedEvents,
  post,
  prefixed,
  types,
  type Writer,
  writerOf,
} from "./framed-fixture.ts";
import { avro, openRegistryFixture, type RegistryFixture, register } from "./registry-fixture.ts";

let fixture: RegistryFixture;
beforeEach(async () => {
  fixture = await openRegistryFixture();
});
afterEach(() => fixture.close());

const optional = (type: unknown) => ({ type: ["null", type], default: null });
const nativeAvro = avro(
  "ProductEvent",
  { name: "event_id", type: "string" },
  { name: "event_type", type: "string" },
  { name: "user_id", ...optional("string") },
  { name: "anonymous_id", ...optional("string") },
  { name: "timestamp", type: { type: "long", logicalType: "timestamp-millis" } },
  { name: "metadata", type: { type: "map", values: ["string", "double"] } },
);
const viewed = (id: string) => ({
  event_id: id,
  event_type: "Product Viewed",
  user_id: "ana",
  anonymous_id: null,
  timestamp: "2026-05-04T10:00:00.500Z",
  metadata: { product_id: "p1", price: 19.5 },
});

const orderAvro = avro(
  "OrderPaid",
  { name: "user_id", type: "string" },
  { name: "total", type: { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 } },
  { name: "number", type: "long" },
  { name: "photo", type: "bytes" },
  { name: "day", type: { type: "int", logicalType: "date" } },
  { name: "timestamp", type: { type: "long", logicalType: "timestamp-micros" } },
);
const paid = {
  user_id: "ben",
  total: "12.50",
  number: "9007199254740993",
  photo: "AAEC",
  day: "2026-05-04",
  timestamp: "2026-05-04T10:00:00.000001Z",
};

const orderProto = `syntax = "proto3";
package shop;
message Other { string a = 1; }
message Order {
  string user_id = 1;
  double total = 2;
  repeated string items = 3;
  message Line { string sku = 1; }
}
`;

describe("a message with a schema id", () => {
  test("in Avro is a native event where it has an event_type", async () => {
    const { id, write } = await writerOf(fixture, "AVRO", nativeAvro);
    const answer = await post(fixture, types.AVRO, write(viewed("e1")));
    expect(answer).toMatchObject({ status: 200, body: { accepted: 1, rejected: [] } });
    const [event] = await loggedEvents(fixture);
    expect(event).toMatchObject({
      ...{ id: "e1", type: "track", name: "Product Viewed", userId: "ana", source: "web" },
      time: Date.parse("2026-05-04T10:00:00.500Z"),
      properties: { product_id: "p1", price: 19.5 },
      notes: [`schemaId:${id}`],
    });
    const profile = await ask(fixture, "/v1/profiles/ana", { headers: secret });
    expect(profile.body.features.productViews).toBe(1);
    const journey = await ask(fixture, "/v1/events/e1", { headers: secret });
    expect(journey.body.steps).toContainEqual(
      expect.objectContaining({ stage: "accepted", notes: [`schemaId:${id}`] }),
    );
  });

  test("is the properties of an event otherwise, named as its schema is, with plain values", async () => {
    const { write } = await writerOf(fixture, "AVRO", orderAvro);
    expect((await post(fixture, "avro/binary", write(paid))).status).toBe(200);
    const [event] = await loggedEvents(fixture);
    expect(event).toMatchObject({
      ...{ name: "OrderPaid", userId: "ben", properties: paid },
      time: Date.parse("2026-05-04T10:00:00.000Z"),
    });
  });

  test("takes its name, its ids and its time from the query where that says them", async () => {
    const { write } = await writerOf(fixture, "AVRO", orderAvro);
    const query =
      "?event_type=Order%20Completed&event_id=o1&anonymous_id=a1&timestamp=2026-05-03T00:00:00Z";
    const answer = await post(fixture, types.AVRO, write({ ...paid, user_id: "" }), { query });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({ code: "contractViolated" });
    const other = `${query.replace("Order%20Completed", "Paid")}&schema_version=7`;
    await post(fixture, types.AVRO, write({ ...paid, user_id: "" }), { query: other });
    const [event] = await loggedEvents(fixture);
    expect(event).toMatchObject({ name: "Paid", id: "o1", anonymousId: "a1", version: 7 });
    expect(event?.userId).toBeUndefined();
    expect(event?.time).toBe(Date.parse("2026-05-03T00:00:00Z"));
  });

  test("in Protobuf is of the message that its indexes name", async () => {
    const value = { user_id: "cara", total: 3.5, items: ["a"] };
    const order = await writerOf(fixture, "PROTOBUF", orderProto, { message: "Order" });
    expect((await post(fixture, types.PROTOBUF, order.write(value))).status).toBe(200);
    const line = await writerOf(fixture, "PROTOBUF", orderProto, { message: "Order.Line" });
    const query = "?user_id=cara";
    await post(fixture, "application/protobuf", line.write({ sku: "s" }), { query });
    expect(await loggedEvents(fixture)).toMatchObject([
      { name: "Order", userId: "cara", properties: value },
      { name: "Line", userId: "cara", properties: { sku: "s" } },
    ]);
  });

  test("in Protobuf says nothing where a field that tells whose and when it is was left out", async () => {
    const fields = "int64 user_id = 1; int64 timestamp = 2; string event_id = 3; int32 total = 4;";
    const schema = `syntax = "proto3"; message Paid { ${fields} }
message Native { ${fields} string event_type = 5; }`;
    const paid = await writerOf(fixture, "PROTOBUF", schema, { message: "Paid" });
    const native = await writerOf(fixture, "PROTOBUF", schema, { message: "Native" });
    const query = "?anonymous_id=a1";
    await post(fixture, types.PROTOBUF, paid.write({}), { query });
    await post(fixture, types.PROTOBUF, native.write({ event_type: "E" }), { query });
    const answer = await post(fixture, types.PROTOBUF, native.write({ event_type: "E" }));
    expect(answer.body.error).toMatchObject({ code: "identifierMissing" });
    const said = { event_type: "E", user_id: 7, event_id: "e7", timestamp: 1777888800000 };
    await post(fixture, types.PROTOBUF, native.write(said));
    const events = await loggedEvents(fixture);
    expect(events).toMatchObject([
      { name: "Paid", anonymousId: "a1", properties: { total: 0 } },
      { name: "E", anonymousId: "a1" },
      { name: "E", userId: "7", id: "e7", time: 1777888800000 },
    ]);
    for (const { userId, time } of events.slice(0, 2)) {
      expect(userId).toBeUndefined();
      expect(time).toBeGreaterThan(1777888800000);
    }
  });

  test("in JSON is held against its schema", async () => {
    const { write, id } = await writerOf(fixture, "JSON", jsonSchema);
    expect((await post(fixture, types.any, write({ user_id: "dan", total: 5 }))).status).toBe(200);
    const wrong = Buffer.from(write({ user_id: "dan", total: 5 }));
    const text = wrong.toString("latin1").replace('"total":5', '"total":"x"');
    const answer = await post(fixture, types.any, Buffer.from(text, "latin1"));
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "schemaValue" } } });
    expect(await loggedEvents(fixture)).toMatchObject([{ name: "Invoice", userId: "dan" }]);
    const letters = await ask(fixture, "/v1/dead-letters", { headers: secret });
    expect(letters.body.deadLetters).toMatchObject([{ code: "schemaValue", schema: `id ${id}` }]);
  });

  test("is never looked for in a body of JSON, which says where to send it", async () => {
    const { write } = await writerOf(fixture, "JSON", jsonSchema);
    for (const type of ["application/json", "text/plain"]) {
      const answer = await post(fixture, type, write({ user_id: "dan", total: 5 }));
      expect(answer).toMatchObject({ status: 400, body: { error: { code: "bodyNotJson" } } });
      expect(answer.body.error.hint).toContain("application/vnd.freshet.framed");
    }
    expect(fixture.engine.ledger().received).toBe(0);
  });

  test("may be compressed", async () => {
    const { write } = await writerOf(fixture, "AVRO", nativeAvro);
    const headers = { "content-encoding": "gzip" };
    const answer = await post(fixture, types.AVRO, gzipSync(write(viewed("z1"))), { headers });
    expect(answer).toMatchObject({ status: 200, body: { accepted: 1 } });
  });

  test("needs a key before its schema is looked up", async () => {
    const answer = await post(fixture, types.AVRO, Buffer.from([0, 0, 0, 0, 9]), {
      headers: { authorization: "" },
    });
    expect(answer).toMatchObject({ status: 401, body: { error: { code: "keyMissing" } } });
  });
});

const jsonSchema = JSON.stringify({
  title: "Invoice",
  type: "object",
  properties: { user_id: { type: "string" }, total: { type: "number" } },
  required: ["user_id"],
});

describe("several messages in a body", () => {
  const many = `${types.AVRO}; framing=length-prefixed`;
  let writer: Writer;
  beforeEach(async () => {
    writer = await writerOf(fixture, "AVRO", nativeAvro);
  });

  test("are taken one by one, and those that cannot be read are refused alone", async () => {
    const good = ["e1", "e2", "e3"].map((id) => writer.write(viewed(id)));
    const unknown = Buffer.from(good[0] ?? []);
    unknown.writeUInt32BE(4711, 1);
    const messages = [
      good[0],
      unknown,
      good[1],
      good[1]?.subarray(0, -1),
      Buffer.concat([good[1] ?? Buffer.alloc(0), Buffer.from([0])]),
      Buffer.from([1, 2, 3]),
      new Uint8Array(0),
      Buffer.from("Obj\u0001 and so on"),
      good[2],
    ].map((message) => message ?? new Uint8Array());
    const answer = await post(fixture, many, prefixed(messages));
    expect(answer).toMatchObject({ status: 200, body: { success: true, accepted: 3 } });
    expect(
      answer.body.rejected.map((one: { index: number; code: string }) => [one.index, one.code]),
    ).toEqual([
      [1, "schemaUnknown"],
      [3, "schemaBytes"],
      [4, "schemaBytes"],
      [5, "schemaBytes"],
      [6, "schemaBytes"],
      [7, "schemaBytes"],
    ]);
    expect((await loggedEvents(fixture)).map(({ id }) => id)).toEqual(["e1", "e2", "e3"]);
    expect(fixture.engine.ledger()).toMatchObject({ received: 9, applied: 3, rejected: 6 });
    expect(isBalanced(fixture)).toBe(true);
  });

  test("get ids of the query's one and their places, so that a retry counts once", async () => {
    const order = await writerOf(fixture, "AVRO", orderAvro);
    const body = prefixed([order.write(paid), order.write(paid)]);
    for (let time = 0; time < 2; time++)
      await post(fixture, many, body, { query: "?event_id=batch-7" });
    const ids = (await loggedEvents(fixture)).map(({ id }) => id);
    expect(new Set(ids)).toEqual(new Set(["batch-7:0", "batch-7:1"]));
    expect(fixture.engine.ledger()).toMatchObject({ applied: 2, duplicate: 2 });
  });

  test("are refused as a whole where their lengths do not add up", async () => {
    const message = writer.write(viewed("e1"));
    const whole = prefixed([message, message]);
    for (const body of [whole.subarray(0, -1), Buffer.concat([whole, Buffer.from([0, 0])])]) {
      const answer = await post(fixture, many, body);
      expect(answer).toMatchObject({ status: 400, body: { error: { code: "bodyShape" } } });
      expect(answer.body.error.hint).toContain("framing=length-prefixed");
    }
    const other = await post(fixture, `${types.AVRO}; framing=varint`, whole);
    expect(other.body.error).toMatchObject({ code: "bodyShape" });
    expect(other.body.error.message).toContain('"varint"');
    expect(fixture.engine.ledger().received).toBe(0);
  });

  test("may be none, and one alone may not", async () => {
    const none = await post(fixture, many, new Uint8Array(0));
    expect(none).toMatchObject({ status: 200, body: { accepted: 0, rejected: [] } });
    const empty = await post(fixture, types.AVRO, new Uint8Array(0));
    expect(empty).toMatchObject({ status: 400, body: { error: { code: "bodyShape" } } });
  });

  test("are as many and of as many schemas as the limits say", async () => {
    const tiny = prefixed(Array.from({ length: 10_001 }, () => new Uint8Array(0)));
    const answer = await post(fixture, many, tiny);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "batchTooLong" } } });
    const ofId = (id: number) => {
      const message = Buffer.from(writer.write(viewed("e")));
      message.writeUInt32BE(id, 1);
      return message;
    };
    const ids = Array.from({ length: 65 }, (_, index) => 1000 + index);
    const few = await post(fixture, many, prefixed(ids.slice(1).map(ofId)));
    expect(few).toMatchObject({ status: 200, body: { accepted: 0 } });
    const tooMany = await post(fixture, many, prefixed(ids.map(ofId)));
    expect(tooMany).toMatchObject({ status: 400, body: { error: { code: "batchTooLong" } } });
    expect(tooMany.body.error.message).toContain("65 schemas");
  });
});

describe("the size of an event", () => {
  /** Each item is a byte, and a text of a hundred characters as JSON. */
  const symbol = "S".repeat(97);
  const items = { type: "array", items: { type: "enum", name: "E", symbols: [symbol] } };
  const schema = avro("Big", { name: "user_id", type: "string" }, { name: "a", type: items });
  const value = (count: number, userId = "u") => ({
    user_id: userId,
    a: Array.from({ length: count }, () => symbol),
  });

  test("is that of its JSON: taken at the limit, and refused with it past that", async () => {
    const { write } = await writerOf(fixture, "AVRO", schema);
    const query = "?event_type=E";
    const whole = { event_type: "E", user_id: "u", metadata: value(327) };
    const left = limits.eventBytesMax - JSON.stringify(whole).length;
    // The id stands twice: as the event's, and among its properties.
    const pad = "u".repeat(1 + Math.floor(left / 2));
    const atLimit = { ...whole, user_id: pad, metadata: value(327, pad) };
    expect(limits.eventBytesMax - JSON.stringify(atLimit).length).toBeLessThan(2);
    expect((await post(fixture, types.AVRO, write(value(327, pad)), { query })).status).toBe(200);
    const past = write(value(327, `${pad}u`));
    expect(past.length).toBeLessThan(1000);
    const answer = await post(fixture, types.AVRO, past, { query });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "eventTooLarge" } } });
    await fixture.engine.drain();
    const { body } = await ask(fixture, "/v1/dead-letters", { headers: secret });
    const letter = await ask(fixture, `/v1/dead-letters/${body.deadLetters[0].id}`, {
      headers: secret,
    });
    expect(letter.body.event.metadata.a).toHaveLength(327);
  });

  test("and that of the body count inflated, as for JSON", async () => {
    const headers = { "content-encoding": "gzip" };
    const bomb = gzipSync(Buffer.alloc(limits.bodyBytesMax + 1));
    const answer = await post(fixture, types.AVRO, bomb, { headers });
    expect(answer).toMatchObject({ status: 413, body: { error: { code: "bodyTooLarge" } } });
    const atLimit = gzipSync(Buffer.alloc(limits.bodyBytesMax));
    const other = await post(fixture, types.AVRO, atLimit, { headers });
    expect(other.body.error).toMatchObject({ code: "schemaUnknown" });
  });
});

describe("CloudEvents", () => {
  const attributes = {
    ...{ "ce-id": "1", "ce-source": "/s", "ce-type": "Order Paid", "ce-specversion": "1.0" },
    "ce-subject": "ana",
  };
  const event = {
    ...{ specversion: "1.0", id: "1", source: "/s", type: "Order Paid", subject: "ana" },
    datacontenttype: types.AVRO,
  };

  test("bring messages in their binary mode", async () => {
    const { id, write } = await writerOf(fixture, "AVRO", orderAvro);
    const headers = { ...attributes, "ce-dataschema": `https://r/schemas/ids/${id}` };
    const answer = await post(fixture, types.AVRO, write(paid), { headers });
    expect(answer).toMatchObject({ status: 200, body: { accepted: 1 } });
    expect(await loggedEvents(fixture)).toMatchObject([
      { id: "/s 1", name: "Order Paid", userId: "ana", properties: paid },
    ]);
  });

  test("bring them in their structured and batch modes", async () => {
    const { id, write } = await writerOf(fixture, "PROTOBUF", orderProto, { message: "Order" });
    const data_base64 = Buffer.from(write({ user_id: "x", total: 3 })).toString("base64");
    const proto = { ...event, datacontenttype: types.PROTOBUF, data_base64 };
    const json = "application/cloudevents+json";
    expect((await post(fixture, json, JSON.stringify(proto))).status).toBe(200);
    const batch = [
      { ...proto, id: "2" },
      { ...proto, id: "3", dataschema: `/schemas/ids/${id + 1}` },
      { ...event, id: "4", datacontenttype: "application/json", data: { a: 1 } },
    ];
    const type = "application/cloudevents-batch+json";
    const answer = await post(fixture, type, JSON.stringify(batch));
    expect(answer.body).toMatchObject({
      accepted: 2,
      rejected: [{ index: 1, code: "cloudEventAttribute" }],
    });
    expect(answer.body.rejected[0].message).toContain('"dataschema" names the schema');
    expect(await loggedEvents(fixture)).toMatchObject([
      { id: "/s 1", properties: { total: 3 }, notes: [`schemaId:${id}`] },
      { id: "/s 2", properties: { total: 3 } },
      { id: "/s 4", properties: { a: 1 } },
    ]);
  });

  test("keep data of these types that has no id as base64, as before", async () => {
    const bytes = Buffer.from([8, 1, 2, 3, 4, 5]);
    const answer = await post(fixture, types.AVRO, bytes, { headers: attributes });
    expect(answer.status).toBe(200);
    const [event] = await loggedEvents(fixture);
    expect(event?.properties).toEqual({ dataBase64: bytes.toString("base64") });
  });

  test("that are wrong keep their data in the dead letter", async () => {
    const { write } = await writerOf(fixture, "AVRO", orderAvro);
    const cut = write(paid).subarray(0, 9);
    const answer = await post(fixture, types.AVRO, cut, { headers: attributes });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "schemaBytes" } } });
    await fixture.engine.drain();
    const { body } = await ask(fixture, "/v1/dead-letters", { headers: secret });
    expect(body.deadLetters[0]).toMatchObject({
      messageId: "/s 1",
      event: { type: "Order Paid", data_base64: Buffer.from(cut).toString("base64") },
    });
  });
});

test("a content type that is not the schema's is refused, since other bytes could pass for a value", async () => {
  const { write } = await writerOf(fixture, "AVRO", nativeAvro);
  const answer = await post(fixture, types.PROTOBUF, write(viewed("e1")), { key: "SK" });
  expect(answer.body.error).toMatchObject({ code: "schemaBytes" });
  expect(answer.body.error.message).toContain("says Protobuf, but the schema is Avro");
});

test("a browser is told that a message was not read, and nothing of its schema", async () => {
  const schema = JSON.stringify({
    properties: { margin: { type: "number" } },
    required: ["margin"],
  });
  const id = await register(fixture, "internal", { schema, schemaType: "JSON" });
  const message = frame(id, Buffer.from("{}"));
  const told = async (key: string) =>
    (await post(fixture, types.any, message, { key })).body.error.message;
  expect(await told("SK")).toContain("margin");
  expect(await told(writeKey)).toBe(`the message cannot be read by the schema ${id}`);
});

test("a value that is no object is refused as one in JSON is", async () => {
  const { write } = await writerOf(fixture, "AVRO", '"string"');
  const answer = await post(fixture, types.AVRO, write("text"));
  expect(answer.body.error).toMatchObject({ code: "eventNotObject" });
});

test("other ways in do not take messages", async () => {
  const { write } = await writerOf(fixture, "AVRO", nativeAvro);
  const answer = await ask(fixture, "/v1/batch", {
    headers: { ...basic(writeKey), "content-type": types.AVRO },
    body: write(viewed("e1")),
  });
  expect(answer).toMatchObject({ status: 400, body: { error: { code: "bodyNotJson" } } });
});
