/** Contracts in the three languages of schemas: what they say, and what they never repeat. */
import { describe, expect, test } from "vitest";
import { checkContracts, compileContracts } from "../../../src/accept/index.ts";
import * as p from "../../../src/core/plan/index.ts";
import { batch, contextWith, onlyEvent, onlyLetter, track } from "../fixture.ts";

const opened = p.event(
  "Email Opened",
  p.jsonSchema({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      campaign: { type: "string", pattern: "^c-" },
      links: { type: "array", items: { type: "object", properties: { url: { type: "string" } } } },
      labels: { type: "object", additionalProperties: { type: "integer" } },
    },
    required: ["campaign"],
    additionalProperties: false,
  }),
);
const moved = p.event(
  "Device Moved",
  p.avroSchema({
    type: "record",
    name: "Moved",
    fields: [
      { name: "device", type: "string" },
      { name: "speed", type: ["null", "double"], default: null },
    ],
  }),
);
const paid = p.event(
  "Paid",
  p.protobufSchema(
    'syntax = "proto3"; package shop; message Other {} message Paid { double total = 1; repeated string items = 2; }',
    { message: "shop.Paid" },
  ),
);
const traits = p.event(
  "Identify",
  p.jsonSchema({ properties: { plan: { enum: ["free", "gold"] } } }),
);
const plan = p.definePlan({ name: "t", events: [opened, moved, paid, traits], features: [] });
const context = contextWith({ contracts: compileContracts(plan.definition.events) });
const send = (event: string, properties: object) => batch([track({ event, properties })], context);

test("events that meet their schema are taken", () => {
  onlyEvent(send("Email Opened", { campaign: "c-1", links: [{ url: "x" }], labels: { a: 1 } }));
  onlyEvent(send("Device Moved", { device: "d" }));
  onlyEvent(send("Device Moved", { device: "d", speed: 1.5 }));
  onlyEvent(send("Paid", { total: 5, items: ["a"] }));
  onlyEvent(send("Paid", {}));
});

describe("a breach names the path, what was expected and what came", () => {
  test.each([
    [
      "Email Opened",
      {},
      "/properties/campaign",
      `"campaign" must have required property 'campaign'`,
    ],
    [
      "Email Opened",
      { campaign: "x" },
      "/properties/campaign",
      `"campaign" must match pattern "^c-", but came as text "x"`,
    ],
    [
      "Email Opened",
      { campaign: "c-1", links: [{ url: 5 }] },
      "/properties/links/0/url",
      `"links.0.url" must be string, but came as number 5`,
    ],
    [
      "Email Opened",
      { campaign: "c-1", other: 5 },
      "/properties/other",
      `"other" must NOT have additional properties, but came as number 5`,
    ],
    ["Device Moved", { device: 5 }, "/properties/device", `"device" should be`],
    [
      "Device Moved",
      { device: "d", colour: "red" },
      "/properties/colour",
      "is no field of the schema",
    ],
    ["Paid", { total: "much" }, "/properties/total", `"total" is not of its type`],
    ["Paid", { totl: 5 }, "/properties/totl", "is no field of the schema"],
  ])("%s %j", (event, properties, path, message) => {
    const letter = onlyLetter(send(event, properties));
    expect(letter).toMatchObject({ code: "contractViolated", schema: `${event}@1`, path });
    expect(letter.message).toContain(message);
  });

  test("in the traits of an identify", () => {
    const identify = { type: "identify", userId: "u", messageId: "m", traits: { plan: "silver" } };
    expect(onlyLetter(batch([identify], context)).path).toBe("/traits/plan");
  });
});

test("the bare form repeats neither values nor names that only a client had", () => {
  const secret = "ana@example.com";
  const judge = (name: string, content: object) => {
    const judged = context.contracts.judge({
      ...{ name, content: content as never, field: "properties", said: undefined },
    });
    if (judged.kind !== "broken") throw new Error("it is not broken");
    return judged.issue.bare ?? "";
  };
  const bare = [
    judge("Email Opened", { campaign: secret }),
    judge("Email Opened", { campaign: "c-1", labels: { [secret]: secret } }),
    judge("Email Opened", { campaign: "c-1", [secret]: 1 }),
    judge("Device Moved", { device: { [secret]: secret } }),
    judge("Device Moved", { device: "d", [secret]: secret }),
    judge("Paid", { total: secret }),
    judge("Paid", { items: [{ [secret]: secret }] }),
    judge("Paid", { [secret]: secret }),
  ];
  for (const text of bare) expect(text).not.toContain("ana");
  expect(bare[0]).toBe('event "Email Opened": "campaign" must match pattern "^c-"');
  expect(bare[1]).toBe('event "Email Opened": "labels.*" must be integer');
});

const nested = (depth: number) => `${'{"not":'.repeat(depth)}true${"}".repeat(depth)}`;
const bomb = (() => {
  const steps = Array.from({ length: 40 }, (_, at) => [
    `s${at}`,
    { allOf: [{ $ref: `#/definitions/s${at + 1}` }, { $ref: `#/definitions/s${at + 1}` }] },
  ]);
  return JSON.stringify({
    $ref: "#/definitions/s0",
    definitions: { ...Object.fromEntries(steps), s40: { type: "object" } },
  });
})();

describe("a schema that cannot be used is an error where it is written, before any event comes", () => {
  test.each([
    ["no JSON", () => p.jsonSchema('{"type": "object"')],
    ["a type that there is not", () => p.jsonSchema({ type: "objekt" })],
    ["a reference to nowhere", () => p.jsonSchema({ $ref: "#/definitions/a" })],
    ["a draft that there is not", () => p.jsonSchema({ $schema: "urn:none" })],
    ["a text of events", () => p.jsonSchema({ type: "string" })],
    ["nothing", () => p.jsonSchema("false")],
    ["nested without end", () => p.jsonSchema(nested(5000))],
    ["references that double", () => p.jsonSchema(bomb)],
    ["a prototype", () => p.jsonSchema('{"properties":{"__proto__":{"type":"string"}}}')],
    ["no Avro", () => p.avroSchema('{"type":"recrd","name":"A","fields":[]}')],
    ["an Avro text", () => p.avroSchema('"string"')],
    [
      "an Avro field twice",
      () =>
        p.avroSchema({
          type: "record",
          name: "A",
          fields: [
            { name: "a", type: "int" },
            { name: "a", type: "int" },
          ],
        }),
    ],
    ["no Protobuf", () => p.protobufSchema("message {")],
    ["no message", () => p.protobufSchema('syntax = "proto3";')],
    [
      "another message",
      () => p.protobufSchema('syntax = "proto3"; message A {}', { message: "shop.B" }),
    ],
  ] satisfies (readonly [string, () => p.Schema<unknown>])[])("%s", (_what, make) => {
    const broken = p.definePlan({
      name: "t",
      events: [p.event("Broken", make())],
      features: [],
    });
    let found: unknown;
    try {
      checkContracts(broken);
    } catch (error) {
      found = error;
    }
    expect(found).toBeInstanceOf(p.PlanError);
    const { message, hint, origin = "" } = found as p.PlanError;
    expect(message).toMatch(/of event "Broken" \(version 1\) cannot be used: /);
    expect(hint).toContain("docs/guides/contracts.md");
    expect(origin).toContain("schema.test.ts");
  });

  test("and so is one of an earlier version", () => {
    const made = p.definePlan({
      name: "t",
      events: [
        p.event(
          "Broken",
          { a: "string" },
          {
            version: 2,
            earlier: [p.earlier(1, p.jsonSchema({ type: "objekt" }), [])],
          },
        ),
      ],
      features: [],
    });
    expect(() => checkContracts(made)).toThrow("(version 1) cannot be used");
  });

  test("what no JSON can hold is told by the builder", () => {
    expect(() => p.jsonSchema({ properties: { a: { minimum: 5n } } })).toThrow(
      '"minimum" is a bigint',
    );
  });
});

describe("a plan that looks at what a schema rules out", () => {
  const shipped = p.event("Shipped", p.protobufSchema("message S { optional int32 parcels = 1; }"));
  const sent = p.event(
    "Sent",
    p.jsonSchema('{"properties":{"carrier":{}},"additionalProperties":false}'),
  );
  const open = p.event("Open", p.jsonSchema("{}"));
  const planOf = (more: Partial<p.PlanSettings>) =>
    p.definePlan({ name: "t", events: [shipped, sent, open], features: [], ...more });
  const parcels = p.property<number>("parcels");
  const carier = p.property("carier");

  test.each([
    ["a value", { features: [p.last("a", sent, carier)] }, 'did you mean "carrier"?'],
    ["a condition", { features: [p.count("a", sent.where(p.eq(carier, "x")))] }, "carrier"],
    ["a key", { features: [p.count("a", shipped, { by: carier })] }, "add it to the schema"],
    [
      "a trigger",
      { triggers: [p.trigger("a", { on: sent, when: p.eq(carier, "x"), do: [p.push("b")] })] },
      "carrier",
    ],
    ["none of several events", { features: [p.last("a", [shipped, sent], carier)] }, "carrier"],
  ] satisfies readonly (readonly [string, Partial<p.PlanSettings>, string])[])(
    "in %s is an error",
    (_what, more, hint) => {
      let found: unknown;
      try {
        checkContracts(planOf(more));
      } catch (error) {
        found = error;
      }
      expect(found).toBeInstanceOf(p.PlanError);
      expect((found as p.PlanError).message).toContain('looks at "carier", which the schema of');
      expect((found as p.PlanError).hint).toContain(hint);
    },
  );

  test.each([
    ["what is there", { features: [p.sum("a", shipped, parcels)] }],
    ["what one of several events has", { features: [p.last("a", [shipped, sent], parcels)] }],
    ["what an open schema may have", { features: [p.last("a", open, carier)] }],
    [
      "what a transform makes",
      {
        features: [p.last("a", sent, carier)],
        filters: [p.transform("t", [sent], ({ properties }) => properties)],
      },
    ],
  ] satisfies readonly (readonly [string, Partial<p.PlanSettings>])[])(
    "is right about %s",
    (_what, more) => expect(() => checkContracts(planOf(more))).not.toThrow(),
  );
});

test("a pattern that would run for ever is held against no event for long", () => {
  const evil = p.event(
    "Evil",
    p.jsonSchema({ properties: { a: { type: "string", pattern: "^(a+)+$" } } }),
  );
  const made = p.definePlan({ name: "t", events: [evil], features: [] });
  const world = contextWith({ contracts: compileContracts(made.definition.events) });
  const letter = onlyLetter(
    batch([track({ event: "Evil", properties: { a: `${"a".repeat(20_000)}!` } })], world),
  );
  expect(letter.code).toBe("contractViolated");
});
