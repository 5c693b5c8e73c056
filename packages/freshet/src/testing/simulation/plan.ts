import { type CompiledPlan, compilePlan } from "../../core/plan/compile.ts";
import * as p from "../../core/plan/index.ts";

/**
 * The plan of the simulated shop: every feature type, windows of seconds, so that they end while one watches,
 * segments over features, over each other and over time alone, triggers with cooldowns, entities, a filter, a
 * function that throws and an event of two versions. `meaning.ts` says the same once more, by hand.
 *
 * Variants: 0 is what a run begins with. 1 adds a feature with a segment and a trigger, and changes a window.
 * 2 is 0 again with one feature less and a changed condition.
 */
export type Variant = 0 | 1 | 2;

const plans = new Map<Variant, CompiledPlan>();

export function planOf(variant: Variant): CompiledPlan {
  let plan = plans.get(variant);
  if (plan === undefined) {
    plan = compilePlan(p.definePlan(settingsOf(variant)));
    plans.set(variant, plan);
  }
  return plan;
}

/** Keeps what compiling made for the next run, but not what one run may change. */
export function planByHash(hash: string): CompiledPlan | null {
  for (const variant of [0, 1, 2] as const)
    if (planOf(variant).plan.hash === hash) return planOf(variant);
  return null;
}

export const sessionGapMs = p.seconds(15);

function settingsOf(variant: Variant): p.PlanSettings {
  const viewed = p.event("Viewed", {
    product: "string",
    category: "string?",
    price: "number?",
    bot: "boolean?",
  });
  const ordered = p.event(
    "Ordered",
    { total: "number", bot: "boolean?" },
    {
      version: 2,
      earlier: [
        p.earlier(1, { euros: "integer", cents: "integer" }, ({ euros, cents }) => [
          p.compute("total", p.add(euros, p.divide(cents, 100))),
        ]),
      ],
    },
  );
  const { product, category, price } = viewed.prop;
  const { total } = ordered.prop;
  const shop = p.entity("shop", p.constant("all"));
  const perCategory = p.entity("category", category);

  const views = p.count("views", viewed);
  const recentViews = p.count("recentViews", viewed, {
    window: p.seconds(variant === 1 ? 30 : 20),
  });
  const spend = p.sum("spend", ordered, total, { scale: 100 });
  const interest = p.decayingScore("interest", viewed, p.constant(1), { halfLife: p.seconds(10) });
  const sessionViews = p.count("sessionViews", viewed, { window: "session" });
  const orders = p.count("orders", ordered);
  const viewsBy = p.count("viewsBy", viewed, { by: category, window: p.minutes(1) });
  const features = [
    views,
    recentViews,
    viewsBy,
    spend,
    p.sum("recentSpend", ordered, total, { scale: 100, window: p.seconds(45) }),
    p.mean("meanPrice", viewed, price),
    p.min("minPrice", viewed, price),
    p.max("maxPrice", viewed, price, { window: p.seconds(40) }),
    p.first("firstProduct", viewed, product),
    p.last("lastProduct", viewed, product),
    p.recent("lastProducts", viewed, product, { n: 3 }),
    p.distinct("products", viewed, product, { window: p.seconds(90) }),
    ...(variant === 2 ? [] : [p.topK("topCategories", viewed, category, { n: 2 })]),
    interest,
    p.decayingScore("interestBy", viewed, p.constant(1), {
      by: category,
      halfLife: p.seconds(20),
    }),
    p.ratio("buyRate", ordered, viewed),
    sessionViews,
    p.sum("sessionSpend", ordered, total, { scale: 100, window: "session" }),
    p.topK("popular", viewed, product, { n: 4, of: shop }),
    p.count("categoryViews", viewed, { of: perCategory, window: p.minutes(2) }),
    p.sum("categoryPrices", viewed.where(p.gt(price, 5)), price, { of: perCategory, scale: 100 }),
    ...(variant === 1 ? [orders] : []),
  ];

  const keen = p.segment("keen", p.gte(recentViews, 3));
  const buyer = p.segment("buyer", p.gte(spend, variant === 2 ? 2000 : 5000));
  const inShoes = p.segment("inShoes", p.gte(viewsBy.at("shoes"), 2));
  const active = p.segment("active", p.gte(sessionViews, 2));
  const hot = p.segment("hot", p.gte(interest, 2.5));
  const lapsed = p.segment("lapsed", p.and(p.gte(views, 2), p.eq(recentViews, 0)));
  const keenBuyer = p.segment("keenBuyer", p.and(keen, buyer));
  const cold = p.segment("cold", p.and(p.not(keen), p.gte(views, 1), p.not(hot)));
  const gold = p.segment("gold", p.eq(p.trait("tier"), "gold"));
  const repeat = p.segment("repeat", p.gte(orders, 2));

  return {
    name: "simulated shop",
    events: [viewed, ordered],
    filters: [
      p.filter("bots", "all", p.ne(viewed.prop.bot, true)),
      p.transform("clean", [viewed], ({ properties }) => {
        if (properties["broken"] === true) throw new Error("this one is broken");
        const name = properties["category"];
        return typeof name === "string"
          ? { ...properties, category: name.toLowerCase() }
          : properties;
      }),
    ],
    features,
    segments: [
      // Out of the order of their dependencies on purpose.
      keenBuyer,
      cold,
      keen,
      buyer,
      inShoes,
      active,
      hot,
      lapsed,
      gold,
      ...(variant === 1 ? [repeat] : []),
    ],
    triggers: [
      p.trigger("welcome", {
        on: viewed,
        when: p.gte(views, 2),
        cooldown: p.seconds(12),
        do: [
          p.send("hook", { views, product }),
          p.push("banner", { views }),
          p.send("mail", { last: product }),
        ],
      }),
      p.trigger("thanks", { on: ordered, do: [p.send("hook", { total, spend })] }),
      p.trigger("keenIn", {
        on: p.entered(keen),
        cooldown: p.seconds(8),
        do: [p.send("hook", { recentViews })],
      }),
      p.trigger("keenOut", { on: p.left(keen), do: [p.send("mail", { views }), p.push("bye")] }),
      p.trigger("lapse", { on: p.entered(lapsed), onLink: true, do: [p.send("mail", { views })] }),
      p.trigger("hotIn", { on: p.entered(hot), do: [p.push("hot", { interest })] }),
      ...(variant === 1
        ? [p.trigger("again", { on: p.entered(repeat), do: [p.send("hook", { orders })] })]
        : []),
    ],
    sessionGap: sessionGapMs,
  };
}
