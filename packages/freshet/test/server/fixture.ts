import { Writable } from "node:stream";
import { type Json, readJson } from "@freshet/protocol";
import { sourcesOf } from "../../src/accept/index.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { strictMsgpackCodec, utf8 } from "../../src/adapters/codec/msgpack.ts";
import { openMemoryLog } from "../../src/adapters/log/memory.ts";
import { MemoryDisk } from "../../src/adapters/log/memory-disk.ts";
import type { MemorySink } from "../../src/adapters/sink/memory.ts";
import { openMemoryState } from "../../src/adapters/state/memory.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import * as p from "../../src/core/plan/index.ts";
import { Dispatcher } from "../../src/engine/dispatcher.ts";
import { Engine } from "../../src/engine/engine.ts";
import { engineLimits } from "../../src/engine/options.ts";
import type { Clock } from "../../src/engine/port/clock.ts";
import { silentListener } from "../../src/engine/port/listener.ts";
import {
  createServer,
  type ServerLimits,
  type ServerOptions,
  StreamHub,
} from "../../src/server/index.ts";
import { createLogger, createMetrics } from "../../src/telemetry/index.ts";

export const secretKey = "the-secret-key";
export const writeKey = "WK";

const viewed = p.event("Product Viewed", { product_id: "string", price: "number?" });
const ordered = p.event("Order Completed", { total: "number" });
const products = p.table(
  "products",
  { product_id: "string", name: "string" },
  {
    key: "product_id",
    rows: ["p1", "p2", "p3"].map((id) => ({ product_id: id, name: `Product ${id}` })),
  },
);
const views = p.count("productViews", viewed);
const orders = p.count("orders", ordered);
const spend = p.sum("spendCents", ordered, ordered.prop.total, { scale: 100 });
const recent = p.recent("recentProducts", viewed, viewed.prop.product_id, { n: 5 });
const popular = p.topK("popular", viewed, viewed.prop.product_id, {
  n: 5,
  of: p.entity("shop", p.constant("all")),
});
const keen = p.segment("keen", p.gte(views, 3));

export const plan = compilePlan(
  p.definePlan({
    name: "test",
    events: [viewed, ordered],
    tables: [products],
    features: [views, orders, spend, recent, popular],
    segments: [keen],
    triggers: [
      p.trigger("hello", { on: viewed, when: p.gte(views, 2), do: [p.push("banner", { views })] }),
      p.trigger("thanks", { on: ordered, do: [p.send("crm", { spend })] }),
    ],
    placements: [
      p.placement("homeBanner", {
        variants: [
          p.variant("keen", {
            when: keen,
            content: { title: "Hello {{name}}, {{views}} views" },
            fields: { name: p.coalesce(p.trait("firstName"), "you"), views },
          }),
          p.variant("sale", {
            when: p.eq(p.context("page.path"), "/sale"),
            content: { title: "Sale" },
          }),
        ],
        fallback: { title: "Welcome" },
      }),
      p.placement("recommended", {
        fallback: {},
        items: p.items(products, {
          count: 2,
          from: [
            p.fromProfile(recent, "recentlyViewed"),
            p.fromEntity(popular, p.constant("all"), "popular"),
          ],
        }),
      }),
    ],
  }),
);

/** The machine's clock, whose reducing can be halted: what was appended stays in flight. */
export interface HaltableClock extends Clock {
  halt(): void;
  resume(): void;
}

function haltable(): HaltableClock {
  const clock = systemClock();
  let halted: Promise<void> | null = null;
  let release = () => {};
  return {
    ...clock,
    yield: () => halted ?? clock.yield(),
    halt() {
      halted = new Promise((resolve) => {
        release = () => resolve();
      });
    },
    resume() {
      halted = null;
      release();
    },
  };
}

export interface FixtureOptions {
  readonly limits?: Partial<ServerLimits>;
  readonly engineLimits?: Partial<typeof engineLimits>;
  readonly server?: Partial<ServerOptions>;
  /** Where the plan's `send("crm")` goes; nowhere unless said, and its effects wait. */
  readonly sinks?: readonly MemorySink[];
}

export type Fixture = Awaited<ReturnType<typeof openFixture>>;

/** A server over an engine in memory. Close it. */
export async function openFixture(options: FixtureOptions = {}) {
  const disk = new MemoryDisk({ random: Math.random });
  const clock = haltable();
  const metrics = createMetrics();
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const logger = createLogger({ level: "debug", destination });
  const limits = options.limits ?? {};
  const hub = new StreamHub({ clock, limits, onDropped: () => metrics.streamDropped() });
  const log = await openMemoryLog(disk);
  const store = await openMemoryState(disk);
  const engine = await Engine.open({
    log,
    store,
    clock,
    codec: strictMsgpackCodec(),
    text: utf8,
    listener: { ...silentListener, ...hub.listener },
    plan,
    loadPlan: async () => null,
    limits: { ...engineLimits, ...options.engineLimits },
  });
  const dispatcher = new Dispatcher({
    outbox: engine.outbox,
    sinks: options.sinks ?? [],
    clock,
    random: Math.random,
    alert: () => {},
  });
  dispatcher.start();
  let ids = 0;
  const server = createServer({
    engine,
    plan: () => engine.plan,
    dispatcher,
    sources: sourcesOf([
      { name: "web", writeKey, kind: "browser" },
      { name: "shop", writeKey: "SK", kind: "server" },
    ]),
    secretKey,
    clock,
    randomId: () => `random-${ids++}`,
    logger,
    metrics,
    hub,
    limits,
    ...options.server,
  });
  await server.app.ready();
  return {
    ...server,
    engine,
    log,
    disk,
    clock,
    hub,
    lines,
    logger,
    metrics,
    async close() {
      clock.resume();
      disk.faults = { ...disk.faults, failureShare: 0 };
      await server.app.close();
      await dispatcher.stop();
      await engine.close();
      await store.close();
      await log.close();
    },
  };
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field, which is the check.
  readonly body: any;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface Sent {
  readonly method?: "GET" | "POST" | "OPTIONS" | "PUT" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON unless it is text or bytes. */
  readonly body?: unknown;
}

/** One request without a socket. */
export async function ask(
  { app }: Pick<Fixture, "app">,
  url: string,
  sent: Sent = {},
): Promise<Answer> {
  const { body, headers = {} } = sent;
  const method = sent.method ?? (body === undefined ? "GET" : "POST");
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const payload = body === undefined ? undefined : isRaw ? Buffer.from(body) : JSON.stringify(body);
  const response = await app.inject({
    method,
    url,
    headers: { "content-type": "application/json", ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
  const type = String(response.headers["content-type"] ?? "");
  return {
    status: response.statusCode,
    headers: response.headers,
    body: type.startsWith("application/json") ? readJson(response.body) : response.body,
  };
}

export const basic = (key: string) => ({ authorization: `Basic ${btoa(`${key}:`)}` });
export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
export const secret = bearer(secretKey);

export function view(id: string, who: object = { userId: "u1" }, product = "p1"): object {
  const properties = { product_id: product };
  return { type: "track", event: "Product Viewed", messageId: id, properties, ...who };
}

/** Sends Segment events as a batch and returns the receipt. */
export async function send(fixture: Fixture, ...events: readonly object[]): Promise<string> {
  const answer = await ask(fixture, "/v1/batch", {
    body: { batch: events },
    headers: basic(writeKey),
  });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer));
  return answer.body.receipt;
}

/** Sends events and waits until they can be read. */
export async function sendAndWait(fixture: Fixture, ...events: readonly object[]): Promise<string> {
  const receipt = await send(fixture, ...events);
  const offset = fixture.engine.offsetOf(receipt) ?? -1;
  if (!(await fixture.engine.waitFor(offset, 5000))) throw new Error("not applied in time");
  return receipt;
}

export async function tokenFor(fixture: Fixture, body: Json): Promise<string> {
  const answer = await ask(fixture, "/v1/tokens", { body, headers: secret });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer));
  return answer.body.token;
}
