/**
 * What a shop knows from before Freshet: its web server's log, and what it collected with other tools. Rows need no
 * mapping where their format says what they mean; one of the plan's own reads the log in another way.
 */
import {
  column,
  constant,
  count,
  definePlan,
  distinct,
  event,
  eventTime,
  gte,
  importer,
  last,
  max,
  segment,
  sum,
} from "freshet/plan";

const page = event("Page", { path: "string?" });
const productViewed = event("Product Viewed", { product_id: "string" });
const productAdded = event("Product Added", { product_id: "string", quantity: "integer?" });
const orderCompleted = event("Order Completed", {
  order_id: "string",
  total: "number",
  products: "list?",
});
const pageFailed = event("Page Failed", { path: "string", status: "integer" });

const pages = count("pages", page);
const paths = distinct("paths", page, page.prop.path);
const lastPath = last("lastPath", page, page.prop.path);
const views = count("views", productViewed);
const added = sum("added", productAdded, productAdded.prop.quantity);
const orders = distinct("orders", orderCompleted, orderCompleted.prop.order_id);
const spendCents = sum("spendCents", orderCompleted, orderCompleted.prop.total, { scale: 100 });
const lastSeen = max("lastSeen", [page, productViewed, productAdded, orderCompleted], eventTime);
const failures = count("failures", pageFailed);

// Which addresses met errors: the same log, read in another way.
const failed = importer("failed", {
  event: constant("Page Failed"),
  anonymousId: column("host"),
  time: column("time"),
  properties: { path: column("path"), status: column<number>("status") },
  where: gte(column<number>("status"), 500),
});

export default definePlan({
  name: "web-history",
  events: [page, productViewed, productAdded, orderCompleted, pageFailed],
  features: [pages, paths, lastPath, views, added, orders, spendCents, lastSeen, failures],
  segments: [segment("buyer", gte(orders, 1))],
  imports: [failed],
});
