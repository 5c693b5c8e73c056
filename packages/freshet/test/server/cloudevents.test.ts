import { CloudEvent, emitterFor, httpTransport, Mode } from "cloudevents";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AcceptedEvent } from "../../src/core/event.ts";
import { ask, basic, type Fixture, openFixture, secret, writeKey } from "./fixture.ts";
import { listen } from "./socket.ts";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture();
});
afterEach(() => fixture.close());

const viewed = (changes: object = {}) =>
  new CloudEvent({
    id: "e1",
    source: "/shop/till",
    type: "Product Viewed",
    subject: "ana",
    time: "2026-05-04T10:00:00.500Z",
    data: { product_id: "p1", price: 19.5 },
    ...changes,
  });

/** Sends with the SDK's own emitter over its own transport. */
async function emit(mode: Mode, event: CloudEvent<unknown>) {
  const port = await listen(fixture);
  const url = `http://127.0.0.1:${port}/v1/events?writeKey=${writeKey}`;
  const answer = await emitterFor(httpTransport(url), { mode })(event);
  return JSON.parse((answer as { readonly body: string }).body);
}

/** The event as the log has it. */
function logged(messageId: string): AcceptedEvent {
  const offset = fixture.engine.journey(messageId)?.offset ?? -1;
  const record = fixture.engine.record(offset);
  if (record?.kind !== "event") throw new Error(`"${messageId}" is no event of the log`);
  return record.event;
}

describe("the SDK of CloudEvents", () => {
  test.each([Mode.BINARY, Mode.STRUCTURED])("is understood in mode %s", async (mode) => {
    const answer = await emit(mode, viewed({ comexampleext: "kept", dataschema: "http://x/s" }));
    expect(answer).toMatchObject({ success: true, accepted: 1, rejected: [] });
    await fixture.engine.drain();
    expect(logged("/shop/till e1")).toMatchObject({
      type: "track",
      name: "Product Viewed",
      userId: "ana",
      time: Date.parse("2026-05-04T10:00:00.500Z"),
      properties: { product_id: "p1", price: 19.5 },
      extra: {
        source: "/shop/till",
        subject: "ana",
        comexampleext: "kept",
        dataschema: "http://x/s",
      },
    });
    const profile = await ask(fixture, "/v1/profiles/ana", { headers: secret });
    expect(profile.body).toMatchObject({ features: { productViews: 1 } });
  });

  test("is understood in mode batch, and equal ids of two producers do not collide", async () => {
    const events = [viewed(), viewed({ id: "e2" }), viewed({ source: "/shop/app" }), viewed()];
    const answer = await ask(fixture, "/v1/events", {
      headers: {
        "content-type": "application/cloudevents-batch+json; charset=utf-8",
        ...basic(writeKey),
      },
      body: JSON.stringify(events),
    });
    expect(answer).toMatchObject({ status: 200, body: { accepted: 4, rejected: [] } });
    await fixture.engine.drain();
    expect(fixture.engine.ledger()).toMatchObject({ applied: 3, duplicate: 1 });
  });

  test.each([Mode.BINARY, Mode.STRUCTURED])("sends bytes in mode %s", async (mode) => {
    const data = Uint8Array.from([0, 255, 1]);
    const event = viewed({ type: "Photo Taken", datacontenttype: "image/png", data });
    expect(await emit(mode, event)).toMatchObject({ accepted: 1 });
    await fixture.engine.drain();
    const { properties } = logged("/shop/till e1");
    expect(Object.keys(properties)).toEqual(["dataBase64"]);
    expect(Buffer.from(String(properties["dataBase64"]), "base64")).toEqual(Buffer.from(data));
  });

  test.each([Mode.BINARY, Mode.STRUCTURED])("sends text in mode %s", async (mode) => {
    const event = viewed({ type: "Note", datacontenttype: "text/plain", data: "grüße, 5 %" });
    expect(await emit(mode, event)).toMatchObject({ accepted: 1 });
    await fixture.engine.drain();
    expect(logged("/shop/till e1").properties).toEqual({ data: "grüße, 5 %" });
  });
});

describe("a CloudEvent", () => {
  const send = (body: unknown, headers: Record<string, string>) =>
    ask(fixture, "/v1/events", { body, headers: { ...basic(writeKey), ...headers } });
  const attributes = {
    "ce-id": "1",
    "ce-source": "/s",
    "ce-type": "Product Viewed",
    "ce-specversion": "1.0",
    "ce-userid": "ana",
  };

  test("in another form than JSON is refused with the forms that are taken", async () => {
    const answer = await send("x", { "content-type": "application/cloudevents+avro" });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "bodyShape" } } });
    expect(answer.body.error.hint).toContain("application/cloudevents+json");
  });

  test("that breaks the rules alone is 400 and a dead letter", async () => {
    const answer = await send('{"product_id":"p"}', { ...attributes, "ce-specversion": "0.3" });
    expect(answer).toMatchObject({
      status: 400,
      body: { accepted: 0, error: { code: "cloudEventAttribute" } },
    });
    await fixture.engine.drain();
    const letters = await ask(fixture, "/v1/dead-letters", { headers: secret });
    expect(letters.body).toMatchObject({
      total: 1,
      deadLetters: [
        { code: "cloudEventAttribute", path: "/specversion", event: { id: "1", userid: "ana" } },
      ],
    });
  });

  test("keeps to its contract like any other event", async () => {
    const answer = await send('{"price":1}', attributes);
    expect(answer.body.error).toMatchObject({ code: "contractViolated" });
    expect(answer.body.error.message).toContain('"product_id" should be there');
  });

  test("without ce- headers and content type is a native event", async () => {
    for (const headers of [{}, { "ce-trace": "of a proxy" }]) {
      const answer = await send({ event_type: "E", user_id: "u" }, headers);
      expect(answer).toMatchObject({ status: 200, body: { accepted: 1 } });
    }
  });
});
