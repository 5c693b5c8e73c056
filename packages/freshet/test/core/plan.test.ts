import { describe, expect, it } from "vitest";
import { compileExpression, type Scope } from "../../src/core/expression/evaluate.ts";
import { explain, describe as inWords } from "../../src/core/expression/explain.ts";
import { nearest, PlanError } from "../../src/core/plan/error.ts";
import {
  add,
  and,
  coalesce,
  constant,
  context,
  count,
  days,
  decayingScore,
  definePlan,
  divide,
  entity,
  eq,
  event,
  exists,
  fromEntity,
  fromProfile,
  gt,
  gte,
  items,
  join,
  last,
  lt,
  lte,
  multiply,
  ne,
  not,
  oneOf,
  or,
  type PlanSettings,
  placement,
  push,
  recent,
  segment,
  send,
  subtract,
  sum,
  table,
  topK,
  trait,
  transform,
  trigger,
  variant,
} from "../../src/core/plan/index.ts";

const viewed = event("Viewed", { item: "string", price: "number?", color: "string?" });
const bought = event("Bought", { total: "number" });
const goods = table("goods", { item: "string", kind: "string" }, { key: "item", rows: [] });
const views = count("views", viewed);
const byColor = count("byColor", viewed, { by: viewed.prop.color });
const lastItem = last("lastItem", viewed, viewed.prop.item);
const spend = sum("spend", bought, bought.prop.total, { scale: 100 });
const seen = recent("seen", viewed, viewed.prop.item, { n: 5 });
const popular = topK("popular", viewed, viewed.prop.item, {
  n: 5,
  of: entity("shop", constant("all")),
});

const base: PlanSettings = {
  name: "test",
  events: [viewed, bought],
  tables: [goods],
  features: [views, byColor, lastItem, spend, seen, popular],
};
const plan = (more: Partial<PlanSettings>) => definePlan({ ...base, ...more });

function failureOf(make: () => unknown): PlanError {
  try {
    make();
  } catch (error) {
    if (error instanceof PlanError) return error;
    throw error;
  }
  throw new Error("the plan was accepted");
}

describe("a plan", () => {
  it("is frozen data with a hash that changes with any definition and with nothing else", () => {
    const first = plan({});
    expect(Object.isFrozen(first.definition.features)).toBe(true);
    expect(JSON.parse(JSON.stringify(first.definition))).toEqual(first.definition);
    expect(plan({}).hash).toBe(first.hash);
    expect(plan({ segments: [segment("keen", gte(views, 3))] }).hash).not.toBe(first.hash);
  });

  it("changes its hash when the code of a function changes", () => {
    const withRun = (run: () => null) => plan({ filters: [transform("drop", [viewed], run)] }).hash;
    expect(withRun(() => null)).not.toBe(
      withRun(() => {
        return null;
      }),
    );
  });

  it("names the nearest name where one is not defined, and where that was written", () => {
    const error = failureOf(() =>
      plan({ segments: [segment("keen", gte(count("veiws", viewed), 3))] }),
    );
    expect(error.message).toBe('segment "keen" uses feature "veiws", which is not defined');
    expect(error.hint).toBe('did you mean "views"?');
    expect(error.origin).toContain("plan.test.ts");
  });

  const inSegment = (when: Parameters<typeof segment>[1]) => ({ segments: [segment("s", when)] });
  const wrong: readonly [string, Partial<PlanSettings>, string][] = [
    ["two features of one name", { features: [views, views] }, "defined twice"],
    ["an event that is not declared", { events: [bought] }, 'uses event "Viewed"'],
    ["a segment over an event", inSegment(gt(viewed.prop.price as never, 3)), "looks at an event"],
    ["a segment over an entity", inSegment(oneOf(constant("a"), popular)), 'entity "shop"'],
    [
      "a decaying score in a calculation",
      {
        features: [
          ...base.features,
          decayingScore("hot", viewed, constant(1), { halfLife: days(1) }),
        ],
        ...inSegment(
          gte(add(decayingScore("hot", viewed, constant(1), { halfLife: days(1) }), 1), 3),
        ),
      },
      "decaying score",
    ],
    [
      "an entry of a feature that has none",
      inSegment(gte({ expression: { feature: "views", at: { const: "a" } } }, 1)),
      "has none",
    ],
    [
      "a window below a second",
      { features: [count("w", viewed, { window: 10 })] },
      "window of 10 ms",
    ],
    [
      "an entity with a colon",
      { features: [count("w", viewed, { of: entity("a:b", constant("x")) })] },
      'entity "a:b"',
    ],
    [
      "a trigger without action",
      { triggers: [trigger("t", { on: viewed, do: [] })] },
      "does nothing",
    ],
    [
      "a field that Freshet sends itself",
      { triggers: [trigger("t", { on: viewed, do: [push("x", { at: views })] })] },
      'field "at"',
    ],
    [
      "a join with an unknown column",
      {
        joins: [join(goods, { events: [viewed], on: viewed.prop.item, pick: ["knid" as "kind"] })],
      },
      'column "knid"',
    ],
    [
      "items from a feature that is no list",
      {
        placements: [
          placement("p", {
            fallback: {},
            items: items(goods, { count: 3, from: [fromProfile(views as never, "x")] }),
          }),
        ],
      },
      "is no list",
    ],
    ["a session gap of nothing", { sessionGap: 0 }, "sessionGap is 0"],
    ["no name", { name: "" }, "has no name"],
  ];
  for (const [what, more, message] of wrong)
    it(`refuses ${what}`, () => {
      const error = failureOf(() => plan(more));
      expect(error.message).toContain(message);
      expect(error.hint).not.toBe("");
    });

  it("refuses segments that depend on each other in a circle", () => {
    const a = segment("a", { expression: { segment: "b" } });
    const b = segment("b", a);
    expect(failureOf(() => plan({ segments: [a, b] })).message).toContain("a -> b -> a");
  });

  it("does not compile where types do not fit", () => {
    // @ts-expect-error a count is compared with a number
    gte(views, "3");
    // @ts-expect-error a text feature is compared with a text
    eq(lastItem, 3);
    // @ts-expect-error the property is not declared
    viewed.prop.colour;
    // @ts-expect-error a sum takes a number
    sum("x", viewed, viewed.prop.color);
    // @ts-expect-error only features kept by a property have entries
    views.at("red");
    // @ts-expect-error a column of another table
    join(goods, { events: [viewed], on: viewed.prop.item, pick: ["price"] });
    expect(byColor.at("red").expression).toEqual({ feature: "byColor", at: { const: "red" } });
  });

  it("accepts everything at once", () => {
    const keen = segment("keen", and(gte(views, 3), not(gte(spend, 100))));
    const made = plan({
      segments: [keen, segment("both", or(keen, oneOf(lastItem, ["a", "b"])))],
      triggers: [trigger("t", { on: viewed, when: keen, do: [push("x"), send("crm", { spend })] })],
      placements: [
        placement("p", {
          variants: [
            variant("v", {
              when: keen,
              content: { title: "{{item}}" },
              fields: { item: lastItem },
            }),
          ],
          fallback: { title: "hello" },
          items: items(goods, {
            count: 3,
            from: [fromEntity(popular, constant("all"), "popular"), fromProfile(seen, "seen")],
            exclude: [seen],
          }),
        }),
      ],
    });
    expect(made.definition.placements).toHaveLength(1);
  });
});

describe("the nearest name", () => {
  it("is found within a few slips and not beyond", () => {
    expect(nearest("prodcutViews", ["productViews", "orders"])).toBe("productViews");
    expect(nearest("zzz", ["productViews", "orders"])).toBe(null);
  });
});

describe("an expression", () => {
  const scope: Scope = {
    event: {
      properties: { price: 2.5, color: "red", cart: { total: 7 }, none: null },
      context: { page: { path: "/p" } },
      joined: { goods: { kind: "cup" } },
    },
    profile: {
      feature: (name, key) =>
        key === undefined ? ({ n: 4, list: ["a", "b"] }[name] ?? null) : key === "red" ? 2 : 0,
      trait: (name) => (name === "plan" ? "gold" : null),
      segment: (name) => name === "keen",
    },
    now: 1000,
  };
  const run = (value: { readonly expression: Parameters<typeof compileExpression>[0] }) =>
    compileExpression(value.expression)(scope);
  const price = { expression: { prop: "price" } };
  const n = { expression: { feature: "n" } };

  const cases: readonly [
    string,
    { readonly expression: Parameters<typeof compileExpression>[0] },
    unknown,
  ][] = [
    ["a nested property", { expression: { prop: "cart.total" } }, 7],
    ["a property that is absent", { expression: { prop: "cart.nothing.more" } }, null],
    ["a name of Object's prototype", { expression: { prop: "constructor" } }, null],
    ["a path into a prototype", { expression: { prop: "cart.__proto__" } }, null],
    ["a joined column", goods.column.kind, "cup"],
    ["the context", context("page.path"), "/p"],
    ["a trait", trait("plan"), "gold"],
    [
      "an entry by the event's property",
      { expression: { feature: "byColor", at: { prop: "color" } } },
      2,
    ],
    ["exact decimals", multiply(constant(1.005), 3), 3.015],
    ["arithmetic with null", add({ expression: { prop: "none" } }, 1), null],
    ["division by zero", divide(constant(1), 0), null],
    ["minus zero as zero", subtract(constant(0), 0), 0],
    ["the first that is there", coalesce(trait("nothing"), "x"), "x"],
    ["a number at least", gte(n, 4), true],
    ["order between a number and a text", gt(n as never, "3" as never), false],
    ["less than null", lt({ expression: { prop: "none" } } as never, 3 as never), false],
    ["not equal to null", ne(price as never, null), true],
    [
      "membership in a list feature",
      oneOf(constant("b"), { expression: { feature: "list" } }),
      true,
    ],
    ["null in a list", oneOf(trait("nothing"), ["a"]), false],
    ["existence", exists(trait("nothing")), false],
    ["a segment", { expression: { segment: "keen" } }, true],
    ["and, or, not", and(or(gte(n, 9), lte(n, 4)), not(exists(trait("nothing")))), true],
  ];
  for (const [what, value, expected] of cases)
    it(`reads ${what}`, () => expect(run(value)).toBe(expected));

  it("explains each leaf with what it found and what it wanted", () => {
    const condition = and(gte(n as never, 5 as never), not(eq(trait("plan"), "silver")));
    expect(explain(condition.expression, scope)).toEqual([
      { text: "n ≥ 5", value: 4, expected: 5, holds: false, reads: ["feature:n"] },
      {
        text: 'not (trait plan = "silver")',
        value: "gold",
        expected: "silver",
        holds: true,
        reads: ["trait:plan"],
      },
    ]);
    expect(inWords(condition.expression)).toBe('(n ≥ 5 and not (trait plan = "silver"))');
  });
});
