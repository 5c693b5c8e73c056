import type { Json, JsonObject } from "@freshet/protocol";
import type { SeenEvent } from "../../src/schema/infer/index.ts";
import type { Random } from "../../src/testing/random.ts";

const names = [
  ...["id", "price", "name", "category", "created_at", "product-id", "total amount", "Items"],
  ...["constructor", "toString", "google", "item", "__proto__", "é", "a.b", "a/b~c", "", "user"],
];
const texts = [
  "a",
  "b",
  "red",
  "2026-05-04T12:00:00Z",
  "ana@example.com",
  "",
  "x\u2028y",
  "7",
  "long".repeat(11),
];

/** A value of any kind; some places are of one kind in every event, some of several. */
export function randomValue(random: Random, depth: number): Json {
  const kind = random.below(depth > 3 ? 6 : 9);
  if (kind === 0) return null;
  if (kind === 1) return random.chance(0.5);
  if (kind === 2) return random.below(1000) - 500;
  if (kind === 3) return random.pick([0.5, -1.25, 1e300, 1e-300, 2 ** 53, -(2 ** 60), 0.1]);
  if (kind <= 5) return random.pick(texts) + (random.chance(0.2) ? random.below(100) : "");
  if (kind === 6)
    return Array.from({ length: random.below(4) }, () => randomValue(random, depth + 1));
  if (kind === 7) return randomMap(random, depth);
  return randomObject(random, depth + 1);
}

function randomMap(random: Random, depth: number): JsonObject {
  const keys = Array.from({ length: random.below(30) }, () => `k${random.below(5000)}`);
  return Object.fromEntries(keys.map((key) => [key, randomValue(random, depth + 2)]));
}

export function randomObject(random: Random, depth = 0): JsonObject {
  const chosen = Array.from({ length: random.below(6) }, () => random.pick(names));
  return Object.fromEntries(
    chosen.map((name) => [name, random.chance(0.6) ? steady(name) : randomValue(random, depth)]),
  );
}

/** The same for a name in every event. */
function steady(name: string): Json {
  return name.length % 3 === 0 ? name.length : name.length % 3 === 1 ? `t${name.length}` : [name];
}

export function randomEvents(random: Random, count: number): SeenEvent[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `m${at}`,
    // One of them often enough for a sample that is full.
    name: random.chance(0.6)
      ? "Product Viewed"
      : random.pick(["Order Completed", "Identify", "3 times ana"]),
    content: randomObject(random),
    origin: `source ${random.pick(["web", "app"])}, library ${random.below(20)}`,
    profile: random.below(50),
    isRefused: random.chance(0.1),
  }));
}

/** A summary as data, in one order, to compare. */
export function dump(value: unknown): unknown {
  if (value instanceof Set) return [...value].sort();
  if (value instanceof Map)
    return [...value]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([k, v]) => [k, dump(v)]);
  if (Array.isArray(value)) return value.map(dump);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, dump(v)]));
}
