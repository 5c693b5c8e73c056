import {
  constant,
  count,
  definePlan,
  distinct,
  entered,
  entity,
  event,
  filter,
  gt,
  gte,
  last,
  lt,
  minutes,
  push,
  segment,
  send,
  sum,
  topK,
  trigger,
} from "../../src/core/plan/index.ts";

const viewed = event("viewed", { item: "string" });
const bought = event("bought", { total: "number" });
export const views = count("views", viewed);
const recentViews = count("recentViews", viewed, { window: minutes(30) });
export const spend = sum("spend", bought, bought.prop.total, { scale: 100 });
const items = distinct("items", viewed, viewed.prop.item);
const lastItem = last("lastItem", viewed, viewed.prop.item);
const thisSession = count("thisSession", viewed, { window: "session" });
const popular = topK("popular", viewed, viewed.prop.item, {
  n: 5,
  of: entity("shop", constant("all")),
});
const buyers = count("buyers", bought, { of: entity("shop", constant("all")) });
const active = segment("active", gte(recentViews, 2));
const spender = segment("spender", gte(spend, 5000));

/** As the folder begins. */
export default definePlan({
  name: "replay",
  events: [viewed, bought],
  filters: [filter("noFreebies", [bought], gt(bought.prop.total, 0))],
  features: [views, recentViews, spend, items, lastItem, thisSession, popular, buyers],
  segments: [active, spender],
  triggers: [
    trigger("welcome", {
      on: entered(active),
      cooldown: minutes(60),
      do: [push("banner", {}), send("crm", { views })],
    }),
    trigger("thanks", { on: bought, onLink: true, do: [send("crm", { spend })] }),
  ],
});

const visitor = segment("visitor", gte(views, 1));
const small = segment("small", lt(spend, 5000));

/** What it is changed to on the way: one segment goes, one comes, one feature is new. */
export const second = definePlan({
  name: "replay",
  events: [viewed, bought],
  features: [
    views,
    recentViews,
    spend,
    count("purchases", bought),
    lastItem,
    thisSession,
    popular,
    buyers,
  ],
  segments: [active, visitor],
  triggers: [
    trigger("welcome", {
      on: entered(active),
      cooldown: minutes(60),
      do: [send("crm", { views })],
    }),
  ],
});

/** What is replayed into. */
export const third = definePlan({
  name: "replay",
  events: [viewed, bought],
  features: [
    views,
    spend,
    count("purchases", bought),
    count("boughtRecently", bought, { window: minutes(90) }),
    topK("topItems", viewed, viewed.prop.item, { n: 3 }),
    popular,
    buyers,
  ],
  segments: [visitor, small, spender],
  triggers: [trigger("thanks", { on: bought, do: [send("crm", { spend })] })],
});
