/** A plan that looks at what accept found out about an event. */
import { and, context, count, definePlan, eq, event, exists, filter, ne, not } from "freshet/plan";

const viewed = event("Product Viewed", { product_id: "string" });

// snippet: filter
const people = filter(
  "people",
  "all",
  and(ne(context<boolean>("bot"), true), not(exists(context("suspicious")))),
);
const onPhones = viewed.where(eq(context("device.class"), "mobile"));
// end snippet

export default definePlan({
  name: "edge",
  events: [viewed],
  filters: [people],
  features: [count("views", viewed), count("viewsOnPhones", onPhones)],
});
