/** The smallest plan that is of use: one event, two features, a segment, a push and a banner. */
import {
  count,
  definePlan,
  entered,
  event,
  gte,
  hours,
  last,
  placement,
  push,
  segment,
  trigger,
  variant,
} from "freshet/plan";

const viewed = event("Product Viewed", { product_id: "string", category: "string?" });

const views = count("views", viewed, { window: hours(24) });
const lastCategory = last("lastCategory", viewed, viewed.prop.category);

const keen = segment("keen", gte(views, 3));

const welcome = trigger("welcome", {
  on: entered(keen),
  do: [push("banner", { category: lastCategory })],
});

const banner = placement("banner", {
  variants: [
    variant("keen", {
      when: keen,
      content: { title: "More {{category}} for you" },
      fields: { category: lastCategory },
    }),
  ],
  fallback: { title: "Welcome" },
});

export default definePlan({
  name: "first",
  events: [viewed],
  features: [views, lastCategory],
  segments: [keen],
  triggers: [welcome],
  placements: [banner],
});
