import type { Json, JsonObject } from "@freshet/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Answer,
  ask,
  basic,
  type Fixture,
  openFixture,
  secret,
  sendAndWait,
  view,
  writeKey,
} from "./fixture.ts";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture();
});
afterEach(() => fixture.close());

const path = (rest: string) => `/v1/dead-letters${rest}`;
const get = (rest: string): Promise<Answer> => ask(fixture, path(rest), { headers: secret });
const post = (rest: string, body: object): Promise<Answer> =>
  ask(fixture, path(rest), { headers: secret, body });

/** An order whose total is a text: the plan asks for a number. */
const order = (id: string, total: Json = "12.50", more: JsonObject = {}): JsonObject => ({
  ...{ type: "track", event: "Order Completed", messageId: id, userId: "u1" },
  properties: { total },
  ...more,
});
const toNumber = [{ op: "convert", path: "/properties/total", to: "number" }];
const features = async (id = "u1") =>
  (await ask(fixture, `/v1/profiles/${id}`, { headers: secret })).body.features as JsonObject;
const ids = async (query = "") =>
  (await get(query)).body.deadLetters.map(({ messageId }: { messageId: string }) => messageId);
const idOf = async (messageId: string): Promise<string> =>
  (await get(`?messageId=${messageId}&state=all`)).body.deadLetters[0].id;

describe("looking", () => {
  test("shows the reason, the schema, the source, the times and the event of a letter", async () => {
    await sendAndWait(fixture, order("m1"));
    const { body } = await get(`/${await idOf("m1")}`);
    expect(body).toMatchObject({
      messageId: "m1",
      code: "contractViolated",
      path: "/properties/total",
      schema: "Order Completed@1",
      source: "web",
      name: "Order Completed",
      state: "waiting",
      count: 1,
      event: { messageId: "m1", properties: { total: "12.50" } },
      journey: "/v1/events/m1",
    });
    expect(body.time).toBe(body.at);
  });

  test("counts an event that its client sends again, and keeps when it came first", async () => {
    await sendAndWait(fixture, order("m1", "x", { sentAt: "2026-01-01T00:00:00Z" }));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await sendAndWait(fixture, order("m1", "x", { sentAt: "2026-01-01T00:00:09Z" }));
    const { body } = await get("");
    expect(body).toMatchObject({ total: 1, deadLetters: [{ messageId: "m1", count: 2 }] });
    const [letter] = body.deadLetters;
    expect(letter.lastAt).toBeGreaterThan(letter.at);
    expect(fixture.engine.ledger()).toMatchObject({ received: 2, rejected: 2 });
  });

  test("keeps apart what is not the same event: another content, another source", async () => {
    await sendAndWait(fixture, order("m1", "x"), order("m1", "y"));
    const headers = basic("SK");
    await ask(fixture, "/v1/batch", { body: { batch: [order("m1", "x")] }, headers });
    await fixture.engine.drain();
    expect(await ids()).toEqual(["m1", "m1", "m1"]);
    expect(await ids("?source=shop")).toEqual(["m1"]);
  });

  test("puts what is no event at all together by its content", async () => {
    for (let time = 0; time < 3; time++)
      await ask(fixture, "/v1/batch", { body: { batch: ["nonsense"] }, headers: basic(writeKey) });
    await fixture.engine.drain();
    expect((await get("")).body).toMatchObject({
      total: 1,
      deadLetters: [{ code: "eventNotObject", count: 3, event: '"nonsense"' }],
    });
  });

  test("filters by code, source, name, time, message id, state and text", async () => {
    await sendAndWait(fixture, order("m1"), order("m2", "needle"), {
      ...view("m3"),
      properties: {},
    });
    const { lastAt } = (await get("")).body.deadLetters[0];
    expect(await ids("?name=Order%20Completed")).toEqual(["m2", "m1"]);
    expect(await ids("?code=contractViolated&source=web")).toEqual(["m3", "m2", "m1"]);
    expect(await ids("?code=eventNameMissing")).toEqual([]);
    expect(await ids("?contains=NEEDLE")).toEqual(["m2"]);
    expect(await ids("?messageId=m1")).toEqual(["m1"]);
    expect(await ids(`?from=${lastAt + 1}`)).toEqual([]);
    expect(await ids(`?to=${lastAt + 1}`)).toEqual(["m3", "m2", "m1"]);
    expect(await ids("?to=2020-01-01")).toEqual([]);
    expect(await ids("?state=discarded")).toEqual([]);
    for (const query of ["?state=gone", "?from=soon", "?before=x"])
      expect(await get(query)).toMatchObject({
        status: 400,
        body: { error: { code: "requestShape" } },
      });
  });

  test("pages from the newest to the oldest, each letter once", async () => {
    for (let index = 0; index < 7; index++) await sendAndWait(fixture, order(`m${index}`));
    const seen: string[] = [];
    let next: string | null = "";
    while (next !== null) {
      const { body }: Answer = await get(`?limit=3${next === "" ? "" : `&before=${next}`}`);
      seen.push(...body.deadLetters.map(({ messageId }: { messageId: string }) => messageId));
      next = body.next;
    }
    expect(seen).toEqual(["m6", "m5", "m4", "m3", "m2", "m1", "m0"]);
  });

  test("leaves a large event out of lists, and shows it whole by its id", async () => {
    await sendAndWait(fixture, order("m1", "x".repeat(9000)));
    const [listed] = (await get("")).body.deadLetters;
    expect(listed.event).toBeUndefined();
    expect(listed.eventChars).toBeGreaterThan(9000);
    expect((await get(`/${listed.id}`)).body.event.properties.total).toHaveLength(9000);
  });

  test("sums up by reason, source and name, in the summary and in the metrics", async () => {
    await sendAndWait(fixture, order("m1"), order("m2"), { ...view("m3"), properties: {} });
    const { body } = await get("/summary");
    expect(body).toMatchObject({ waiting: 3, sent: 0, discarded: 0, total: 3, dropped: 0 });
    const kind = { code: "contractViolated", source: "web" };
    expect(body.kinds).toEqual([
      { ...kind, name: "Order Completed", waiting: 2, sent: 0, discarded: 0 },
      { ...kind, name: "Product Viewed", waiting: 1, sent: 0, discarded: 0 },
    ]);
    const { body: metrics } = await ask(fixture, "/metrics");
    expect(metrics).toContain("freshet_dead_letters_waiting 3\n");
    expect(metrics).toContain(
      'freshet_dead_letters_waiting_by_kind{code="contractViolated",source="web",event="Order Completed"} 2',
    );
  });

  test("takes the secret key, and says what is not there", async () => {
    for (const rest of ["", "/summary", "/jobs", "/jobs/x", "/1"])
      expect(await ask(fixture, path(rest))).toMatchObject({ status: 401 });
    for (const verb of ["/correct", "/retry", "/discard", "/restore", "/jobs/x/cancel"])
      expect(await ask(fixture, path(verb), { body: { all: true } })).toMatchObject({
        status: 401,
      });
    const missing = (code: string) => ({ status: 404, body: { error: { code } } });
    expect(await get("/12345")).toMatchObject(missing("deadLetterNotFound"));
    expect(await get("/jobs/none")).toMatchObject(missing("letterJobNotFound"));
    expect(await post("/jobs/none/cancel", {})).toMatchObject(missing("letterJobNotFound"));
    expect(await get("/nonsense")).toMatchObject({ status: 400 });
  });
});

describe("correcting by hand", () => {
  test("applies the event once, at its original time, under its own id", async () => {
    const timestamp = new Date(Date.now() - 3_600_000).toISOString();
    await sendAndWait(fixture, order("m1", "12.50", { timestamp }));
    const id = await idOf("m1");
    const event = order("another id", 12.5, { timestamp });
    const first = await post("/correct", { id, event });
    expect(first.body).toMatchObject({ outcome: "applied", deadLetter: { state: "sent" } });
    const again = await post("/correct", { id, event });
    expect(again.body).toMatchObject({ outcome: "sent" });
    expect(await features()).toMatchObject({ orders: 1, spendCents: 1250 });
    const { body: journey } = await ask(fixture, "/v1/events/m1", { headers: secret });
    expect(journey).toMatchObject({ status: "applied", profileId: "user:u1" });
    expect(journey.steps.map(({ stage }: { stage: string }) => stage)).toEqual(
      expect.arrayContaining(["rejected", "deadLetter", "corrected", "applied"]),
    );
    expect(journey.steps.find(({ stage }: { stage: string }) => stage === "happened").at).toBe(
      Date.parse(timestamp),
    );
    const ledger = fixture.engine.ledger();
    expect(ledger).toEqual({ received: 2, applied: 1, duplicate: 0, rejected: 1, inFlight: 0 });
    expect(fixture.engine.counters.corrected).toBe(1);
  });

  test("corrects the time by the skew of the first attempt", async () => {
    const skewMs = 3 * 3_600_000;
    const client = Date.now() - skewMs;
    const batch = [order("m1", "x", { timestamp: new Date(client - 60_000).toISOString() })];
    const body = { batch, sentAt: new Date(client).toISOString() };
    await ask(fixture, "/v1/batch", { body, headers: basic(writeKey) });
    await fixture.engine.drain();
    const { id, at, time, sentAt, skewMs: told } = (await get("")).body.deadLetters[0];
    expect(time).toBe(at - 60_000 - (at - sentAt - told));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await post("/correct", { id, changes: [{ op: "set", path: "/properties/total", value: 1 }] });
    const { body: journey } = await ask(fixture, "/v1/events/m1", { headers: secret });
    expect(journey.steps.find(({ stage }: { stage: string }) => stage === "happened")).toEqual({
      ...{ stage: "happened", at: time, clock: "corrected" },
    });
  });

  test("says what is still wrong, and leaves the letter as it was", async () => {
    await sendAndWait(fixture, order("m1"));
    const id = await idOf("m1");
    const { body } = await post("/correct", { id, event: order("m1", "no number") });
    expect(body).toMatchObject({
      outcome: "refused",
      code: "contractViolated",
      path: "/properties/total",
      deadLetter: { state: "waiting", event: { properties: { total: "12.50" } } },
    });
    expect(fixture.engine.ledger().received).toBe(1);
  });

  test("tries without writing where it is a dry run", async () => {
    await sendAndWait(fixture, order("m1"));
    const id = await idOf("m1");
    const { body } = await post("/correct", { id, event: order("m1", 1), dryRun: true });
    expect(body).toMatchObject({ dryRun: true, outcome: "wouldPass" });
    expect(await ids()).toEqual(["m1"]);
    expect(fixture.engine.ledger().received).toBe(1);
  });

  test("applies one of two corrections that come at once, also for two people", async () => {
    await sendAndWait(fixture, order("m1"));
    const id = await idOf("m1");
    fixture.clock.halt();
    const both = ["u1", "u2"].map((userId) =>
      post("/correct", { id, event: order("m1", 1, { userId }) }),
    );
    while (fixture.engine.ledger().received < 3) await new Promise((r) => setTimeout(r, 1));
    fixture.clock.resume();
    await Promise.all(both);
    expect(fixture.engine.ledger()).toMatchObject({ received: 3, applied: 1, duplicate: 1 });
    const known = [fixture.engine.profile("user:u1"), fixture.engine.profile("user:u2")];
    expect(known.filter((profile) => profile !== null)).toHaveLength(1);
  });

  test("counts a duplicate where the client has sent a right one meanwhile", async () => {
    await sendAndWait(fixture, order("m1"), order("m1", 12.5));
    const { body } = await post("/correct", { id: await idOf("m1"), event: order("m1", 12.5) });
    expect(body).toMatchObject({
      outcome: "duplicate",
      deadLetter: { state: "sent", sent: { outcome: "duplicate" } },
    });
    expect(await features()).toMatchObject({ orders: 1 });
  });

  test("keeps a later retry of the broken event from waiting again", async () => {
    await sendAndWait(fixture, order("m1"));
    await post("/correct", { id: await idOf("m1"), event: order("m1", 1) });
    await sendAndWait(fixture, order("m1"));
    expect((await get("/summary")).body).toMatchObject({ waiting: 0, sent: 1 });
  });
});

describe("correcting many", () => {
  test("says before what would pass and what would not, with examples, and writes nothing", async () => {
    await sendAndWait(
      fixture,
      order("m1"),
      order("m2"),
      order("m3", "many"),
      order("m4", { a: 1 }),
    );
    const { body } = await post("/correct", {
      ...{ filter: { name: "Order Completed" }, changes: toNumber, dryRun: true },
    });
    expect(body).toMatchObject({
      ...{ dryRun: true, matched: 4, wouldPass: 2, stillRefused: 2, complete: true },
      refusals: [{ code: "contractViolated", count: 2, path: "/properties/total" }],
    });
    expect(body.examples[0]).toMatchObject({
      messageId: "m1",
      before: { properties: { total: "12.50" } },
      after: { properties: { total: 12.5 } },
    });
    expect(await ids()).toEqual(["m4", "m3", "m2", "m1"]);
    expect(fixture.engine.ledger().received).toBe(4);
  });

  test("sends those that pass, and leaves the others; pressed twice it does nothing more", async () => {
    await sendAndWait(fixture, order("m1"), order("m2"), order("m3", "many"));
    const run = { filter: { name: "Order Completed" }, changes: toNumber, by: "ana" };
    const { body } = await post("/correct", run);
    expect(body).toMatchObject({
      ...{ verb: "correct", status: "done", by: "ana", matched: 3, applied: 2 },
      refused: { contractViolated: 1 },
    });
    expect(await ids()).toEqual(["m3"]);
    expect(await features()).toMatchObject({ orders: 2, spendCents: 2500 });
    expect((await post("/correct", run)).body).toMatchObject({ matched: 1, applied: 0 });
    expect(await features()).toMatchObject({ orders: 2 });
    expect((await get(`/jobs/${body.id}`)).body).toEqual(body);
    expect((await get("/jobs")).body.jobs).toHaveLength(2);
  });

  test("makes each kind of change", async () => {
    const broken = { ...order("m1"), event: "Order Done", userId: null, visitor: { id: " u7 " } };
    await sendAndWait(fixture, { ...broken, properties: { sum: "3", tags: "a,b", old: 1 } });
    const changes = [
      { op: "event", name: "Order Completed" },
      { op: "rename", path: "/properties/sum", to: "/properties/total" },
      { op: "convert", path: "/properties/total", to: "number" },
      { op: "split", path: "/properties/tags", by: "," },
      { op: "remove", path: "/properties/old" },
      { op: "default", path: "/properties/currency", value: "EUR" },
      { op: "convert", path: "/visitor/id", to: "trim" },
      { op: "rename", path: "/visitor/id", to: "/userId" },
      { op: "remove", path: "/visitor" },
      { op: "set", path: "/context/mended", value: true },
    ];
    const { body } = await post("/correct", { all: true, changes });
    expect(body).toMatchObject({ applied: 1, refused: {} });
    const { offset } = (await get("?state=sent")).body.deadLetters[0].sent;
    expect(fixture.engine.record(offset)).toMatchObject({
      key: "user:u7",
      event: {
        ...{ id: "m1", name: "Order Completed", source: "web", notes: ["corrected"] },
        properties: { total: 3, tags: ["a", "b"], currency: "EUR" },
        context: { mended: true },
      },
    });
  });

  test("refuses changes and letters that are not said clearly", async () => {
    const bad = async (body: object, code: string) =>
      expect(await post("/correct", body), JSON.stringify(body)).toMatchObject({
        ...{ status: 400, body: { error: { code } } },
      });
    await bad({ changes: toNumber }, "requestShape");
    await bad({ filter: {}, changes: toNumber }, "requestShape");
    await bad({ filter: { cod: "x" }, changes: toNumber }, "requestShape");
    await bad({ ids: [], changes: toNumber }, "requestShape");
    await bad({ ids: ["1"], all: true, changes: toNumber }, "requestShape");
    await bad({ all: true, changes: toNumber, dryRun: "yes" }, "requestShape");
    await bad({ all: true }, "changeInvalid");
    await bad({ all: true, changes: [] }, "changeInvalid");
    for (const change of [
      { op: "drop", path: "/a" },
      { op: "set", path: "/a" },
      { op: "set", path: "a", value: 1 },
      { op: "set", path: "/__proto__/a", value: 1 },
      { op: "convert", path: "/a", to: "money" },
      { op: "rename", path: "/a" },
      { op: "split", path: "/a", by: "" },
      { op: "event" },
      "remove",
    ])
      await bad({ all: true, changes: [change] }, "changeInvalid");
  });
});

describe("trying again, discarding and restoring", () => {
  test("tries again unchanged, which helps only where something else has changed", async () => {
    await sendAndWait(fixture, order("m1"));
    expect((await post("/retry", { all: true })).body).toMatchObject({
      ...{ status: "done", matched: 1, applied: 0, refused: { contractViolated: 1 } },
    });
    expect(await ids()).toEqual(["m1"]);
  });

  test("keeps who discarded what, when and why, and restores it", async () => {
    await sendAndWait(fixture, order("m1"), order("m2"));
    const asked = { filter: { messageId: "m1" }, by: "ana", reason: "a test of ours" };
    expect((await post("/discard", asked)).body).toMatchObject({ status: "done", discarded: 1 });
    expect(await ids()).toEqual(["m2"]);
    const [letter] = (await get("?state=discarded")).body.deadLetters;
    expect(letter).toMatchObject({ discarded: { by: "ana", reason: "a test of ours" } });
    expect(letter.discarded.at).toBeGreaterThan(0);
    const { body: journey } = await ask(fixture, "/v1/events/m1", { headers: secret });
    expect(journey.steps.at(-1)).toMatchObject({ stage: "discarded", by: "ana" });
    // What is discarded is not corrected by accident.
    const byHand = await post("/correct", { id: letter.id, event: order("m1", 1) });
    expect(byHand.body).toMatchObject({ outcome: "discarded" });
    expect((await post("/restore", { ids: [letter.id] })).body).toMatchObject({ restored: 1 });
    expect(await ids()).toEqual(["m2", "m1"]);
  });

  test("is not told by a dry run that it has happened", async () => {
    await sendAndWait(fixture, order("m1"));
    const { body } = await post("/discard", { all: true, dryRun: true });
    expect(body).toMatchObject({ dryRun: true, matched: 1, wouldPass: 1 });
    expect(await ids()).toEqual(["m1"]);
  });

  test("runs over more letters than one portion, in the order in which they came", async () => {
    for (let part = 0; part < 5; part++)
      await sendAndWait(
        fixture,
        ...Array.from({ length: 50 }, (_, index) => order(`m${part * 50 + index}`)),
      );
    const { body } = await post("/correct", { all: true, changes: toNumber });
    expect(body).toMatchObject({ status: "done", matched: 250, applied: 250 });
    expect(await features()).toMatchObject({ orders: 250 });
    const sent = (await get("?state=sent&limit=200")).body.deadLetters.map(
      (letter: { sent: { offset: number } }) => letter.sent.offset,
    );
    expect(sent).toEqual([...sent].sort((a: number, b: number) => b - a));
  });

  test("waits for the same room as clients do, and is cancelled while it waits", async () => {
    const busy = await openFixture({ limits: { eventsInFlightMax: 0, holdMsMax: 20 } });
    try {
      const at = Date.now();
      const letter = {
        ...{ id: "m1", code: "bad", message: "no", source: "web", at },
        event: order("m1"),
      };
      await busy.engine.append([{ kind: "deadLetter", partition: 0, at, letter }]);
      await busy.engine.drain();
      const started = await ask(busy, path("/correct"), {
        headers: secret,
        body: { all: true, changes: toNumber },
      });
      expect(started.body).toMatchObject({ status: "running", matched: 1, applied: 0 });
      const job = path(`/jobs/${started.body.id}`);
      await ask(busy, `${job}/cancel`, { headers: secret, method: "POST" });
      const ended = async () => (await ask(busy, job, { headers: secret })).body;
      while ((await ended()).status === "running") await new Promise((r) => setTimeout(r, 5));
      expect(await ended()).toMatchObject({ status: "cancelled", matched: 1, applied: 0 });
      expect(busy.engine.deadLetters.summary()).toMatchObject({ waiting: 1, sent: 0 });
    } finally {
      await busy.close();
    }
  });

  test("goes on with a run that an earlier process left, from what is in the log", async () => {
    await sendAndWait(fixture, order("m1"), order("m2"));
    const before = fixture.engine.status().nextOffset;
    const changes = [{ op: "convert", path: "/properties/total", to: "number" }] as const;
    const job = { id: "left", verb: "correct", filter: {}, before, by: "ana", changes } as const;
    const at = Date.now();
    await fixture.engine.append([
      { kind: "letter", partition: 0, at, action: { kind: "jobStarted", job } },
    ]);
    await fixture.engine.drain();
    expect((await get("/jobs/left")).body).toMatchObject({ status: "running" });
    // Another server over the same engine is what a restart comes to.
    const next = await openFixture({ server: { engine: fixture.engine } });
    const ended = async () => (await get("/jobs/left")).body;
    while ((await ended()).status === "running") await new Promise((r) => setTimeout(r, 5));
    expect(await ended()).toMatchObject({ status: "done", matched: 2, applied: 2 });
    await next.close();
  });
});

test("what only its sender can prove is sent again only if somebody vouches for it", async () => {
  await sendAndWait(fixture, order("m0"));
  const letter = {
    ...{ id: "m1", code: "botRefused", message: "the event is of a bot", source: "web" },
    ...{ at: Date.now(), event: order("m1", 1), form: { shape: "segment-batch" } },
  };
  const { at } = letter;
  await fixture.engine.append([{ kind: "deadLetter", partition: 0, at, letter }]);
  await fixture.engine.drain();
  const filter = { messageId: "m1" };
  expect((await post("/retry", { filter })).body).toMatchObject({ refused: { botRefused: 1 } });
  expect((await post("/retry", { filter, vouched: true })).body).toMatchObject({ applied: 1 });
});
