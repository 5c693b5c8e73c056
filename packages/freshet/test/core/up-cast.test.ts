/** Up-casts: each step, the chain as a law, and what the reducer makes of old events. */
import type { JsonObject } from "@freshet/protocol";
import { describe, expect, it, test } from "vitest";
import type { AcceptedEvent } from "../../src/core/event.ts";
import { compilePlan } from "../../src/core/plan/compile.ts";
import { planContracts } from "../../src/core/plan/contract.ts";
import * as p from "../../src/core/plan/index.ts";
import { step } from "../../src/core/step.ts";
import { compileUpCasts } from "../../src/core/up-cast.ts";
import { ProfileView } from "../../src/core/view.ts";
import { type Random, randomOf } from "../../src/testing/random.ts";
import { withSeed } from "../../src/testing/seed.ts";

const at = 1_790_000_000_000;

function eventOf(properties: JsonObject, more: Partial<AcceptedEvent> = {}): AcceptedEvent {
  const head = {
    id: "m",
    type: "track",
    name: "Paid",
    userId: "ana",
    time: at,
    source: "web",
  } as const;
  return { ...head, properties, ...more };
}

/** What a list of steps makes of properties. */
function casted(
  steps: readonly p.UpCastRef[],
  properties: JsonObject,
  more: Partial<AcceptedEvent> = {},
) {
  const ref = p.event("Paid", {}, { version: 2, earlier: [p.earlier(1, {}, steps)] });
  const result = compileUpCasts(ref.definition, ref.functions)?.upCast(eventOf(properties, more));
  if (result === undefined) throw new Error("there is an earlier version");
  return result;
}

const made = (steps: readonly p.UpCastRef[], properties: JsonObject) => {
  const result = casted(steps, properties);
  if ("failure" in result) throw new Error(result.failure.message);
  return result.event.properties;
};

const any = (path: string) => p.property<number>(path);

describe("a step", () => {
  it("renames, also into and out of objects", () => {
    expect(made([p.rename("a", "b")], { a: 1, c: 2 })).toEqual({ b: 1, c: 2 });
    expect(made([p.rename("a", "x.y")], { a: 1, x: { z: 2 } })).toEqual({ x: { y: 1, z: 2 } });
    expect(made([p.rename("x.y", "a")], { x: { y: 1 } })).toEqual({ x: {}, a: 1 });
    expect(made([p.rename("a", "b")], { b: 5 })).toEqual({ b: 5 });
    expect(made([p.rename("a", "x.y")], { a: 1, x: "text" })).toEqual({ x: { y: 1 } });
    expect(made([p.rename("toString", "a")], {})).toEqual({});
  });

  it("sets a default where there is nothing, or null", () => {
    const steps = [p.setDefault("a", { b: 1 })];
    expect(made(steps, {})).toEqual({ a: { b: 1 } });
    expect(made(steps, { a: null })).toEqual({ a: { b: 1 } });
    expect(made(steps, { a: 0 })).toEqual({ a: 0 });
    // The state codec refuses one object in two places, and -0.
    expect(made(steps, {})["a"]).not.toBe(made(steps, {})["a"]);
    expect(Object.is(made([p.setDefault("a", -0)], {})["a"], 0)).toBe(true);
  });

  it("drops", () => {
    expect(
      made([p.drop("a"), p.drop("x.y"), p.drop("no.such")], { a: 1, x: { y: 1, z: 2 } }),
    ).toEqual({ x: { z: 2 } });
  });

  it("computes from what is there by then, and takes away what comes out as null", () => {
    const total = p.compute("total", p.multiply(any("price"), any("quantity")));
    expect(made([total], { price: 1.1, quantity: 3 })).toEqual({
      price: 1.1,
      quantity: 3,
      total: 3.3,
    });
    expect(made([total], { price: "x", total: 5 })).toEqual({ price: "x" });
    const steps = [p.rename("p", "price"), p.setDefault("quantity", 2), total];
    expect(made(steps, { p: 4 })["total"]).toBe(8);
    const copied = made([p.compute("b", any("a"))], { a: { x: 1 } });
    expect(copied["b"]).not.toBe(copied["a"]);
  });

  it("runs a function over a copy, and keeps what JSON can hold", () => {
    const properties = { a: { b: 1 } };
    const steps = [
      p.upCast("changes", ({ name, time, properties }) => {
        (properties["a"] as { b: number }).b = 2;
        return { ...properties, name, time, no: undefined, nan: Number.NaN, zero: -0 } as never;
      }),
    ];
    expect(made(steps, properties)).toEqual({
      a: { b: 2 },
      name: "Paid",
      time: at,
      nan: null,
      zero: 0,
    });
    expect(properties).toEqual({ a: { b: 1 } });
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("no");
      },
      "no",
    ],
    ["gives nothing", () => undefined as never, "an up-cast gives an object"],
    ["gives a list", () => [] as never, "an up-cast gives an object"],
  ])("whose function %s fails by name", (_what, run, message) => {
    const result = casted([p.upCast("breaks", run)], {});
    expect(result).toMatchObject({ failure: { name: "breaks" } });
    expect("failure" in result ? result.failure.message : "").toContain(message);
  });

  it("is about the traits of an identify", () => {
    const ref = p.event(
      "Identify",
      {},
      {
        version: 2,
        earlier: [
          p.earlier(1, { mail: "string" }, ({ mail }) => [
            p.compute("email", mail),
            p.drop("mail"),
          ]),
        ],
      },
    );
    const event = eventOf({}, { type: "identify", name: "Identify", traits: { mail: "a@b" } });
    expect(compileUpCasts(ref.definition, ref.functions)?.upCast(event)).toMatchObject({
      event: { traits: { email: "a@b" }, properties: {} },
    });
  });
});

const names = ["a", "b", "c", "x.y", "x.z", "toString"];

function randomStep(random: Random, name: string): p.UpCastRef {
  switch (random.below(5)) {
    case 0:
      return p.rename(random.pick(names), random.pick(names));
    case 1:
      return p.setDefault(random.pick(names), random.pick([0, "t", null, { y: 1 }, [1]]));
    case 2:
      return p.drop(random.pick(names));
    case 3:
      return p.compute(random.pick(names), p.add(any(random.pick(names)), random.below(9)));
    default:
      return p.upCast(name, ({ properties }) => ({
        ...properties,
        [name]: Object.keys(properties).length,
      }));
  }
}

function randomProperties(random: Random): JsonObject {
  const entries = ["a", "b", "c", "x", "toString"]
    .filter(() => random.chance(0.6))
    .map((name) => [name, random.pick([1, 2.5, "t", null, true, { y: 3 }, [1, 2]])] as const);
  return Object.fromEntries(entries);
}

test("from version 1 to 3 is from 1 to 2 and from 2 to 3", () => {
  withSeed(import.meta.url, (seed) => {
    const random = randomOf(seed);
    for (let round = 0; round < 500; round++) {
      const first = Array.from({ length: random.below(4) }, (_, at) =>
        randomStep(random, `f${at}`),
      );
      const second = Array.from({ length: random.below(4) }, (_, at) =>
        randomStep(random, `g${at}`),
      );
      const properties = randomProperties(random);
      const whole = p.event(
        "Paid",
        {},
        {
          version: 3,
          earlier: [p.earlier(1, {}, first), p.earlier(2, {}, second)],
        },
      );
      const caster = compileUpCasts(whole.definition, whole.functions);
      const chained = caster?.upCast(eventOf(properties));
      const direct = made(second, made(first, properties));
      expect(chained).toEqual({ event: eventOf(direct) });
      const late = caster?.upCast(eventOf(made(first, properties), { version: 2 }));
      expect(late).toEqual({ event: eventOf(direct, { version: 2 }) });
      for (const version of [3, 4, 99])
        expect(caster?.upCast(eventOf(properties, { version }))).toEqual({
          event: eventOf(properties, { version }),
        });
    }
  });
});

const total = p.event(
  "Paid",
  { total: "number", currency: "string" },
  {
    version: 3,
    earlier: [
      p.earlier(1, { price: "number", quantity: "integer" }, ({ price, quantity }) => [
        p.compute("total", p.multiply(price, quantity)),
      ]),
      p.earlier(2, { total: "number" }, [
        p.upCast("addCurrency", ({ properties }) => {
          if (properties["total"] === 13) throw new Error("unlucky");
          return { currency: "EUR", ...properties };
        }),
      ]),
    ],
  },
);
const spend = p.sum("spend", total, total.prop.total);
const euros = p.count("euros", total.where(p.eq(total.prop.currency, "EUR")));
const plan = compilePlan(
  p.definePlan({
    name: "t",
    events: [total],
    filters: [p.filter("noGifts", [total], p.gt(total.prop.total, 0))],
    features: [spend, euros],
  }),
);

describe("the reducer", () => {
  const reduce = (...events: readonly AcceptedEvent[]) => {
    let state: Parameters<typeof step>[2] = null;
    const outcomes = events.map((event, offset) => {
      const result = step(plan, "user:ana", state, { kind: "event", event, offset, at });
      state = result.state;
      return result;
    });
    const view = state === null ? null : new ProfileView(plan, state, at);
    const value = (name: string) => view?.feature(name) ?? null;
    return { outcomes, spend: value("spend"), euros: value("euros") };
  };

  it("up-casts before filters and features", () => {
    const { outcomes, ...values } = reduce(
      eventOf({ price: 2, quantity: 3 }, { id: "1" }),
      eventOf({ total: 5 }, { id: "2", version: 2 }),
      eventOf({ total: 7, currency: "USD" }, { id: "3", version: 3 }),
      eventOf({ price: 0, quantity: 1 }, { id: "4" }),
    );
    expect(values).toEqual({ spend: 18, euros: 2 });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([
      "applied",
      "applied",
      "applied",
      "filtered",
    ]);
  });

  it("applies a version that it does not know as it is", () => {
    expect(reduce(eventOf({ total: 4 }, { version: 9 }))).toMatchObject({ spend: 4, euros: 0 });
  });

  it("makes a dead letter of an event whose up-cast throws, and changes nothing", () => {
    const { outcomes, ...values } = reduce(eventOf({ total: 13 }, { version: 2 }));
    expect(outcomes[0]).toMatchObject({
      outcome: "failed",
      failure: { name: "addCurrency", message: "unlucky" },
    });
    expect(values).toEqual({ spend: null, euros: null });
  });
});

describe("a plan", () => {
  const planOf = (...events: readonly p.DeclaredEvent<unknown>[]) =>
    p.definePlan({ name: "t", events, features: [] });

  it("has the functions of its up-casts by hash", () => {
    expect(Object.keys(plan.plan.definition.functions)).toEqual(["addCurrency"]);
    const other = p.event(
      "Paid",
      {},
      {
        version: 2,
        earlier: [p.earlier(1, {}, [p.upCast("addCurrency", ({ properties }) => properties)])],
      },
    );
    expect(planOf(other).hash).not.toBe(
      planOf({
        ...other,
        functions: {
          addCurrency: ({ properties }) => ({ ...properties }),
        },
      }).hash,
    );
  });

  it.each([
    [{ version: 0 }, "has version 0"],
    [{ version: 1.5 }, "has version 1.5"],
    [{ version: 2, earlier: [p.earlier(2, {}, [])] }, "lists version 2 as earlier than 2"],
    [
      { version: 3, earlier: [p.earlier(2, {}, []), p.earlier(1, {}, [])] },
      "lists version 1 after 2",
    ],
    [
      { version: 3, earlier: [p.earlier(1, {}, []), p.earlier(1, {}, [])] },
      "lists version 1 after 1",
    ],
    [
      { version: 99, earlier: Array.from({ length: 51 }, (_, at) => p.earlier(at + 1, {}, [])) },
      "lists 51 earlier versions",
    ],
    [{ version: 2, earlier: [p.earlier(1, {}, [p.rename("a", "")])] }, 'names ""'],
    [{ version: 2, earlier: [p.earlier(1, {}, [p.drop("a..b")])] }, 'names "a..b"'],
    [{ version: 2, earlier: [p.earlier(1, {}, [p.setDefault("__proto__.a", 1)])] }, "__proto__"],
    [
      { version: 2, earlier: [p.earlier(1, {}, [p.compute("a", p.trait("plan"))])] },
      "computes from the profile",
    ],
  ] satisfies readonly (readonly [p.EventOptions, string])[])("refuses %j", (options, message) => {
    expect(() => planOf(p.event("Paid", {}, options))).toThrow(message);
  });

  it("refuses two functions of one name", () => {
    const one = () => p.upCast("same", ({ properties }) => properties);
    const versions = [p.earlier(1, {}, [one()]), p.earlier(2, {}, [one()])];
    expect(() => p.event("Paid", {}, { version: 3, earlier: versions })).toThrow('named "same"');
    const paid = p.event("Paid", {}, { version: 2, earlier: [p.earlier(1, {}, [one()])] });
    const transform = p.transform("same", [paid], ({ properties }) => properties);
    expect(() =>
      p.definePlan({ name: "t", events: [paid], filters: [transform], features: [] }),
    ).toThrow("another function of that name");
  });

  it("gives each version of each contract as a schema", () => {
    const moved = p.event("Moved", p.protobufSchema("message M {}", { message: "M" }));
    expect(planContracts(planOf(total, moved).definition)).toMatchObject([
      { event: "Paid", version: 1, language: "JSON" },
      {
        event: "Paid",
        version: 2,
        language: "JSON",
        text: '{"title":"Paid","type":"object","properties":{"total":{"type":"number"}},"required":["total"]}',
      },
      { event: "Paid", version: 3, language: "JSON" },
      { event: "Moved", version: 1, language: "PROTOBUF", text: "message M {}", message: "M" },
    ]);
  });
});
