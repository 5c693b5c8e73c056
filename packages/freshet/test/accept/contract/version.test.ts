/** Which version an event is, and what that makes of it. */
import { describe, expect, test } from "vitest";
import { accept, compileContracts, compileJoins } from "../../../src/accept/index.ts";
import * as p from "../../../src/core/plan/index.ts";
import { batch, contextWith, native, onlyEvent, onlyLetter, requestOf, track } from "../fixture.ts";

const paid = p.event(
  "Paid",
  { cents: "integer", currency: "string" },
  {
    version: 3,
    earlier: [
      p.earlier(1, { amount: "number" }, ({ amount }) => [
        p.compute("cents", p.multiply(amount, 100)),
        p.drop("amount"),
      ]),
      p.earlier(2, { cents: "integer" }, [p.setDefault("currency", "EUR")]),
    ],
  },
);
const plan = p.definePlan({ name: "t", events: [paid], features: [] });
const contracts = compileContracts(plan.definition.events, plan.functions);
const context = contextWith({ contracts });
const send = (properties: object, more: object = {}) =>
  batch([track({ event: "Paid", properties, ...more })], context);

describe("an event that says no version", () => {
  test("is of the newest whose contract it meets", () => {
    expect(onlyEvent(send({ cents: 5, currency: "USD" })).version).toBe(3);
    expect(onlyEvent(send({ cents: 5 })).version).toBe(2);
    // Absent is 1, so that logs from before there were versions mean what they meant.
    expect(onlyEvent(send({ amount: 0.05 }))).not.toHaveProperty("version");
  });

  test("is kept as it was sent", () => {
    expect(onlyEvent(send({ amount: 0.05 })).properties).toEqual({ amount: 0.05 });
  });

  test("breaks the newest where it meets none", () => {
    const letter = onlyLetter(send({ cents: "5" }));
    expect(letter).toMatchObject({ code: "contractViolated", schema: "Paid@3" });
    expect(letter.message).toBe(
      'event "Paid" (version 3): "currency" should be there, but is missing, "cents" should be a whole number, but came as text "5"',
    );
  });
});

describe("an event that says its version", () => {
  const said = (version: unknown) => ({ context: { protocols: { event_version: version } } });

  test("is of that one, in Segment's place", () => {
    expect(onlyEvent(send({ cents: 5, currency: "USD" }, said(2))).version).toBe(2);
    expect(onlyEvent(send({ cents: 5 }, said("2"))).version).toBe(2);
    expect(onlyLetter(send({ cents: 5 }, said(3))).schema).toBe("Paid@3");
    expect(onlyLetter(send({ cents: 5 }, said(1)))).toMatchObject({
      schema: "Paid@1",
      path: "/properties/amount",
    });
  });

  test("or in the native one, or CloudEvents'", () => {
    const own = { event_type: "Paid", user_id: "u", event_id: "m" };
    const taken = onlyEvent(native({ ...own, metadata: { cents: 5 }, schema_version: 2 }, context));
    expect(taken).toMatchObject({ version: 2, extra: { schema_version: 2 } });
    const cloud = (more: object) =>
      accept(
        requestOf("cloudevent", {
          ...{ specversion: "1.0", id: "1", source: "/s", type: "Paid", subject: "u" },
          ...{ data: { cents: 5, currency: "USD" }, ...more },
        }),
        context,
      );
    expect(onlyEvent(cloud({ dataversion: "2" })).version).toBe(2);
    expect(onlyEvent(cloud({ dataschema: "https://r/subjects/paid/versions/2" })).version).toBe(2);
    expect(onlyEvent(cloud({ dataschema: "urn:paid;version=2" })).version).toBe(2);
    expect(onlyEvent(cloud({ dataschema: "https://r/schemas/ids/2" })).version).toBe(3);
  });

  test.each([0, -1, 1.5, "two", "", true, null, {}, 1e300, "99999999999"])(
    "says nothing with %j",
    (version) => {
      expect(onlyEvent(send({ cents: 5 }, said(version))).version).toBe(2);
    },
  );

  test("is applied as it is, and marked, where the plan does not list that version", () => {
    const taken = onlyEvent(send({ completely: "other" }, said(7)));
    expect(taken).toMatchObject({ version: 7, notes: ["versionUnknown"] });
    expect(taken).not.toHaveProperty("breach");
  });
});

test("a correction is judged by the plan of now, whatever version its event was of", () => {
  const first = onlyLetter(send({ cents: "5" }));
  expect(first.event).toMatchObject({ properties: { cents: "5" } });
  expect(onlyEvent(send({ cents: 5 })).version).toBe(2);
});

test("joins see the newest version, and the log keeps the event as it came", () => {
  const listed = p.event(
    "Viewed",
    { product_id: "string" },
    {
      version: 2,
      earlier: [p.earlier(1, { sku: "string" }, [p.rename("sku", "product_id")])],
    },
  );
  const joins = compileJoins([
    { table: "items", events: ["Viewed"], on: { prop: "product_id" }, pick: ["price"] },
  ]);
  const tables = new Map([["items", { version: 4, rows: new Map([["a", { price: 5 }]]) }]]);
  const world = contextWith({
    joins,
    tables,
    contracts: compileContracts([listed.definition]),
  });
  const view = (properties: object) =>
    onlyEvent(batch([track({ event: "Viewed", properties })], world));
  expect(view({ sku: "a" })).toMatchObject({
    properties: { sku: "a" },
    joined: { items: { price: 5 } },
  });
  expect(view({ product_id: "a" })).toMatchObject({ version: 2, joined: { items: { price: 5 } } });
});

test("an up-cast that throws in a join leaves it empty, and the event to the reducer", () => {
  const broken = p.event(
    "Viewed",
    { product_id: "string" },
    {
      version: 2,
      earlier: [
        p.earlier(1, { sku: "string" }, [
          p.upCast("fails", ({ properties }) => {
            // Whatever a function does to what it is given, the log keeps what came.
            (properties as { sku?: unknown }).sku = "changed";
            throw new Error("no");
          }),
        ]),
      ],
    },
  );
  const made = p.definePlan({ name: "t", events: [broken], features: [] });
  const world = contextWith({
    joins: compileJoins([
      { table: "items", events: ["Viewed"], on: { prop: "product_id" }, pick: ["price"] },
    ]),
    contracts: compileContracts(made.definition.events, made.functions),
  });
  const taken = onlyEvent(batch([track({ event: "Viewed", properties: { sku: "a" } })], world));
  expect(taken).toMatchObject({ properties: { sku: "a" }, joined: { items: null } });
});
