/**
 * Gentle demo traffic: visitors that browse, search, fill carts, buy, come back and log in on a second device, so
 * that the shop is alive before the first click. SHOP_TRAFFIC=0 starts none.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface TrafficOptions {
  readonly url: string;
  readonly writeKey: string;
  /** Events per second, about; 3 unless said, by SHOP_TRAFFIC where that is set. */
  readonly eventsPerSecond?: number;
}

interface Product {
  readonly product_id: string;
  readonly name: string;
  readonly category: string;
  readonly price: number;
}

interface Visitor {
  anonymousId: string;
  userId: string | null;
  favourite: string;
  cart: Product[];
  stepsLeft: number;
}

const visitorsMax = 40;
const people = [
  "mara",
  "jonas",
  "yuki",
  "amina",
  "tomas",
  "ines",
  "noor",
  "pavel",
  "lena",
  "oskar",
];

/** Starts sending; returns what stops it. */
export function startTraffic(options: TrafficOptions): () => void {
  const perSecond = Number(process.env["SHOP_TRAFFIC"] ?? options.eventsPerSecond ?? 3);
  if (!(perSecond > 0)) return () => {};
  const products = readProducts();
  if (products.length === 0) return () => {};
  const visitors: Visitor[] = [];
  let waiting: object[] = [];
  const tickMs = 400;
  const timer = setInterval(() => {
    const count = (perSecond * tickMs) / 1000;
    const whole = Math.floor(count) + (Math.random() < count % 1 ? 1 : 0);
    for (let index = 0; index < whole; index++) waiting.push(...act(visitors, products));
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    void send(options, batch);
  }, tickMs);
  timer.unref();
  return () => clearInterval(timer);
}

function readProducts(): Product[] {
  for (const path of [join("examples", "shop", "products.json"), "products.json"])
    try {
      return JSON.parse(readFileSync(path, "utf8")) as Product[];
    } catch {
      // Tries the next place.
    }
  return [];
}

/** One visitor does one thing. */
function act(visitors: Visitor[], products: readonly Product[]): object[] {
  if (visitors.length < visitorsMax && Math.random() < 0.3) visitors.push(newVisitor(products));
  const visitor = pick(visitors);
  if (visitor === undefined) return [];
  if (visitor.stepsLeft-- <= 0) {
    const events = Math.random() < 0.3 ? comeBack(visitor) : [];
    if (events.length === 0) visitors.splice(visitors.indexOf(visitor), 1);
    return events;
  }
  return takeStep(visitor, products);
}

function newVisitor(products: readonly Product[]): Visitor {
  return {
    anonymousId: `demo-${randomText()}`,
    userId: null,
    favourite: pick(products)?.category ?? "",
    cart: [],
    stepsLeft: 4 + Math.floor(Math.random() * 14),
  };
}

/** A known person opens the shop on another device and logs in there. */
function comeBack(visitor: Visitor): object[] {
  visitor.userId ??= `demo-${pick(people)}`;
  visitor.anonymousId = `demo-${randomText()}`;
  visitor.stepsLeft = 3 + Math.floor(Math.random() * 8);
  return [page(visitor), identify(visitor), track(visitor, "Signed In", {})];
}

function takeStep(visitor: Visitor, products: readonly Product[]): object[] {
  const chance = Math.random();
  const shelf =
    Math.random() < 0.7
      ? products.filter(({ category }) => category === visitor.favourite)
      : products;
  const product = pick(shelf) ?? (products[0] as Product);
  if (chance < 0.16)
    return [page(visitor), track(visitor, "Product List Viewed", { category: visitor.favourite })];
  if (chance < 0.22)
    return [track(visitor, "Products Searched", { query: product.name.split(" ").at(-1) ?? "" })];
  if (chance < 0.72) return [track(visitor, "Product Viewed", { ...product })];
  if (chance < 0.9) {
    visitor.cart.push(product);
    return [track(visitor, "Product Added", { ...product, quantity: 1 })];
  }
  if (visitor.cart.length === 0) return [page(visitor)];
  return buy(visitor);
}

function buy(visitor: Visitor): object[] {
  const { cart } = visitor;
  visitor.cart = [];
  const cents = cart.reduce((sum, { price }) => sum + Math.round(price * 100), 0);
  return [
    track(visitor, "Cart Viewed", {}),
    track(visitor, "Checkout Started", {}),
    track(visitor, "Order Completed", {
      order_id: `o-${randomText()}`,
      total: cents / 100,
      currency: "EUR",
      products: cart.map(({ product_id, price }) => ({ product_id, price, quantity: 1 })),
    }),
  ];
}

function page(visitor: Visitor): object {
  return { ...head(visitor), type: "page", name: "Home" };
}

function identify(visitor: Visitor): object {
  const name = (visitor.userId ?? "").replace("demo-", "");
  return {
    ...head(visitor),
    type: "identify",
    traits: { name: name.charAt(0).toUpperCase() + name.slice(1) },
  };
}

function track(visitor: Visitor, event: string, properties: object): object {
  return { ...head(visitor), type: "track", event, properties };
}

function head(visitor: Visitor): object {
  return {
    messageId: `demo-${randomText()}${randomText()}`,
    timestamp: new Date().toISOString(),
    anonymousId: visitor.anonymousId,
    ...(visitor.userId === null ? {} : { userId: visitor.userId }),
  };
}

async function send({ url, writeKey }: TrafficOptions, batch: readonly object[]): Promise<void> {
  try {
    await fetch(`${url}/v1/batch`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ writeKey, sentAt: new Date().toISOString(), batch }),
      signal: AbortSignal.timeout(10_000),
    });
  } catch {
    // The server is stopping or busy: demo traffic is nothing that anybody waits for.
  }
}

function pick<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}

function randomText(): string {
  return Math.random().toString(36).slice(2, 12);
}
