/**
 * History: what a shop knows about its customers before it sends its first live event. Two files become profiles:
 * invoice lines of an online shop, and clicks of another one.
 */
import {
  and,
  column,
  constant,
  count,
  definePlan,
  distinct,
  event,
  eventName,
  eventTime,
  gt,
  gte,
  importer,
  last,
  lt,
  max,
  multiply,
  not,
  segment,
  sum,
  topK,
} from "freshet/plan";

// One line of an invoice. Returns have a negative quantity; numbers of cancellations begin with C.
const line = event("Invoice Line", {
  invoice: "string",
  product: "string",
  description: "string?",
  quantity: "integer",
  price: "number",
  total: "number",
  country: "string?",
});
const { invoice, product, quantity, total, country } = line.prop;
const isCancellation = and(gte(invoice, "C"), lt(invoice, "D"));
const ordered = line.where(not(isCancellation));
const bought = line.where(and(gt(quantity, 0), not(isCancellation)));

const spendCents = sum("spendCents", line, total, { scale: 100 });
const orders = distinct("orders", ordered, invoice);
const lines = count("lines", line);
const returns = count("returns", line.where(lt(quantity, 0)));
const lastPurchase = max("lastPurchase", bought, eventTime);
// The largest customer of the real file has bought about 1,800 different products.
const topProducts = topK("topProducts", bought, product, { n: 5, keysMax: 4096 });
const lastCountry = last("country", line, country);

// Clicks of a shop: thirteen event names.
const clicks = [
  event("catalog", {}),
  event("product1", {}),
  event("product2", {}),
  event("cart", {}),
  event("main", {}),
  event("lost", {}),
  event("delivery_choice", {}),
  event("delivery_courier", {}),
  event("delivery_pickup", {}),
  event("payment_choice", {}),
  event("payment_card", {}),
  event("payment_cash", {}),
  event("payment_done", {}),
];
const clickCount = count("clicks", clicks);
const clicksByEvent = count("clicksByEvent", clicks, { by: eventName });
const lastClick = max("lastClick", clicks, eventTime);

const customer = segment("customer", gte(orders, 1));
const bigSpender = segment("bigSpender", gte(spendCents, 100_000));

const onlineRetail = importer("online-retail", {
  event: constant("Invoice Line"),
  // The file writes 17850.0 for customer 17850; a line without one belongs to its invoice.
  userId: column("CustomerID"),
  fallbackAnonymousId: column("InvoiceNo"),
  time: column("InvoiceDate"),
  numbers: ["Quantity", "UnitPrice", "CustomerID"],
  properties: {
    invoice: column("InvoiceNo"),
    product: column("StockCode"),
    description: column("Description"),
    quantity: column("Quantity"),
    price: column("UnitPrice"),
    total: multiply(column<number>("Quantity"), column<number>("UnitPrice")),
    country: column("Country"),
  },
});

const clickstream = importer("clickstream", {
  event: column("event"),
  userId: column("user_id"),
  time: column("timestamp"),
});

export default definePlan({
  name: "history",
  events: [line, ...clicks],
  features: [
    spendCents,
    orders,
    lines,
    returns,
    lastPurchase,
    topProducts,
    lastCountry,
    clickCount,
    clicksByEvent,
    lastClick,
  ],
  segments: [customer, bigSpender],
  imports: [onlineRetail, clickstream],
});
