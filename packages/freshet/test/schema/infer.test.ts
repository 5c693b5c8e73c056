import type { Json, JsonObject } from "@freshet/protocol";
import { describe, expect, it } from "vitest";
import { codecOf, parseSchema } from "../../src/schema/index.ts";
import {
  addTraffic,
  avroProposal,
  type EventProposal,
  type EventSummary,
  inferLimits,
  jsonProposal,
  newTraffic,
  proposalCodec,
  propose,
  protobufProposal,
  settleTraffic,
  tryProposal,
  typescriptProposal,
} from "../../src/schema/infer/index.ts";

interface Sent {
  readonly content: JsonObject;
  readonly origin?: string;
  readonly profile?: number;
}

/** The summary of one event's traffic. */
function seen(events: readonly Sent[], name = "Order Completed"): EventSummary {
  const traffic = newTraffic(1);
  for (const [at, { content, origin = "source web", profile = at % 50 }] of events.entries())
    addTraffic(traffic, { id: `m${at}`, name, content, origin, profile, isRefused: false });
  settleTraffic(traffic);
  const summary = traffic.names.get(name);
  if (summary === undefined) throw new Error("nothing was summed up");
  return summary;
}

const many = (count: number, make: (at: number) => JsonObject): Sent[] =>
  Array.from({ length: count }, (_, at) => ({ content: make(at) }));

const proposed = (events: readonly Sent[], name?: string): EventProposal =>
  propose(seen(events, name));

function schemaOf(events: readonly Sent[], name?: string): JsonObject {
  const { properties } = jsonProposal(proposed(events, name));
  return (properties ?? {}) as JsonObject;
}

const builder = (events: readonly Sent[], name?: string): string =>
  typescriptProposal([proposed(events, name)]);

describe("what is proposed", () => {
  it("is a builder that can be pasted, with what is seldom, null and mixed told", () => {
    const text = builder([
      ...many(196, (at) => ({
        order_id: `o-${at}`,
        total: at + 0.5,
        coupon: at % 2 ? null : "x9",
      })),
      ...many(4, () => ({ order_id: "o", total: "12.50" })).map((one) => ({
        ...one,
        origin: "source web, library analytics.js 4.1",
      })),
    ]);
    expect(text).toBe(
      `import { event, jsonSchema } from "freshet/plan";

export const orderCompleted = event("Order Completed", jsonSchema({
  type: "object",
  properties: {
    order_id: { type: "string" },
    // number in 98 %, text in 2 % (source web, library analytics.js 4.1); 0.5 to 200
    total: { type: ["number", "string"] },
    // in 98 % of 200; null in 50 %
    coupon: { type: ["string", "null"] },
  },
  required: ["order_id", "total"],
}));
`,
    );
  });

  it("is a plain shape where no property has insides", () => {
    const events = many(100, (at) => ({
      ...{ product_id: `p${at}`, price: 10, quantity: 1 + (at % 3), gift: at % 2 === 0 },
      ...(at < 99 ? { at: "2026-05-04T12:00:00Z" } : {}),
    }));
    expect(builder(events, "Product Added")).toBe(
      `import { event } from "freshet/plan";

export const productAdded = event("Product Added", {
  gift: "boolean",
  price: "number", // always 10
  product_id: "string",
  quantity: "integer", // 1 to 3
  at: "string?", // in 99 % of 100; date-time
});
`,
    );
  });

  it("looks into objects and lists", () => {
    const events = many(30, (at) => ({
      cart: { items: [{ sku: `s${at}`, price: 2.5 }, { sku: "s" }], note: null },
      sizes: [[1, 2], [at]],
      empty: [],
    }));
    expect(schemaOf(events)).toEqual({
      cart: {
        type: "object",
        properties: {
          items: {
            type: "array",
            items: {
              type: "object",
              properties: {
                sku: { type: "string" },
                price: expect.objectContaining({ type: "number" }),
              },
              required: ["sku"],
            },
          },
          note: expect.objectContaining({ $comment: "null in 100 %" }),
        },
        required: ["items", "note"],
      },
      sizes: { type: "array", items: { type: "array", items: { type: "integer" } } },
      empty: { type: "array" },
    });
  });

  it("tells maps from records by their keys", () => {
    const events = many(100, (at) => ({
      stock: { [`sku${at}`]: at, [`sku${at + 1}`]: 1 },
      byDay: { "2026": 1, "2027": at },
      address: { city: "x", street: "y" },
    }));
    const schema = schemaOf(events);
    expect(schema.stock).toEqual({ type: "object", additionalProperties: { type: "integer" } });
    expect(schema.byDay).toEqual({ type: "object", additionalProperties: { type: "integer" } });
    expect(schema.address).toMatchObject({ required: ["city", "street"] });
  });

  it("has a format only where every text has it, and enough of them came", () => {
    const at = "2026-05-04T12:00:00Z";
    const all = many(inferLimits.formatMin, () => ({
      at,
      mail: "ana@example.com",
      day: "2026-05-04",
    }));
    expect(schemaOf(all)).toMatchObject({
      at: { format: "date-time" },
      mail: { format: "email" },
      day: { format: "date" },
    });
    expect(schemaOf(all.slice(1)).at).toEqual({ type: "string" });
    expect(schemaOf([...all, { content: { at: "soon" } }]).at).toEqual({ type: "string" });
  });

  it("takes money for a number even where all sums were whole", () => {
    expect(schemaOf(many(50, () => ({ price: 10, totalCents: 1000, floor: 2 })))).toMatchObject({
      price: { type: "number" },
      totalCents: { type: "integer" },
      floor: { type: "integer" },
    });
  });

  it("says when it rests on little", () => {
    expect(proposed(many(3, () => ({}))).notes).toEqual(["rests on 3 events only"]);
  });
});

describe("an enumeration", () => {
  const colours = ["red", "green", "blue"];
  const spread = many(inferLimits.enumerationMin, (at) => ({ colour: colours[at % 3] ?? "" }));

  it("is proposed where few texts cover everything, each often and with several profiles", () => {
    expect(schemaOf(spread).colour).toEqual({ type: "string", enum: ["blue", "green", "red"] });
  });

  it("is not proposed of a small sample, of many texts, of long ones, or with a seldom one", () => {
    expect(schemaOf(spread.slice(1)).colour).toEqual({ type: "string" });
    const { valuesMax, valueCharsMax } = inferLimits;
    const tooMany = many(2000, (at) => ({ colour: `c${at % (valuesMax + 1)}` }));
    expect(schemaOf(tooMany).colour).toEqual({ type: "string" });
    const long = many(2000, (at) => ({ colour: at % 2 ? "red" : "x".repeat(valueCharsMax + 1) }));
    expect(schemaOf(long).colour).toEqual({ type: "string" });
    expect(schemaOf([...spread, { content: { colour: "mauve" } }]).colour).toEqual({
      type: "string",
    });
  });

  it("of one text is told and not demanded", () => {
    const schema = schemaOf(many(300, () => ({ currency: "EUR" })));
    expect(schema.currency).toEqual({ $comment: 'always "EUR"', type: "string" });
  });
});

describe("what is private", () => {
  const texts = (events: readonly Sent[], name?: string): string => {
    const proposal = proposed(events, name);
    return [
      typescriptProposal([proposal]),
      JSON.stringify(jsonProposal(proposal)),
      JSON.stringify(avroProposal(proposal)),
      protobufProposal([proposal]).text,
      JSON.stringify(proposal.notes),
    ].join("\n");
  };

  it("values of few profiles are not shown, however often they came", () => {
    const events = many(1000, (at) => ({ mood: at % 2 ? "grumpy" : "cheerful", weight: 81.5 }));
    const ofFour = events.map((one, at) => ({ ...one, profile: at % 4 }));
    expect(texts(ofFour)).not.toMatch(/grumpy|cheerful|81|82/);
    const oneLonely = events.map((one, at) => ({ ...one, profile: at % 2 ? at : 7 }));
    expect(texts(oneLonely)).not.toMatch(/grumpy|cheerful/);
    expect(texts(events)).toMatch(/grumpy/);
  });

  it("values of names that sound like a person's are not shown", () => {
    const names = ["user_id", "firstName", "E-Mail", "phone2", "ipAddress", "sessionToken", "zip"];
    for (const name of names)
      expect(
        texts(many(1000, (at) => ({ [name]: at % 2 ? "secret" : "hidden" }))),
        name,
      ).not.toMatch(/secret|hidden/);
    const inside = many(1000, (at) => ({
      customer: { mood: at % 2 ? "grumpy" : "fine", age: 42 },
    }));
    expect(texts(inside)).not.toMatch(/grumpy|42/);
  });

  it("traits are about people, whatever they are called", () => {
    const events = many(1000, (at) => ({ plan: at % 2 ? "gold" : "silver", visits: 42 }));
    expect(texts(events, "Identify")).not.toMatch(/gold|silver|42/);
    expect(texts(events, "Order Completed")).toMatch(/gold/);
  });

  it("numbers are shown roughly", () => {
    const text = texts(many(100, (at) => ({ total: at === 50 ? 48_731.25 : 1234.56 })));
    expect(text).toMatch(/1,200 to 49,000/);
    expect(text).not.toMatch(/48,?731|1,?234/);
  });

  it("names that are data themselves are left out, and only counted", () => {
    const events = many(50, (at) => ({
      "ana@example.com": true,
      "550e8400-e29b-41d4-a716-446655440000": 1,
      [`4711081500${at}`]: 2,
      plain: { "ana@example.com": 1 },
    }));
    expect(texts(events)).not.toMatch(/ana@|550e8400|4711081500/);
    expect(proposed(events).notes).toEqual(["52 properties left out: the names look like data"]);
  });

  it("why a sampled event cannot be written is told without its keys and values", () => {
    const summary = seen(many(40, (at) => ({ plain: 1, ["ana@example.com"]: `secret${at}` })));
    const trial = tryProposal("AVRO", propose(summary), summary.sample);
    expect(trial).toEqual({
      name: "Order Completed",
      tried: 40,
      failed: 40,
      reasons: [{ reason: '"*" is no field of the schema', count: 40 }],
    });
  });
});

describe("names from clients", () => {
  const evil = 'a"\n\u2028*/ } hack(); // \u001b[31m';

  it("come as one line of harmless text", () => {
    const events = many(30, (at) => ({ [evil]: at, __proto__x: 1 })).map((one, at) => ({
      ...one,
      origin: at % 2 ? evil : "x",
      content: at % 2 ? one.content : { ...one.content, mixed: at % 4 ? 1 : evil },
    }));
    const proposal = proposed(events, evil);
    for (const text of [typescriptProposal([proposal]), protobufProposal([proposal]).text])
      for (const line of text.split("\n")) {
        expect(line).not.toMatch(/\p{Cc}|\u2028|\u2029/u);
        expect(line.trim()).not.toMatch(/^(hack|\*\/)/);
      }
    const { notes } = protobufProposal([proposal]);
    expect(notes.join()).toMatch(/is no name that Protobuf takes, left out$/);
    expect(proposalCodec("JSON", proposal).validate({ [evil]: 3 })).toBe(true);
  });

  it('like "__proto__" are left out', () => {
    const content = JSON.parse(
      '{"__proto__": {"x": 1}, "constructor": "c", "toString": 1}',
    ) as JsonObject;
    const events = Array.from({ length: 30 }, () => ({ content }));
    const proposal = proposed(events);
    expect(proposal.notes).toEqual(['1 property left out: no schema takes the name "__proto__"']);
    expect(proposal.content.properties.map(({ name }) => name)).toEqual([
      "constructor",
      "toString",
    ]);
    expect(proposalCodec("JSON", proposal).validate({ constructor: "c" } as JsonObject)).toBe(
      false,
    );
    expect(proposalCodec("JSON", proposal).validate(content)).toBe(true);
  });
});

describe("hostile events end in a note and in bounded memory", () => {
  const places = (summary: EventSummary): number => {
    const count = (place: EventSummary["tree"]["root"]): number =>
      [place.items, ...(place.properties?.values() ?? [])].reduce(
        (sum, inside) => sum + (inside === undefined ? 0 : 1 + count(inside)),
        0,
      );
    return count(summary.tree.root);
  };

  it("with 10,000 different names of properties, and keeps those that are common", () => {
    const events = many(2000, (at) => ({
      product_id: `p${at}`,
      price: 2,
      ...Object.fromEntries(Array.from({ length: 5 }, (_, k) => [`x${at}_${k}`, k])),
    }));
    const summary = seen(events);
    expect(places(summary)).toBeLessThanOrEqual(inferLimits.placesMax);
    const { content, notes } = propose(summary);
    expect(content.properties.map(({ name }) => name).sort()).toEqual(["price", "product_id"]);
    expect(notes[0]).toBe(
      "more than 500 different properties: read from a sample of 100 events of 2000, nothing is proposed as required",
    );
    expect(notes[1]).toMatch(/^\d+ properties left out: each in less than 1 % of events$/);
  });

  it("with one event of 10,000 names among ordinary ones", () => {
    const hostile = Object.fromEntries(Array.from({ length: 10_000 }, (_, k) => [`x${k}`, k]));
    const summary = seen([{ content: hostile }, ...many(500, () => ({ price: 2, sku: "s" }))]);
    const { content } = propose(summary);
    expect(content.properties.map(({ name }) => name)).toEqual(["price", "sku"]);
    expect(places(summary)).toBeLessThanOrEqual(inferLimits.placesMax);
  });

  it("nested 32 deep, and wide at each level", () => {
    let value: Json = 1;
    for (let level = 0; level < 31; level++) value = level % 2 ? [value, value] : { a: value };
    const wide = (level: number): Json =>
      level === 0 ? 1 : Object.fromEntries([..."abcdefgh"].map((key) => [key, wide(level - 1)]));
    const summary = seen([...many(30, () => ({ deep: value })), { content: { wide: wide(4) } }]);
    expect(places(summary)).toBeLessThanOrEqual(inferLimits.placesMax);
    const proposal = propose(summary);
    expect(proposal.notes[0]).toMatch(
      /inside of objects and lists not described: more than 500 places/,
    );
    for (const kind of ["JSON", "PROTOBUF"] as const)
      for (const content of [{ deep: value }, { wide: wide(4) }])
        expect(proposalCodec(kind, proposal).explain(content)).toEqual([]);
  });

  it("of huge texts", () => {
    const huge = "x".repeat(30_000);
    const summary = seen(many(300, (at) => ({ text: huge + at, [huge]: 1 })));
    expect(JSON.stringify([...(summary.sample.entries ?? [])])).toBe("[]");
    expect(summary.tree.root.properties?.get("text")?.texts).toEqual({ formats: 0, values: null });
    expect([...(summary.tree.root.properties?.keys() ?? [])]).toEqual(["text"]);
    expect(propose(summary).content.isOpen).toBe(true);
  });

  it("of 10,000 different names of events", () => {
    const traffic = newTraffic(1, ["Order Completed"]);
    for (let at = 0; at < 10_000; at++)
      for (const name of [`Viewed ${at}`, "Order Completed"])
        addTraffic(traffic, {
          ...{ id: `m${at}`, name, content: { at }, origin: "", profile: at, isRefused: false },
        });
    settleTraffic(traffic);
    expect(traffic.names.size).toBe(inferLimits.namesMax + 1);
    expect(traffic.names.get("Order Completed")?.count).toBe(10_000);
  });
});

describe("a proposal in three languages", () => {
  const events = many(300, (at) => ({
    order_id: `o${at}`,
    total: at / 4,
    count: at,
    state: ["open", "paid"][at % 2] ?? "",
    gift: at % 3 === 0,
    items: [{ sku: `s${at}`, tags: at % 2 ? ["a"] : [] }],
    stock: { [`k${at}`]: at },
    ...(at % 7 === 0 ? {} : { "product-id": "p", note: at % 5 ? "n" : null }),
    either: at % 2 ? 1 : "one",
    pair: [[1], [2, 3]],
  }));

  it("writes and reads every event that it rests on", () => {
    const summary = seen(events);
    const proposal = propose(summary);
    for (const kind of ["JSON", "PROTOBUF"] as const) {
      const codec = proposalCodec(kind, proposal);
      for (const { content } of events) expect(codec.explain(content)).toEqual([]);
    }
    expect(tryProposal("PROTOBUF", proposal, summary.sample)).toMatchObject({ failed: 0 });
    // Avro has no name for "product-id": its events are told, and all others come back as they were.
    const codec = proposalCodec("AVRO", proposal);
    for (const { content } of events) {
      const { "product-id": hyphened, ...rest } = content;
      expect(codec.validate(content)).toBe(hyphened === undefined);
      const back = codec.decode(codec.encode(rest)) as JsonObject;
      expect(back).toEqual({ note: null, ...rest });
    }
    expect(avroProposal(proposal).notes).toEqual([
      'OrderCompleted: "product-id" is no name that Avro takes, left out',
    ]);
  });

  it("gives Protobuf one file for all events, whose messages take theirs", () => {
    const proposals = [
      proposed(events),
      proposed(
        many(30, () => ({ google: 1, Items: [{}] })),
        "order completed",
      ),
    ];
    const { text, messages } = protobufProposal(proposals);
    expect(messages).toEqual(["OrderCompleted", "OrderCompleted2"]);
    const schema = parseSchema("PROTOBUF", text);
    const second = codecOf(schema, { message: "OrderCompleted2" });
    expect(second.decode(second.encode({ google: 1, Items: [{}] }))).toEqual({
      google: "1",
      Items: [{}],
    });
  });
});
