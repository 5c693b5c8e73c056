import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { agentReader, createEdge, sourcesOf } from "../../src/accept/index.ts";
import { RegistryUnavailableError } from "../../src/engine/port/errors.ts";
import type { SchemaRegistry } from "../../src/engine/port/schema-registry.ts";
import { eventually } from "../process/support/client.ts";
import { ask, openFixture, secret, writeKey } from "./fixture.ts";
import { isBalanced, localWriter, loggedEvents, post, types, writerOf } from "./framed-fixture.ts";
import { avro, openRegistryFixture, type RegistryFixture, register } from "./registry-fixture.ts";

let fixture: RegistryFixture;
beforeEach(async () => {
  fixture = await openRegistryFixture();
});
afterEach(() => fixture.close());

const orderText = avro(
  "Order",
  { name: "event_id", type: "string" },
  { name: "user_id", type: "string" },
  { name: "total", type: "string" },
);
const order = { event_id: "o1", user_id: "ana", total: "12.5" };

async function letters(): Promise<readonly Record<string, unknown>[]> {
  await fixture.engine.drain();
  const { body } = await ask(fixture, "/v1/dead-letters", { headers: secret });
  return body.deadLetters;
}

const act = (verb: string, body: object) =>
  ask(fixture, `/v1/dead-letters/${verb}`, { headers: secret, body });

describe("a message of a schema that is not registered yet", () => {
  test("waits as it came, and is the event that it is once the schema is there", async () => {
    const writer = localWriter(1, "AVRO", orderText);
    const query = "?event_type=Paid";
    const answer = await post(fixture, types.AVRO, writer.write(order), { query });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "schemaUnknown" } } });
    expect(answer.body.rejected).toMatchObject([
      { index: 0, message: "the registry has no schema 1" },
    ]);
    const [letter] = await letters();
    expect(letter).toMatchObject({
      ...{ code: "schemaUnknown", schema: "id 1", name: "Paid", state: "waiting" },
      event: {
        event_type: "Paid",
        datacontenttype: types.AVRO,
        data_base64: Buffer.from(writer.write(order)).toString("base64"),
      },
    });
    await act("retry", { filter: { code: "schemaUnknown" } });
    expect((await letters()).map(({ state }) => state)).toEqual(["waiting"]);
    expect(await register(fixture, "orders", { schema: orderText })).toBe(1);
    // For a moment it is still believed to be unknown.
    await eventually("the schema is known", async () => {
      const dryRun = await act("retry", { filter: { code: "schemaUnknown" }, dryRun: true });
      return dryRun.body.wouldPass === 1 && dryRun.body.stillRefused === 0;
    });
    const job = await act("retry", { filter: { code: "schemaUnknown" } });
    expect(job.body).toMatchObject({ status: "done", applied: 1 });
    const [event] = await loggedEvents(fixture);
    expect(event).toMatchObject({ name: "Paid", userId: "ana", properties: order, id: "o1" });
    expect(event?.notes).toEqual(["schemaId:1", "corrected"]);
    // Its client, which was told that it was refused, sends it again: it has its own id by now.
    await post(fixture, types.AVRO, writer.write(order), { query });
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ applied: 1, duplicate: 1, rejected: 1 });
    expect(isBalanced(fixture)).toBe(true);
  });
});

test("a message that cannot be read can be replaced by hand with the event that it should be", async () => {
  const { write } = await writerOf(fixture, "AVRO", orderText);
  const cut = write(order).subarray(0, -2);
  await post(fixture, types.AVRO, cut, { query: "?event_type=Paid&user_id=ana" });
  const [letter] = await letters();
  expect(letter).toMatchObject({ code: "schemaBytes" });
  const retried = await act("retry", { filter: { code: "schemaBytes" } });
  expect(retried.body).toMatchObject({ applied: 0, refused: { schemaBytes: 1 } });
  const event = { event_type: "Paid", user_id: "ana", metadata: { total: 12.5 } };
  const corrected = await act("correct", { id: letter?.id, event });
  expect(corrected.body).toMatchObject({ outcome: "applied" });
  expect(await loggedEvents(fixture)).toMatchObject([
    { name: "Paid", properties: { total: 12.5 } },
  ]);
});

test("a message whose value breaks the plan's contract is corrected as an event in JSON is", async () => {
  const { write } = await writerOf(fixture, "AVRO", orderText);
  const query = "?event_type=Order%20Completed";
  const answer = await post(fixture, types.AVRO, write(order), { query });
  expect(answer.body.error).toMatchObject({ code: "contractViolated" });
  const [letter] = await letters();
  expect(letter).toMatchObject({
    path: "/metadata/total",
    event: { event_type: "Order Completed", event_id: "o1", metadata: order },
  });
  const changes = [{ op: "convert", path: "/metadata/total", to: "number" }];
  const job = await act("correct", { filter: { code: "contractViolated" }, changes });
  expect(job.body).toMatchObject({ status: "done", applied: 1 });
  const profile = await ask(fixture, "/v1/profiles/ana", { headers: secret });
  expect(profile.body.features).toMatchObject({ orders: 1, spendCents: 1250 });
});

test("a large message that cannot be read keeps its beginning", async () => {
  const { write } = localWriter(9, "AVRO", orderText);
  const long = write({ ...order, total: "x".repeat(300_000) });
  await post(fixture, types.AVRO, long);
  const [letter] = await letters();
  expect(letter).toMatchObject({ code: "schemaUnknown", eventChars: expect.any(Number) });
  const whole = await ask(fixture, `/v1/dead-letters/${letter?.id}`, { headers: secret });
  expect(whole.body.event).toHaveLength(256 * 1024);
  expect(whole.body.message).toContain("kept: the first 262144 characters");
  await register(fixture, "orders", { schema: orderText });
  const job = await act("retry", { filter: { code: "schemaUnknown" } });
  expect(job.body).toMatchObject({ applied: 0, refused: { eventNotObject: 1 } });
});

test("a source with rules of privacy keeps nothing of a message that no rule can look into", async () => {
  const services = {
    ...{ source: "web", agents: agentReader, locate: undefined, readKeySet: () => null },
    hash: () => {
      throw new Error("no rule hashes");
    },
  };
  const edge = createEdge(
    { privacy: { fields: [{ path: "properties.total", do: "drop" }] } },
    services,
  );
  if (edge === undefined) throw new Error("the source has no edge");
  const { registry } = fixture;
  const careful = await openFixture({
    server: {
      sources: sourcesOf([{ name: "web", writeKey, kind: "browser", edge }]),
      schemaRegistry: registry,
    },
  });
  try {
    const { write } = await writerOf(fixture, "AVRO", orderText);
    const query = "?event_type=Paid";
    await post(careful, types.AVRO, write(order), { query });
    const cut = write({ ...order, event_id: "o2" }).subarray(0, -1);
    const refused = await post(careful, types.AVRO, cut, { query });
    expect(refused.body.error.message).toContain("the message cannot be read by the schema 1");
    expect(await loggedEvents(careful)).toMatchObject([
      { properties: { event_id: "o1", user_id: "ana" } },
    ]);
    const { body } = await ask(careful, "/v1/dead-letters", { headers: secret });
    expect(body.deadLetters).toHaveLength(1);
    expect(body.deadLetters[0].event).toEqual({ event: "Paid" });
  } finally {
    await careful.close();
  }
});

describe("while the registry does not answer", () => {
  const hint = "wait";
  const down = () => Promise.reject(new RegistryUnavailableError({ message: "it is down", hint }));
  let isDown = false;
  /** The registry itself, as long as it is up. */
  const faulty = (): SchemaRegistry => ({
    find: (id) => (isDown ? down() : fixture.registry.find(id)),
    latest: (subject) => (isDown ? down() : fixture.registry.latest(subject)),
    version: (subject, version) => (isDown ? down() : fixture.registry.version(subject, version)),
    register: (subject, content) => (isDown ? down() : fixture.registry.register(subject, content)),
    references: (content) => (isDown ? down() : fixture.registry.references(content)),
    close: async () => {},
  });

  test("nothing of a request is kept, and its client comes again", async () => {
    const other = await openFixture({ server: { schemaRegistry: faulty() } });
    try {
      const { write } = await writerOf(fixture, "AVRO", orderText);
      const known = await writerOf(
        fixture,
        "AVRO",
        avro("Seen", { name: "user_id", type: "string" }),
      );
      expect((await post(other, types.AVRO, known.write({ user_id: "ana" }))).status).toBe(200);
      isDown = true;
      const answer = await post(other, types.AVRO, write(order));
      expect(answer).toMatchObject({
        status: 503,
        headers: { "retry-after": "2" },
        body: { error: { code: "registryUnavailable", retryable: true } },
      });
      // What is known already needs nobody.
      expect((await post(other, types.AVRO, known.write({ user_id: "ben" }))).status).toBe(200);
      isDown = false;
      expect((await post(other, types.AVRO, write(order))).status).toBe(200);
      await other.engine.drain();
      expect(other.engine.ledger()).toMatchObject({ received: 3, applied: 3, rejected: 0 });
    } finally {
      isDown = false;
      await other.close();
    }
  });

  test("dead letters stay, for that reason", async () => {
    const other = await openFixture({ server: { schemaRegistry: faulty() } });
    try {
      await post(other, types.AVRO, localWriter(1, "AVRO", orderText).write(order));
      await other.engine.drain();
      isDown = true;
      const body = { filter: { code: "schemaUnknown" } };
      await eventually("the registry is asked again", async () => {
        const job = await ask(other, "/v1/dead-letters/retry", { headers: secret, body });
        expect(job.body).toMatchObject({ status: "done", applied: 0 });
        return job.body.refused.registryUnavailable === 1;
      });
      expect(other.engine.ledger()).toMatchObject({ received: 1, rejected: 1 });
    } finally {
      isDown = false;
      await other.close();
    }
  });
});
