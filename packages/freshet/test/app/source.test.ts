import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Json, limits } from "@freshet/protocol";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Source, sourcesOf } from "../../src/accept/index.ts";
import { MemorySystem } from "../../src/adapters/source/memory.ts";
import { settingsOf } from "../../src/app/config.ts";
import { openFolder } from "../../src/app/folder.ts";
import { decoderOf, type TopicConfig } from "../../src/app/source/decode.ts";
import { Feed } from "../../src/app/source/feed.ts";
import { knownIds } from "../../src/app/source/known-ids.ts";
import { parseTopicFilter, topicFilterFault } from "../../src/app/source/topic.ts";
import { UsageError } from "../../src/app/usage-error.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import {
  column,
  constant,
  count,
  definePlan,
  event,
  gt,
  last,
  type Value,
} from "../../src/core/plan/index.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Clock } from "../../src/engine/port/clock.ts";
import { LogWriteError } from "../../src/engine/port/errors.ts";
import { createAcceptState } from "../../src/server/accept-state.ts";
import { withSeed } from "../../src/testing/seed.ts";

const source: Source = { name: "mqtt/house", writeKey: "", kind: "server" };
const celsius = {
  payload: "number" as const,
  event: constant("Temperature Measured"),
  properties: { celsius: column("payload") as Value<unknown> },
};
const topics: readonly TopicConfig[] = [
  { filter: "house/+anonymousId/events" },
  { filter: "house/+anonymousId/segment", format: "segment" },
  { filter: "house/+anonymousId/+room/temperature", format: celsius },
  {
    filter: "json/#",
    format: {
      event: column("payload.kind"),
      userId: column("payload.who"),
      time: column("payload.at"),
      properties: { path: column("topic.path") },
      where: gt(column<number>("payload.level"), 1),
    },
  },
  {
    filter: "text/+",
    format: { payload: "text", event: constant("Said"), anonymousId: column("payload") },
  },
];
const decode = decoderOf(topics, source);
const message = (topic: string, payload: string | Uint8Array, id: string | null = "m1") => ({
  ...{ topic, id },
  payload: typeof payload === "string" ? Buffer.from(payload) : payload,
});
const inputOf = (topic: string, payload: string, id: string | null = "m1") => {
  const decoded = decode(message(topic, payload, id));
  return decoded.kind === "events" ? decoded.input : decoded;
};

describe("a filter of topics", () => {
  test("is taken as MQTT has it, and its wildcards may have names", () => {
    const match = (filter: string, topic: string) => parseTopicFilter(filter).match(topic);
    expect(parseTopicFilter("a/+store/#rest").subscription).toBe("a/+/#");
    expect(match("a/+store/#rest", "a/b/c/d")).toEqual({ store: "b", rest: "c/d" });
    expect(match("a/#rest", "a")).toEqual({ rest: "" });
    expect(match("a/+/c", "a/b/c")).toEqual({});
    expect(match("a/+x", "a/")).toEqual({ x: "" });
    for (const topic of ["a", "a/b", "a/b/c/d", "b/b/c"]) expect(match("a/+/c", topic)).toBeNull();
    expect(match("#", "$SYS/broker")).toBeNull();
    expect(match("+/broker", "$SYS/broker")).toBeNull();
    expect(match("$SYS/#", "$SYS/broker")).toEqual({});
  });

  test("with a fault is told of", () => {
    for (const filter of ["a", "a/b", "+", "#", "a/+x/#y", "/a", "a/"])
      expect(topicFilterFault(filter), filter).toBeUndefined();
    for (const filter of ["", "a#", "a/#/b", "a+/b", "+1", "+a/+a", "a/\u0000", "x".repeat(1025)])
      expect(topicFilterFault(filter), filter).toBeTypeOf("string");
  });
});

describe("a message", () => {
  test("of native events: one, a list or a batch, with what the topic says about them", () => {
    const one = { event_type: "Door Opened", anonymous_id: "mine", metadata: { door: "front" } };
    const named = { ...one, anonymous_id: "h1" };
    expect(inputOf("house/h1/events", JSON.stringify(one))).toMatchObject({
      ...{ shape: "native", events: [named], idBase: "m1", source },
    });
    expect(inputOf("house/h1/events", JSON.stringify([one, one]))).toMatchObject({
      events: [named, named],
    });
    expect(
      inputOf("house/h1/events", JSON.stringify({ batch: [one], context: { a: 1 } })),
    ).toMatchObject({
      ...{ events: [named], context: { a: 1 } },
    });
  });

  test("of Segment events has their properties named, and traits left alone", () => {
    const track = { type: "track", event: "E", properties: { a: 1 } };
    const decoder = decoderOf([{ filter: "s/+store/+userId", format: "segment" }], source);
    const read = (event: object) => decoder(message("s/lisbon/u1", JSON.stringify(event)));
    expect(read(track)).toMatchObject({
      input: {
        shape: "segment-batch",
        events: [{ ...track, userId: "u1", properties: { a: 1, store: "lisbon" } }],
      },
    });
    expect(read({ type: "identify", traits: { b: 2 } })).toMatchObject({
      input: { events: [{ type: "identify", traits: { b: 2 }, userId: "u1" }] },
    });
  });

  test("that is a number, a text or any JSON is mapped", () => {
    expect(inputOf("house/h1/attic/temperature", " -2.5e1 ")).toMatchObject({
      events: [
        {
          event_type: "Temperature Measured",
          anonymous_id: "h1",
          metadata: { celsius: -25, room: "attic" },
        },
      ],
    });
    const payload = JSON.stringify({
      kind: "Alarm",
      who: "ana",
      at: "2026-05-04T10:00:00Z",
      level: 2,
    });
    expect(inputOf("json/a/b", payload)).toMatchObject({
      events: [
        {
          event_type: "Alarm",
          user_id: "ana",
          timestamp: "2026-05-04T10:00:00Z",
          metadata: { path: "json/a/b" },
        },
      ],
    });
    expect(inputOf("json/a", '{"level":1}')).toEqual({ kind: "leftOut" });
    expect(inputOf("text/x", "ana")).toMatchObject({
      events: [{ event_type: "Said", anonymous_id: "ana" }],
    });
  });

  test("has the id of its delivery, unless its events say themselves when they were", () => {
    expect(inputOf("house/h1/events", '{"event_type":"E","timestamp":1}')).not.toHaveProperty(
      "idBase",
    );
    expect(inputOf("house/h1/events", '[{"timestamp":1},{}]')).toHaveProperty("idBase", "m1");
    expect(inputOf("house/h1/events", "{}", null)).not.toHaveProperty("idBase");
  });

  test("that cannot be read is broken, with a code and words", () => {
    const brokenBy = (topic: string, payload: string | Uint8Array) => {
      const decoded = decode(message(topic, payload));
      return decoded.kind === "broken" ? decoded.code : decoded.kind;
    };
    expect(brokenBy("other/topic", "{}")).toBe("messageBroken");
    expect(brokenBy("house/h1/events", "{")).toBe("bodyNotJson");
    expect(brokenBy("house/h1/events", "1")).toBe("bodyShape");
    expect(brokenBy("house/h1/events", Buffer.from([0xff]))).toBe("bodyNotUtf8");
    expect(brokenBy("text/x", Buffer.from([0xff]))).toBe("bodyNotUtf8");
    expect(brokenBy("house/h1/attic/temperature", "warm")).toBe("messageBroken");
    expect(brokenBy("house/h1/attic/temperature", "1e999")).toBe("messageBroken");
    const large = Buffer.alloc(limits.bodyBytesMax + 1, " ");
    expect(brokenBy("house/h1/events", large)).toBe("bodyTooLarge");
    expect(brokenBy("text/x", large)).toBe("bodyTooLarge");
  });
});

const plan = definePlan({
  name: "devices",
  events: [event("Temperature Measured", { celsius: "number" })],
  features: [
    count("readings", event("Temperature Measured", {})),
    last(
      "celsius",
      event("Temperature Measured", { celsius: "number" }),
      column<number>("celsius"),
    ),
  ],
});

describe("a feed", () => {
  let data: string;
  let folder: Awaited<ReturnType<typeof openFolder>>;
  let system: MemorySystem;
  let feeds: Feed[];
  beforeEach(async () => {
    data = mkdtempSync(join(tmpdir(), "freshet-feed-"));
    folder = await openFolder(data, { plan: compilePlan(plan) });
    system = new MemorySystem();
    feeds = [];
  });
  afterEach(async () => {
    for (const feed of feeds) await feed.stop();
    await folder.close();
    rmSync(data, { recursive: true, force: true });
  });
  const start = async (
    changes: { readonly engine?: Pick<Engine, "append" | "ledger">; readonly clock?: Clock } = {},
    problems: string[] = [],
  ) => {
    const { engine, clock } = folder;
    const state = createAcceptState({
      plan: () => engine.plan,
      tables: () => engine.tables,
      partitions: () => engine.partitions,
      ...{ sources: sourcesOf([]), clock, randomId: () => randomUUID() },
    });
    const feed = new Feed({
      ...{ source: system.source("house"), events: source.name, decode, engine, clock },
      context: () => state.context(),
      problem: (text) => problems.push(text),
      ...changes,
    });
    feeds.push(feed);
    await feed.start();
    return feed;
  };
  const settled = async () => {
    while (system.waiting > 0) await folder.clock.yield();
    await folder.engine.drain();
  };

  test("F1 F2 puts events and dead letters into the log and acknowledges them, in order", async () => {
    const feed = await start();
    for (let index = 0; index < 500; index++)
      system.publish("house/h1/attic/temperature", index % 100 === 99 ? "cold" : String(index));
    await settled();
    const { engine, clock } = folder;
    expect(engine.ledger()).toMatchObject({
      received: 500,
      applied: 495,
      rejected: 5,
      duplicate: 0,
    });
    expect(feed.status()).toMatchObject({
      name: "house",
      received: 500,
      acknowledged: 500,
      inFlight: 0,
    });
    const letter = engine.deadLetters.list({ limit: 1 })[0];
    expect(letter).toMatchObject({ code: "messageBroken", source: "mqtt/house", event: "cold" });
    expect(letter?.message).toContain(
      'topic "house/h1/attic/temperature": the payload should be a number',
    );
    const times: number[] = [];
    for (let offset = 0; offset < 500; offset++) {
      const record = engine.record(offset);
      if (record?.kind === "event") times.push(Number(record.event.properties.celsius));
    }
    expect(times).toEqual(times.toSorted((left, right) => left - right));
    expect(clock.now()).toBeGreaterThan(0);
  });

  test("what comes again is a duplicate, and the ids in the log tell it after a restart", async () => {
    await start();
    for (let index = 0; index < 50; index++) system.publish("house/h1/attic/temperature", "7");
    await settled();
    expect(folder.engine.ledger()).toMatchObject({ applied: 50 });
    await folder.close();
    const known = await knownIds(data, ["mqtt/house", "other"]);
    folder = await openFolder(data, { plan: compilePlan(plan) });
    expect(known.get("mqtt/house")).toHaveLength(50);
    expect(known.get("mqtt/house")?.[0]).toBe("memory-1:0");
    expect(known.get("other")).toEqual([]);
  });

  test("F3 appends again until the log takes it, and acknowledges nothing before", async () => {
    const problems: string[] = [];
    const { engine } = folder;
    let [failures, waitingWhileFailing] = [0, 0];
    const failing = {
      ledger: () => engine.ledger(),
      async append(records: Parameters<Engine["append"]>[0]) {
        if (failures++ >= 3) return engine.append(records);
        waitingWhileFailing = system.waiting;
        throw new LogWriteError({ message: "the disk is full", hint: "make room" });
      },
    };
    const feed = await start({ engine: failing }, problems);
    for (let index = 0; index < 30; index++) system.publish("house/h1/attic/temperature", "1");
    await settled();
    expect(waitingWhileFailing).toBe(30);
    expect(engine.ledger()).toMatchObject({ applied: 30, duplicate: 0 });
    expect(feed.status().failedAppends).toBe(3);
    expect(problems).toEqual(Array(3).fill('"house": the log takes no more: the disk is full'));
  });

  test("F3 that is stopped while the log fails leaves the messages to the system", async () => {
    const { engine } = folder;
    const append = async () => {
      throw new LogWriteError({ message: "the disk is full", hint: "make room" });
    };
    const feed = await start({ engine: { append, ledger: () => engine.ledger() } });
    system.publish("house/h1/attic/temperature", "1");
    await feed.stop();
    expect(system.waiting).toBe(1);
    await start();
    await settled();
    expect(engine.ledger()).toMatchObject({ applied: 1 });
  });

  test("F4 waits while the engine is far behind", async () => {
    const { engine } = folder;
    let looks = 0;
    const behind = { ...engine.ledger(), inFlight: 60_000 };
    const ledger = () => (looks++ < 3 ? behind : engine.ledger());
    await start({ engine: { append: (records) => engine.append(records), ledger } });
    system.publish("house/h1/attic/temperature", "1");
    await settled();
    expect(looks).toBe(4);
    expect(engine.ledger()).toMatchObject({ applied: 1 });
  });

  test("any payload on any topic is an event, a dead letter or left out, and the ledger balances", async () => {
    const feed = await start();
    let sent = 0;
    withSeed(import.meta.url, (seed) =>
      fc.assert(
        fc.property(topicText, payloadBytes, (topic, payload) => {
          system.publish(topic, payload);
          sent++;
          const decoded = decode(message(topic, payload));
          if (decoded.kind === "events")
            expect(JSON.stringify(decoded.input.events)).toBeTypeOf("string");
        }),
        { seed, numRuns: Number(process.env.FRESHET_RUNS ?? 2000) },
      ),
    );
    await settled();
    const { received, applied, duplicate, rejected, inFlight } = folder.engine.ledger();
    expect(feed.status()).toMatchObject({ received: sent, acknowledged: sent });
    expect(received).toBe(applied + duplicate + rejected + inFlight);
    expect([applied > 0, rejected > 0, feed.status().leftOut > 0]).toEqual([true, true, true]);
  });
});

const topicText = fc.oneof(
  fc.constantFrom(
    "house/h1/events",
    "house/h1/segment",
    "house/h1/attic/temperature",
    "json/a",
    "text/b",
  ),
  fc.string({ maxLength: 12 }).map((text) => `house/${text}/events`),
  fc.string({ unit: "binary", maxLength: 20 }),
);
const oddEvent = fc.dictionary(
  fc.constantFrom(
    ...["event_type", "event_id", "timestamp", "metadata", "type", "event", "properties", "userId"],
    ...["batch", "context", "kind", "who", "at", "level", "__proto__"],
  ),
  fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom<Json>("Temperature Measured", "track", 3, "x".repeat(600)),
  ),
);
const payloadBytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .oneof(oddEvent, fc.array(oddEvent, { maxLength: 3 }))
    .map((value) => Buffer.from(JSON.stringify(value))),
  fc
    .constantFrom("1", "-0", "1e308", "\ufeff{}", '{"level":0}', '{"event_type":"E"}')
    .map((text) => Buffer.from(text)),
  fc.double().map((number) => Buffer.from(String(number))),
);

describe("brokers in the configuration", () => {
  const broker = { name: "house", url: "mqtt://127.0.0.1", topics: [{ filter: "a/+b" }] };
  const settings = (mqtt: unknown) => settingsOf({ plan, mqtt: mqtt as never }, ".", {});

  test("are taken, with maps", () => {
    const map = { filter: "a/+b", format: celsius };
    expect(settings([{ ...broker, topics: [map], qos: 1 }]).mqtt).toHaveLength(1);
    expect(settings([{ ...broker, username: undefined, password: undefined }]).mqtt).toHaveLength(
      1,
    );
    expect(settings(undefined).mqtt).toEqual([]);
  });

  test("with a mistake are refused, by the name of what is wrong", () => {
    const faultOf = (changes: object) => {
      try {
        settings([{ ...broker, ...changes }]);
      } catch (error) {
        if (error instanceof UsageError) return `${error.message}; ${error.hint}`;
        throw error;
      }
      return "none";
    };
    expect(faultOf({ urll: "x" })).toContain('did you mean "url"?');
    expect(faultOf({ url: "http://x" })).toContain("mqtt[0].url");
    expect(faultOf({ url: "mqtt://me:secret@x" })).toContain("holds a user name");
    expect(faultOf({ url: "mqtt://me:secret@x" })).not.toContain("secret");
    expect(faultOf({ qos: 2 })).toContain("use 1");
    expect(faultOf({ topics: [] })).toContain("is empty");
    expect(faultOf({ topics: [{ filter: "a#" }] })).toContain("no whole level");
    expect(faultOf({ topics: [{ filter: "a", format: "xml" }] })).toContain("native, segment");
    expect(faultOf({ topics: [{ filter: "a", format: { event: "E" } }] })).toContain("constant(");
    expect(faultOf({ topics: [{ filter: "a", format: { payload: "number" } }] })).toContain(
      'has no "event"',
    );
    expect(faultOf({ name: "a b" })).toContain("mqtt[0].name");
    expect(() => settings([broker, broker])).toThrow('two brokers of mqtt are named "house"');
  });
});
