/** The events that the benchmarks send: the shop's names in a shop's proportions. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..");
export const shopConfig = join(root, "examples", "shop", "freshet.config.ts");
export const batchEvents = 50;
export const profiles = 100_000;

interface Product {
  readonly product_id: string;
  readonly name: string;
  readonly category: string;
  readonly price: number;
}

const products = JSON.parse(
  readFileSync(join(root, "examples", "shop", "products.json"), "utf8"),
) as Product[];

/** Mulberry32: small, seeded, good enough to pick products with. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Zipf law with s = 1 by inversion of its continuous form. */
export function zipf(random: () => number): number {
  return Math.min(profiles - 1, Math.floor(Math.exp(random() * Math.log(profiles + 1)) - 1));
}

export const profileName = (rank: number): string => `bench-${String(rank).padStart(8, "0")}`;

/** In percent. An order in two hundred events is a session in ten that buys, at twenty events each. */
const names = [
  ["page", 18],
  ["Product List Viewed", 12],
  ["Product Viewed", 49.5],
  ["Products Searched", 6],
  ["Product Added", 9],
  ["Cart Viewed", 3],
  ["Checkout Started", 2],
  ["Order Completed", 0.5],
] as const;

function pickName(random: () => number): string {
  let left = random() * 100;
  for (const [name, share] of names) {
    left -= share;
    if (left < 0) return name;
  }
  return "Product Viewed";
}

function propertiesOf(name: string, product: Product): object {
  switch (name) {
    case "page":
      return { path: `/p/${product.product_id}`, title: product.name };
    case "Product List Viewed":
      return { category: product.category };
    case "Products Searched":
      return { query: product.name };
    case "Order Completed":
      return { order_id: product.product_id, total: product.price, currency: "EUR" };
    case "Cart Viewed":
    case "Checkout Started":
      return {};
    default: {
      const { product_id, category, price } = product;
      return { product_id, name: product.name, category, price };
    }
  }
}

/** Digits that are written over before each send, so that every event of every batch has an id of its own. */
const idMark = "000000000000";

export function makeEvent(random: () => number): object {
  const name = pickName(random);
  const product = products[Math.floor(random() * products.length)] as Product;
  return {
    messageId: `ajs-next-1795255849381-${idMark}`,
    type: name === "page" ? "page" : "track",
    ...(name === "page" ? { name: "Home" } : { event: name }),
    anonymousId: profileName(zipf(random)),
    properties: propertiesOf(name, product),
    context: { page: { path: `/p/${product.product_id}` }, locale: "en-GB" },
  };
}

/** A request body that can be sent again and again: `stamp` gives all its events new ids. */
export class Batch {
  readonly bytes: Buffer;
  readonly firstProfile: string;
  readonly #marks: number[] = [];

  constructor(random: () => number, writeKey: string) {
    const events = Array.from({ length: batchEvents }, () => makeEvent(random));
    this.firstProfile = (events[0] as { readonly anonymousId: string }).anonymousId;
    this.bytes = Buffer.from(JSON.stringify({ writeKey, batch: events }));
    for (let at = this.bytes.indexOf(idMark); at !== -1; at = this.bytes.indexOf(idMark, at + 12))
      this.#marks.push(at);
  }

  /** A copy, since the last one may still be on its way out. */
  stamp(sequence: number): Buffer {
    const copy = Buffer.from(this.bytes);
    let number = sequence * batchEvents;
    for (const mark of this.#marks) copy.write(String(number++).padStart(12, "0"), mark, "latin1");
    return copy;
  }
}

export function makeBatches(count: number, writeKey: string): Batch[] {
  const random = randomOf(7);
  return Array.from({ length: count }, () => new Batch(random, writeKey));
}
