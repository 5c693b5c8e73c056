/** What the smallest plan leaves out: a filter, a transform, a score that decays, and a webhook. */
import {
  always,
  constant,
  context,
  count,
  days,
  decayingScore,
  definePlan,
  event,
  exists,
  filter,
  gte,
  hours,
  left,
  lt,
  ne,
  segment,
  send,
  sum,
  trait,
  transform,
  trigger,
} from "freshet/plan";

const ordered = event("Order Completed", {
  order_id: "string",
  total: "number",
  currency: "string?",
});
const viewed = event("Product Viewed", { product_id: "string" });

// snippet: filters
const noTests = filter("noTests", "all", ne(context("page.path"), "/internal/test"));
const inEuro = transform("inEuro", [ordered], ({ properties }) => {
  const total = properties["total"];
  if (typeof total !== "number") return null;
  return properties["currency"] === "USD" ? { ...properties, total: total * 0.9 } : properties;
});
// end snippet

// snippet: score
const interest = decayingScore("interest", viewed, constant(1), { halfLife: days(7) });
const keen = segment("keen", gte(interest, 3));
// end snippet

const orders = count("orders", ordered);
const spendCents = sum("spendCents", ordered, ordered.prop.total, { scale: 100 });
const cooling = segment("cooling", lt(interest, 0.5));
const known = segment("known", exists(trait("email")));

// snippet: send
const lostInterest = trigger("lostInterest", {
  on: left(keen),
  when: known,
  cooldown: hours(24),
  do: [send("crm", { email: trait("email"), orders, spendCents })],
});
const everyOrder = trigger("everyOrder", {
  on: ordered,
  when: always,
  do: [send("crm", { total: ordered.prop.total })],
});
// end snippet

export default definePlan({
  name: "crm",
  events: [ordered, viewed],
  filters: [noTests, inEuro],
  features: [interest, orders, spendCents],
  segments: [keen, cooling, known],
  triggers: [lostInterest, everyOrder],
});
