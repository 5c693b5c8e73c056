import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@freshet/protocol";
import { describe, expect, test } from "vitest";
import { type InferOptions, inferTraffic } from "../../src/app/infer/infer.ts";
import { sinceOf } from "../../src/app/infer/place.ts";
import { showBreaches, showInference } from "../../src/app/infer/show.ts";
import { inferFormats, proposalText } from "../../src/app/infer/texts.ts";
import type { LoggedEvent } from "../../src/app/infer/traffic.ts";
import { UsageError } from "../../src/app/usage-error.ts";
import type { DeadLetter } from "../../src/core/event.ts";
import { definePlan, event } from "../../src/core/plan/index.ts";

const root = new URL("../../../../", import.meta.url).pathname;
const exampleFile = (name: string) => join(root, "examples/infer", name);

const start = Date.parse("2026-05-04T12:00:00Z");

interface Came {
  readonly name: string;
  readonly properties: JsonObject;
  readonly library?: string;
  /** Code of its dead letter. */
  readonly refused?: string;
  readonly more?: JsonObject;
}

/** Events as a log would have them, newest first. */
function logged(came: readonly Came[]): LoggedEvent[] {
  return came
    .map((one, offset): LoggedEvent => {
      const [id, at] = [`m${offset}`, start + offset * 1000];
      const [who, source] = [{ anonymousId: `a${offset % 200}` }, "web"];
      const context = { library: { name: one.library ?? "analytics.js", version: "5.2" } };
      const own = { type: "track", ...who, context, properties: one.properties, ...one.more };
      if (one.refused === undefined) {
        const event = { id, name: one.name, time: at, source, ...own };
        return { offset, at, event: event as unknown as NonNullable<LoggedEvent["event"]> };
      }
      const form = { shape: "segment-batch" };
      const sent = { ...own, event: one.name, messageId: id };
      const letter = { id, code: one.refused, message: "", source, at, event: sent, form };
      return { offset, at, deadLetter: letter as DeadLetter };
    })
    .reverse();
}

const reader = (came: readonly Came[]) => ({ read: () => [logged(came)] });

function infer(came: readonly Came[], options: Partial<InferOptions> = {}) {
  return inferTraffic({ reader: reader(came), names: [], eventsMax: 1e6, seed: 1, ...options });
}

const plan = definePlan({
  name: "shop",
  events: [
    event("Product Viewed", { product_id: "string", price: "number?", colour: "string?" }),
    event("Order Completed", { order_id: "string", total: "number" }),
    event("Product Removed", { product_id: "string" }),
  ],
  features: [],
}).definition;

/** A morning of a shop. */
function morning(): Came[] {
  const came: Came[] = [];
  const categories = ["Ceramics", "Kitchen", "Lighting", "Paper"];
  for (let at = 0; at < 4012; at++) {
    const category = categories[at % 4] ?? "";
    const properties = { product_id: `p${at % 60}`, category, price: 10 + (at % 140) + 0.5 };
    const rare = at % 125 === 7 ? {} : { list: ["sale", "new"].slice(at % 2) };
    came.push({ name: "Product Viewed", properties: { ...properties, ...rare } });
    if (at % 20 !== 0) continue;
    const items = [{ product_id: `p${at % 60}`, quantity: 1 + (at % 3) }];
    const isOld = at % 1000 === 0;
    came.push({
      name: "Order Completed",
      properties: {
        order_id: `o${at}`,
        total: isOld ? "12.50" : 12.5 + at / 10,
        products: items,
        ...(at % 60 === 0 ? { coupon: at % 120 === 0 ? "SPRING" : null } : {}),
      },
      ...(isOld ? { refused: "contractViolated", library: "shop-app" } : {}),
    });
    if (at % 400 === 0) came.push({ name: "Order Refunded", properties: { order_id: `o${at}` } });
  }
  return came;
}

/** What the guide shows is what comes out; FRESHET_WRITE=1 writes it anew. */
function expectShown(name: string, text: string): void {
  const file = exampleFile(name);
  if (process.env["FRESHET_WRITE"] === "1") writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
}

describe("a morning of a shop", () => {
  test("is told as a table, with what the plan says", async () => {
    expectShown("table.txt", showInference(await infer(morning(), { plan }), "the shop"));
  });

  test("is told as what breaks the plan", async () => {
    expectShown("check.txt", showBreaches(await infer(morning(), { plan }), "the shop"));
  });

  test.each(inferFormats)("is proposed as %s", async (format) => {
    const { proposals, summaries } = await infer(morning(), { plan, names: ["Order Completed"] });
    const { text, notes } = proposalText(format, proposals, summaries);
    expect(notes).toEqual([]);
    expectShown(`order-completed.${format}.txt`, text);
  });
});

describe("which events count", () => {
  const view = (more: Partial<Came> = {}): Came => ({
    ...{ name: "Product Viewed", properties: { product_id: "p" } },
    ...more,
  });

  test("not those that were refused for something else, or corrected by somebody", async () => {
    const report = await infer([
      ...[view(), view({ refused: "contractViolated" }), view({ refused: "eventUnknown" })],
      ...[view({ refused: "botRefused" }), view({ refused: "eventTooLarge" })],
      view({ more: { corrects: { letter: 1 } } }),
    ]);
    expect(report).toMatchObject({
      events: 3,
      refused: 2,
      passed: { corrected: 1, otherRefusal: 2, notKept: 0 },
    });
    expect(showInference(report, "here")).toMatch(
      /left out: 1 event that somebody corrected\nleft out: 2 events refused for something else/,
    );
  });

  test("not those of which a letter kept no more than the name", async () => {
    const [whole, bare] = logged([view(), view({ refused: "contractViolated" })]).reverse();
    const { form: _form, ...letter } = bare?.deadLetter ?? { form: 0 };
    const kept = { ...bare, deadLetter: { ...letter, event: { event: "Product Viewed" } } };
    const events = [kept as LoggedEvent, whole as LoggedEvent];
    const report = await infer([], { reader: { read: () => [events] } });
    expect(report).toMatchObject({ events: 1, passed: { notKept: 1 } });
  });

  test("the newest so many of those that were asked for", async () => {
    const came = [view(), view({ name: "Page" }), view({ name: "Page" }), view(), view()];
    const report = await infer(came, { names: ["Page"], eventsMax: 1 });
    expect(report).toMatchObject({ events: 1, isCut: true, newestAt: start + 2000 });
    expect(await infer(came, { eventsMax: 5 })).toMatchObject({ events: 5, isCut: false });
  });

  test("not under names that are data, unless they are asked for", async () => {
    const came = [view(), view({ name: "Viewed ana@example.com" }), view({ name: "Step 1000001" })];
    const report = await infer(came);
    expect(report).toMatchObject({ events: 3, dataNamed: 2 });
    const text = showInference(report, "here");
    expect(text).toMatch(/left out: 2 events whose names look like data/);
    expect(text).not.toMatch(/ana@|1000001/);
    const asked = await infer(came, { names: ["Step 1000001"] });
    expect(asked.proposals.map(({ name }) => name)).toEqual(["Step 1000001"]);
    const missing = infer([view({ name: "bob@example.com" })], { names: ["Page"] });
    await expect(missing).rejects.toMatchObject({ hint: expect.not.stringMatching(/bob/) });
  });

  test("with who sent them, but for a library that is somebody's address", async () => {
    const came = [...Array(30).keys()].map(() => view());
    const odd = ["ana@example.com", "@segment/analytics-node"].map((library) =>
      view({ library, properties: { product_id: 5 } }),
    );
    const text = showInference(await infer([...came, ...odd]), "here");
    expect(text).toMatch(
      /whole number in 6.3 % \(source web(, library @segment\/analytics-node 5.2)?/,
    );
    expect(text).toContain("@segment/analytics-node 5.2");
    expect(text).not.toContain("ana@");
  });

  test("traits, where an event tells a profile's", async () => {
    const identify = { type: "identify", traits: { plan: "gold" } };
    const report = await infer([view({ name: "Identify", properties: {}, more: identify })]);
    const [{ content } = { content: null }] = report.proposals;
    expect(content?.properties.map(({ name }) => name)).toEqual(["plan"]);
  });

  test("what was read before an interrupt, and it is said", async () => {
    const controller = new AbortController();
    const [batch] = [logged([view()])];
    async function* endless() {
      for (;;) {
        yield batch;
        controller.abort();
      }
    }
    const report = await infer([], { reader: { read: endless }, signal: controller.signal });
    expect(report.isInterrupted).toBe(true);
    expect(showInference(report, "here")).toMatch(/stopped before the end/);
  });
});

describe("nothing to propose from is told", () => {
  const failure = async (came: readonly Came[], names: readonly string[] = []) => {
    const error = await infer(came, { names }).catch((one: unknown) => one);
    if (!(error instanceof UsageError)) throw new Error("it went through");
    return [error.message, error.hint, error.exitCode];
  };

  test("with the names that are there", async () => {
    const came = ["Page", "Cart Viewed"].map((name) => ({ name, properties: {} }));
    expect(await failure(came, ["Cart View"])).toEqual([
      'there is no event "Cart View" in what was read',
      'did you mean "Cart Viewed"?',
      1,
    ]);
    expect(await failure(came, ["Order"])).toEqual([
      'there is no event "Order" in what was read',
      'there are "Cart Viewed", "Page"',
      1,
    ]);
  });

  test("with what was refused instead", async () => {
    const came = [{ name: "Page", properties: {}, refused: "botRefused" }];
    expect((await failure(came))[0]).toMatch(/^none of the events can be read: 1 were refused/);
    expect((await failure([]))[0]).toBe("there are no events yet in what is to be read");
  });
});

test("--since takes a moment or a time ago", () => {
  const now = Date.parse("2026-05-04T12:00:00Z");
  expect(sinceOf(undefined, now)).toBeUndefined();
  expect(sinceOf("90m", now)).toBe(now - 5_400_000);
  expect(sinceOf("2d", now)).toBe(now - 172_800_000);
  expect(sinceOf("2026-05-01", now)).toBe(Date.parse("2026-05-01T00:00:00Z"));
  for (const text of ["5", "d", "5y", "2026-13-01", "-5d"])
    expect(() => sinceOf(text, now), text).toThrow(UsageError);
});
