import type { Json } from "@freshet/protocol";
import { layoutOf } from "../../src/adapters/log/payload/event-layout.ts";
import type { Layout } from "../../src/adapters/log/payload/layout.ts";
import type { AcceptedEvent, EventType } from "../../src/core/event.ts";
import type { PropertyDefinition, PropertyKind } from "../../src/core/plan/definition.ts";
import type { EventRecord } from "../../src/core/record.ts";
import type { Random } from "../../src/testing/random.ts";

const property = (kind: PropertyKind): PropertyDefinition => ({ kind, optional: true });

/** A layout with names that no schema language can have, and all kinds of properties. */
export const layout: Layout = layoutOf({
  events: [
    {
      name: "Product Viewed",
      properties: {
        product_id: property("string"),
        price: property("number"),
        quantity: property("integer"),
        gift: property("boolean"),
        tags: property("list"),
        "7": property("string"),
        constructor: property("string"),
      },
    },
    { name: "Größe!", properties: { "a b": property("any"), a_b: property("string") } },
    { name: "größe?", properties: { "": property("object"), text: property("number") } },
    { name: "Identify", properties: { email: property("string"), age: property("integer") } },
    { name: "Empty", properties: {} },
  ],
  tables: [
    { name: "products", key: "id", columns: { cents: property("integer") } },
    { name: "__proto__", key: "id", columns: {} },
  ],
  joins: [
    {
      table: "products",
      events: ["Product Viewed"],
      on: { prop: "product_id" },
      pick: ["name", "cents"],
    },
  ],
});

const names = ["Product Viewed", "Größe!", "größe?", "Identify", "Page", "Empty", "Other", ""];
const types: readonly EventType[] = ["track", "identify", "page", "screen", "group", "alias"];
const keys = [
  ...["product_id", "price", "quantity", "gift", "tags", "7", "constructor", "a b", "a_b", "", "0"],
  ...["text", "__proto__", "toString", "page", "path", "url", "email", "name", "ünï", "🦊", "x"],
];
const texts = [
  ...["", "a", "default", "ünï ✓ 🦊", "\u0000\u2028", "\ud800", "a\udc00b", "x".repeat(31)],
  ...["x".repeat(32), "x".repeat(63), "x".repeat(64), "ü".repeat(33), "€".repeat(50)],
  ...["y".repeat(127), "y".repeat(128), "z".repeat(8191), "z".repeat(8192), "é".repeat(5000)],
];
const numbers = [
  ...[0, -0, 1, -1, 63, 64, -64, -65, 127, 128, 0.1, -1.5, 2 ** 31 - 1, 2 ** 31, -(2 ** 31)],
  ...[2 ** 52 - 1, 2 ** 52, -(2 ** 52), 2 ** 53, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 64, 1e300],
  ...[Number.MIN_VALUE, Number.MAX_VALUE, 1_795_255_849_381, 129.95],
];

/** Any JSON, of any type for any key, as a client may send it. */
export function randomValue(random: Random, depth = 0): Json {
  const kind = random.below(depth > 4 ? 4 : 7);
  switch (kind) {
    case 0:
      return random.pick(texts);
    case 1:
      return random.chance(0.5)
        ? random.pick(numbers)
        : (random.next() - 0.5) * 2 ** random.below(60);
    case 2:
      return random.chance(0.5);
    case 3:
      return random.chance(0.3) ? null : String(random.below(1000));
    case 4:
      return Array.from({ length: random.below(5) }, () => randomValue(random, depth + 1));
    default:
      return randomObject(random, depth + 1);
  }
}

/** Keys come in any order, and those that set prototypes by assignment are keys like any other. */
export function randomObject(random: Random, depth = 0): { [key: string]: Json } {
  const object: { [key: string]: Json } = {};
  for (let count = random.below(8); count > 0; count--)
    Object.defineProperty(object, random.pick(keys), {
      value: randomValue(random, depth),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return object;
}

/** An event record as accept makes them, and in one of ten something that none has. */
export function randomRecord(random: Random): EventRecord {
  const isUser = random.chance(0.5);
  const id = random.pick(["u1", "ünï", "x".repeat(100), " ", "🦊"]);
  const event: { [key: string]: unknown } = {
    id: random.pick(texts),
    type: random.pick(types),
    name: random.pick(names),
    time: random.chance(0.9) ? random.below(2 ** 50) : random.pick(numbers),
    source: random.pick(["default", "web", "ünï"]),
    properties: randomObject(random),
    ...(isUser || random.chance(0.3) ? { userId: id } : {}),
    ...(!isUser || random.chance(0.3) ? { anonymousId: `a${id}` } : {}),
  };
  const add = (name: keyof AcceptedEvent, make: () => unknown) => {
    if (random.chance(0.4)) event[name] = make();
  };
  add("traits", () => randomObject(random));
  add("context", () => randomContext(random));
  add("extra", () => randomObject(random));
  add("imported", () => true);
  add("notes", () => ["skewCorrected", "retryCount:2"]);
  add("version", () => random.below(4));
  add("corrects", () => ({ letter: random.below(2 ** 40), job: "j1" }));
  add("breach", () => ({ schema: "a@1", message: "is wrong", path: "/price" }));
  add("joined", () => ({ products: random.chance(0.5) ? null : { name: "Vase", cents: 12 } }));
  add("tables", () => ({ products: 3, ["__proto__"]: 2, "of a later plan": 1 }));
  if (random.chance(0.1)) event[random.pick(["later", "__proto", "7"])] = randomValue(random);
  // What was checked is of the shape; what was added on purpose is what a later version may add.
  const known = event as unknown as AcceptedEvent;
  const key = known.userId === undefined ? `anon:${known.anonymousId}` : `user:${known.userId}`;
  return {
    kind: "event",
    partition: random.below(65_536),
    at: random.below(2 ** 41),
    key,
    event: known,
  };
}

function randomContext(random: Random): { [key: string]: Json } {
  return {
    ...(random.chance(0.8) ? { page: { path: "/p", url: "https://a.example/p", title: "Ä" } } : {}),
    ...(random.chance(0.5) ? { userAgent: `Mozilla/5.0 ${"x".repeat(random.below(150))}` } : {}),
    ...(random.chance(0.5) ? { library: { version: "1", name: "a" }, locale: "de" } : {}),
    ...(random.chance(0.3) ? randomObject(random, 1) : {}),
  };
}
