/** Small messages that claim to be large, and values that no JSON has: each costs what an honest one does. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { frame } from "../../src/schema/index.ts";
import { ask, secret } from "./fixture.ts";
import { isBalanced, loggedEvents, post, prefixed, types } from "./framed-fixture.ts";
import { openRegistryFixture, type RegistryFixture, register } from "./registry-fixture.ts";

let fixture: RegistryFixture;
beforeEach(async () => {
  fixture = await openRegistryFixture();
});
afterEach(() => fixture.close());

const many = `${types.any}; framing=length-prefixed`;
const about = { query: "?event_type=Bomb&user_id=u", key: "SK" };
let subjects = 0;
const avro = (schema: object) =>
  register(fixture, `s${subjects++}`, { schema: JSON.stringify(schema) });
const proto = (schema: string) =>
  register(fixture, `s${subjects++}`, { schema, schemaType: "PROTOBUF" });
const record = (...fields: readonly object[]) => ({ type: "record", name: "R", fields });

/** A whole number as Avro has it. */
function long(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = BigInt(value) * 2n; ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}

async function refusal(id: number, payload: Uint8Array) {
  const answer = await post(fixture, types.any, frame(id, payload), about);
  await fixture.engine.drain();
  expect(isBalanced(fixture)).toBe(true);
  expect(fixture.engine.ledger()).toMatchObject({ received: 1, rejected: 1 });
  const { body } = await ask(fixture, "/v1/dead-letters", { headers: secret });
  expect(body.deadLetters).toMatchObject([{ schema: `id ${id}`, form: { unread: true } }]);
  expect(answer.status).toBe(400);
  return answer.body.error;
}

const list = (items: unknown) => record({ name: "a", type: { type: "array", items } });

test("a list that claims a billion items of nothing is refused", async () => {
  const id = await avro(list("null"));
  const error = await refusal(id, Buffer.concat([long(1e9), long(0)]));
  expect(error.code).toBe("schemaBytes");
  expect(error.message).toContain("more than 200000 items");
});

test("items of nothing within that limit are too long as JSON all the same", async () => {
  const empty = { type: "record", name: "Empty", fields: [] };
  const id = await avro(list(empty));
  const payload = Buffer.concat([long(90_000), long(0)]);
  const answer = await post(fixture, types.any, frame(id, payload), about);
  expect(answer).toMatchObject({ status: 400, body: { error: { code: "eventTooLarge" } } });
});

test("records of no bytes, but of many fields, count by their fields", async () => {
  const fields = Array.from({ length: 400 }, (_, n) => ({ name: `f${n}`, type: "null" }));
  const id = await avro(list({ type: "record", name: "Wide", fields }));
  const error = await refusal(id, Buffer.concat([long(50_000), long(0)]));
  expect(error).toMatchObject({ code: "schemaBytes" });
  expect(error.message).toContain("more than 200000 items");
});

test("a symbol of a hundred thousand letters is not written out a thousand times", async () => {
  const symbol = "S".repeat(100_000);
  const id = await avro(list({ type: "enum", name: "E", symbols: [symbol] }));
  const error = await refusal(id, Buffer.concat([long(1000), Buffer.alloc(1000), long(0)]));
  expect(error).toMatchObject({ code: "eventTooLarge" });
});

test("many such messages are refused as a whole, and nothing of them is kept", async () => {
  const id = await avro(list("null"));
  const bomb = frame(id, Buffer.concat([long(199_000), long(0)]));
  const answer = await post(fixture, many, prefixed(Array(10_000).fill(bomb)), about);
  expect(answer).toMatchObject({ status: 413, body: { error: { code: "bodyTooLarge" } } });
  const cut = frame(id, long(199_000));
  const other = await post(fixture, many, prefixed(Array(10_000).fill(cut)), about);
  expect(other).toMatchObject({ status: 413, body: { error: { code: "bodyTooLarge" } } });
  expect(fixture.engine.ledger().received).toBe(0);
});

test("a record in itself, without end, is refused at its depth", async () => {
  const id = await avro(
    record({ name: "next", type: ["null", "R"] }, { name: "x", type: "null", default: null }),
  );
  expect((await refusal(id, Buffer.alloc(100_000, 2))).message).toContain("nested more than 64");
});

test("a list in a list, without end, is refused at its depth", async () => {
  const id = await avro(record({ name: "r", type: { type: "array", items: "R" } }));
  expect((await refusal(id, Buffer.alloc(100_000, 2))).message).toContain("nested more than 64");
});

test("a text or bytes that claim more than there is are refused", async () => {
  const id = await avro(record({ name: "b", type: "bytes" }));
  const error = await refusal(id, Buffer.concat([long(2 ** 40), Buffer.alloc(10)]));
  expect(error.message).toContain("ends within a value");
});

const tree = 'syntax = "proto3"; message T { T left = 1; repeated E e = 2; } enum E { ZERO = 0; }';

test("messages of Protobuf in each other, without end, are refused at their depth", async () => {
  const id = await proto(tree);
  let payload = Buffer.alloc(0);
  for (let depth = 0; depth < 20_000; depth++)
    payload = Buffer.concat([Buffer.from([10]), varint(payload.length), payload]);
  const error = await refusal(id, Buffer.concat([Buffer.from([0]), payload]));
  expect(error).toMatchObject({ code: "schemaBytes" });
});

test("unknown groups in each other, without end, are refused at their depth", async () => {
  const id = await proto(tree);
  const error = await refusal(id, Buffer.concat([Buffer.from([0]), Buffer.alloc(200_000, 0x2b)]));
  expect(error).toMatchObject({ code: "schemaBytes" });
});

test("names of an enum are not written out a hundred thousand times", async () => {
  const id = await proto(tree.replace("ZERO", "Z".repeat(10_000)));
  const payload = Buffer.concat([Buffer.from([0, 18]), varint(100_000), Buffer.alloc(100_000)]);
  expect(await refusal(id, payload)).toMatchObject({ code: "eventTooLarge" });
});

test("empty messages do not get hundreds of zeros each, without end", async () => {
  const fields = Array.from({ length: 400 }, (_, n) => `int32 f${n} = ${n + 1};`).join(" ");
  const id = await proto(
    `syntax = "proto3"; message L { repeated W w = 1; } message W { ${fields} }`,
  );
  const payload = Buffer.concat([Buffer.from([0]), ...Array(50_000).fill(Buffer.from([10, 0]))]);
  expect((await refusal(id, payload)).message).toContain("more than 200000 items");
});

test("message indexes that are cut, too many or of no message are refused", async () => {
  const id = await proto(tree);
  for (const indexes of [
    [],
    [128],
    [2],
    [4, 2],
    [200, 1],
    [255, 255, 255, 255, 15],
    Array(11).fill(255),
  ]) {
    const answer = await post(fixture, types.any, frame(id, Buffer.from(indexes)), about);
    expect(answer.body.error, String(indexes)).toMatchObject({ code: "schemaBytes" });
  }
});

test("JSON that is no UTF-8, cut, or nested without end is refused", async () => {
  const id = await register(fixture, "json", { schema: "{}", schemaType: "JSON" });
  const send = async (payload: Uint8Array) =>
    (await post(fixture, types.any, frame(id, payload), about)).body.error.code;
  expect(await send(Buffer.from([0x22, 0xff, 0x22]))).toBe("schemaBytes");
  expect(await send(Buffer.from('{"a":'))).toBe("schemaBytes");
  const nested = (depth: number) => `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  expect(await send(Buffer.from(nested(200_000)))).toBe("eventTooLarge");
  expect(await send(Buffer.from(nested(3000)))).toBe("eventTooDeep");
  const tree = JSON.stringify({ additionalProperties: { $ref: "#" }, items: { $ref: "#" } });
  const other = await register(fixture, "tree", { schema: tree, schemaType: "JSON" });
  const message = frame(other, Buffer.from(nested(100_000)));
  const answer = await post(fixture, types.any, message, about);
  expect(answer).toMatchObject({ status: 400, body: { accepted: 0 } });
  await fixture.engine.drain();
  expect(isBalanced(fixture)).toBe(true);
});

test("a name of any length does not make a message of that length", async () => {
  const schema = '{"additionalProperties":false}';
  const id = await register(fixture, "closed", { schema, schemaType: "JSON" });
  const payload = Buffer.from(JSON.stringify({ [`\ud800${"x".repeat(500_000)}`]: 1 }));
  const error = await refusal(id, payload);
  expect(error.code).toBe("schemaValue");
  expect(error.message.length).toBeLessThan(1200);
});

test("names that have a meaning in JavaScript change no prototype", async () => {
  const id = await register(fixture, "json", { schema: "{}", schemaType: "JSON" });
  const text = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":1}';
  const answer = await post(fixture, types.any, frame(id, Buffer.from(text)), about);
  expect(answer.status).toBe(200);
  const map = await avro(record({ name: "m", type: { type: "map", values: "int" } }));
  const payload = [long(2), text8("__proto__"), long(1), text8("a"), long(2), long(0)];
  await post(fixture, types.any, frame(map, Buffer.concat(payload)), about);
  const events = await loggedEvents(fixture);
  expect(events[0]?.properties).toEqual({ a: 1, constructor: { prototype: { polluted: 1 } } });
  expect(events[1]?.properties).toEqual({ m: { a: 2 } });
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("a field that is called __proto__ sets no prototype", async () => {
  const inner = { type: "record", name: "I", fields: [{ name: "event_type", type: "string" }] };
  const schema = JSON.stringify(record({ name: "__proto__", type: inner }));
  const answer = await ask(fixture, "/subjects/p/versions", { headers: secret, body: { schema } });
  if (answer.status === 200) {
    const sent = await post(fixture, types.any, frame(answer.body.id, text8("Taken")), about);
    expect(sent.status).toBe(200);
    expect((await loggedEvents(fixture))[0]).toMatchObject({ name: "Bomb", properties: {} });
  } else expect(answer.status).toBe(422);
});

function text8(text: string): Buffer {
  return Buffer.concat([long(text.length), Buffer.from(text)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 127) | 128);
  }
}
