/** The types of `prop` are checked where this file is compiled; what runs is what the definitions hold. */
import { expect, test } from "vitest";
import * as p from "../../src/core/plan/index.ts";

/** Compiles only where both are the same type. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
const same = <A, B>(holds: Same<A, B>): void => expect(holds).toBe(true);

test("a JSON Schema literal gives its properties' names, kinds and types", () => {
  const opened = p.event(
    "Email Opened",
    p.jsonSchema({
      type: "object",
      properties: {
        campaign: { type: "string" },
        opens: { type: "integer" },
        client: { enum: ["web", "phone", null] },
        tags: { type: "array", items: { type: "string" } },
        note: { type: ["string", "null"] },
        at: { type: "object", properties: { city: { type: "string" } } },
        deep: { $ref: "#/definitions/Deep" },
      },
      required: ["campaign", "opens"],
      definitions: { Deep: { type: "number" } },
    }),
  );
  same<typeof opened.prop.campaign, p.Value<string>>(true);
  same<typeof opened.prop.opens, p.Value<number>>(true);
  same<typeof opened.prop.client, p.Value<"web" | "phone">>(true);
  same<typeof opened.prop.tags, p.Value<readonly string[]>>(true);
  same<typeof opened.prop.note, p.Value<string>>(true);
  same<typeof opened.prop.at, p.Value<{ readonly city?: string }>>(true);
  same<typeof opened.prop.deep, p.Value<unknown>>(true);
  p.gt(opened.prop.opens, 3);
  // @ts-expect-error: a number is no text
  p.eq(opened.prop.opens, "three");
  // @ts-expect-error: the schema has no such property
  expect(opened.prop.other.expression).toEqual({ prop: "other" });
  expect(opened.definition.properties).toEqual({
    campaign: { kind: "string", optional: false },
    opens: { kind: "integer", optional: false },
    client: { kind: "string", optional: true },
    tags: { kind: "list", optional: true },
    note: { kind: "string", optional: true },
    at: { kind: "object", optional: true },
    deep: { kind: "number", optional: true },
  });
  expect(opened.prop.campaign.expression).toEqual({ prop: "campaign" });
});

test("an Avro literal does the same", () => {
  const moved = p.event(
    "Device Moved",
    p.avroSchema({
      type: "record",
      name: "Moved",
      fields: [
        { name: "device", type: "string" },
        { name: "speed", type: ["null", "double"], default: null },
        { name: "mode", type: { type: "enum", name: "Mode", symbols: ["walk", "ride"] } },
        { name: "track", type: { type: "array", items: "double" } },
        { name: "labels", type: { type: "map", values: "int" } },
        { name: "since", type: { type: "long", logicalType: "timestamp-millis" } },
        {
          name: "place",
          type: { type: "record", name: "Place", fields: [{ name: "lat", type: "double" }] },
        },
        { name: "again", type: "Place" },
      ],
    }),
  );
  same<typeof moved.prop.device, p.Value<string>>(true);
  same<typeof moved.prop.speed, p.Value<number>>(true);
  same<typeof moved.prop.mode, p.Value<"walk" | "ride">>(true);
  same<typeof moved.prop.track, p.Value<readonly number[]>>(true);
  same<typeof moved.prop.labels, p.Value<{ readonly [key: string]: number }>>(true);
  same<typeof moved.prop.since, p.Value<string | number>>(true);
  same<typeof moved.prop.place, p.Value<{ readonly lat: number }>>(true);
  same<typeof moved.prop.again, p.Value<unknown>>(true);
  expect(
    Object.entries(moved.definition.properties).map(([name, { kind, optional }]) => [
      name,
      kind,
      optional,
    ]),
  ).toEqual([
    ["device", "string", false],
    ["speed", "number", true],
    ["mode", "string", false],
    ["track", "list", false],
    ["labels", "object", false],
    ["since", "any", false],
    ["place", "object", false],
    ["again", "any", false],
  ]);
});

test("the types of a text are said, and are unknown otherwise", () => {
  const paid = p.event(
    "Paid",
    p.protobufSchema<{ total: number; currency?: string }>(
      'syntax = "proto3"; message Paid { double total = 1; }',
    ),
  );
  same<typeof paid.prop.total, p.Value<number>>(true);
  expect(paid.prop.currency?.expression).toEqual({ prop: "currency" });
  const read = p.event("Read", p.jsonSchema('{"properties": {"page": {"type": "integer"}}}'));
  same<(typeof read.prop)["page"], p.Value<unknown>>(true);
  expect(read.definition.properties).toEqual({ page: { kind: "integer", optional: true } });
  expect(read.prop["page"]?.expression).toEqual({ prop: "page" });
});

test("an earlier version gives its own properties to its steps", () => {
  const { definition } = p.earlier(1, { price: "number", quantity: "integer" }, (prop) => {
    same<typeof prop.price, p.Value<number>>(true);
    return [p.compute("total", p.multiply(prop.price, prop.quantity)), p.drop("price")];
  });
  expect(definition).toEqual({
    version: 1,
    properties: {
      price: { kind: "number", optional: false },
      quantity: { kind: "integer", optional: false },
    },
    upCast: [
      {
        op: "compute",
        property: "total",
        value: { op: "mul", args: [{ prop: "price" }, { prop: "quantity" }] },
      },
      { op: "drop", property: "price" },
    ],
  });
});

test("a declaration by a shape is the data that it was", () => {
  expect(JSON.stringify(p.event("Viewed", { id: "string", price: "number?" }).definition)).toBe(
    '{"name":"Viewed","properties":{"id":{"kind":"string","optional":false},"price":{"kind":"number","optional":true}}}',
  );
});
