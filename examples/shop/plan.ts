/**
 * The plan of the example shop: what is counted about a visitor, who belongs to which segment, what sets something
 * off, and what the pages show. Save it while the shop runs: it is reloaded.
 */
import {
  add,
  always,
  and,
  coalesce,
  constant,
  count,
  days,
  decayingScore,
  definePlan,
  distinct,
  entered,
  entity,
  eq,
  event,
  exists,
  first,
  fromEntity,
  fromProfile,
  gte,
  hours,
  items,
  join,
  last,
  left,
  max,
  mean,
  minutes,
  or,
  placement,
  push,
  ratio,
  recent,
  segment,
  send,
  sum,
  table,
  topK,
  trait,
  trigger,
  variant,
} from "freshet/plan";

// What the pages send: the names of Segment's e-commerce specification.
const productViewed = event("Product Viewed", {
  product_id: "string",
  name: "string?",
  category: "string?",
  price: "number?",
});
const listViewed = event("Product List Viewed", { category: "string?" });
const searched = event("Products Searched", { query: "string" });
const productAdded = event("Product Added", {
  product_id: "string",
  price: "number?",
  quantity: "integer?",
});
const productRemoved = event("Product Removed", { product_id: "string" });
const cartViewed = event("Cart Viewed", {});
const checkoutStarted = event("Checkout Started", {});
const orderCompleted = event("Order Completed", {
  order_id: "string",
  total: "number",
  products: "list?",
});
const signedIn = event("Signed In", {});
const page = event("Page", {});

// snippet: table
// What the shop knows about its products; looked up when an event is accepted.
const products = table(
  "products",
  { product_id: "string", name: "string", category: "string", price: "number", image: "string" },
  { key: "product_id", file: "./products.json" },
);
const lookUp = join(products, {
  events: [productViewed, productAdded],
  on: productViewed.prop.product_id,
  pick: ["name", "category", "price"],
});
const category = products.column.category;
// end snippet

// Features of a visitor.
const pageViews = count("pageViews", page);
const productViews = count("productViews", productViewed);
const productViewsToday = count("productViewsToday", productViewed, { window: hours(24) });
const viewsByCategory = count("viewsByCategory", productViewed, { by: category, window: days(7) });
const favouriteCategory = topK("favouriteCategory", productViewed, category, {
  n: 1,
  window: days(30),
});
const lastCategory = last("lastCategory", productViewed, category);
const firstCategory = first("firstCategory", productViewed, category);
const recentlyViewed = recent("recentlyViewed", productViewed, productViewed.prop.product_id, {
  n: 12,
});
const distinctProducts = distinct("distinctProducts", productViewed, productViewed.prop.product_id);
const meanPriceSeen = mean("meanPriceSeen", productViewed, products.column.price, {
  window: days(30),
});
const interest = decayingScore("interest", productViewed, constant(1), { halfLife: days(3) });
const searches = count("searches", searched, { window: days(7) });
const lastSearch = last("lastSearch", searched, searched.prop.query);
const listsThisSession = count("listsThisSession", listViewed, { window: "session" });
const viewsThisSession = count("viewsThisSession", productViewed, { window: "session" });
const cartAdds = count("cartAdds", productAdded);
const cartAddsRecent = count("cartAddsRecent", productAdded, { window: minutes(30) });
const cartRemovals = count("cartRemovals", productRemoved);
const cartViews = count("cartViews", cartViewed);
const checkouts = count("checkouts", checkoutStarted);
const orders = count("orders", orderCompleted);
const ordersRecent = count("ordersRecent", orderCompleted, { window: days(90) });
const spendCents = sum("spendCents", orderCompleted, orderCompleted.prop.total, { scale: 100 });
const largestOrder = max("largestOrder", orderCompleted, orderCompleted.prop.total);
const conversion = ratio("conversion", orderCompleted, productViewed);
const signIns = count("signIns", signedIn);

// snippet: entities
// Features of the shop as a whole and of each category: popularity.
const popular = topK("popular", productViewed, productViewed.prop.product_id, {
  n: 24,
  window: days(7),
  of: entity("shop", constant("all")),
});
const popularInCategory = topK("popularInCategory", productViewed, productViewed.prop.product_id, {
  n: 12,
  window: days(7),
  of: entity("category", category),
});
const addedOf = count("addedOf", productAdded, {
  window: days(7),
  of: entity("item", productAdded.prop.product_id),
});
const viewsOf = count("viewsOf", productViewed, {
  window: days(7),
  of: entity("item", productViewed.prop.product_id),
});
// end snippet

// snippet: segments
// Who belongs where.
const visitor = segment("visitor", gte(pageViews, 1));
const browser = segment("browser", and(gte(productViews, 3), eq(orders, 0)));
const keen = segment("keen", gte(interest, 5));
const customer = segment("customer", gte(orders, 1));
const vip = segment("vip", or(gte(orders, 5), gte(spendCents, 50_000)));
const cartLeft = segment("cartLeft", and(gte(cartAddsRecent, 1), eq(ordersRecent, 0)));
const sleeping = segment("sleeping", and(gte(orders, 1), eq(productViewsToday, 0)));
// end snippet

// What sets something off.
// snippet: push
const thirdView = trigger("thirdView", {
  on: productViewed,
  when: gte(viewsByCategory.at(lastCategory), 3),
  cooldown: minutes(1),
  do: [push("banner", { category: lastCategory, views: viewsByCategory.at(lastCategory) })],
});
// end snippet

const becameKeen = trigger("becameKeen", {
  on: entered(keen),
  cooldown: hours(1),
  do: [push("banner", { reason: keen })],
});
const becameVip = trigger("becameVip", {
  on: entered(vip),
  onLink: true,
  do: [push("banner", { reason: vip }), send("crm", { orders, spendCents, email: trait("email") })],
});
const cartForgotten = trigger("cartForgotten", {
  on: left(cartLeft),
  when: eq(ordersRecent, 0),
  cooldown: hours(24),
  do: [send("crm", { items: cartAdds, lastCategory, email: trait("email") })],
});
const orderThanks = trigger("orderThanks", {
  on: orderCompleted,
  do: [push("banner", { orders }), send("crm", { orders, total: orderCompleted.prop.total })],
});

// What the pages show.
// snippet: placement
const homeBanner = placement("homeBanner", {
  variants: [
    variant("vip", {
      when: vip,
      content: {
        title: "Good to see you, {{name}}",
        text: "Early access to the new season, before everybody else.",
        cta: "See what is new",
        theme: "vip",
      },
      fields: { name: coalesce(trait("name"), "friend") },
    }),
    variant("categoryLover", {
      when: gte(viewsByCategory.at(lastCategory), 3),
      content: {
        title: "More {{category}} for you",
        text: "You have looked at {{views}} pieces: here is 10% off {{category}} today.",
        cta: "Show me {{category}}",
        category: "{{category}}",
        theme: "category",
      },
      fields: { category: lastCategory, views: viewsByCategory.at(lastCategory) },
    }),
    variant("welcomeBack", {
      when: or(customer, exists(trait("name"))),
      content: {
        title: "Welcome back, {{name}}",
        text: "Picked up where you left off: your last look was {{category}}.",
        cta: "Continue",
        category: "{{category}}",
        theme: "customer",
      },
      fields: {
        name: coalesce(trait("name"), "friend"),
        category: coalesce(lastCategory, "our new pieces"),
      },
    }),
    variant("browser", {
      when: browser,
      content: {
        title: "Free delivery on your first order",
        text: "You have good taste. Delivery is on us, today only.",
        cta: "Shop now",
        theme: "browser",
      },
    }),
  ],
  fallback: {
    title: "Things made to last",
    text: "Small batches, honest materials, made by people we know.",
    cta: "Look around",
    theme: "default",
  },
});
// end snippet

// snippet: items
const recommended = placement("recommended", {
  variants: [variant("recommended", { when: always, content: { title: "Picked for you" } })],
  fallback: { title: "Popular now" },
  items: items(products, {
    count: 8,
    from: [
      fromEntity(popularInCategory, lastCategory, "popular in your category"),
      fromProfile(recentlyViewed, "recently viewed"),
      fromEntity(popular, constant("all"), "popular now"),
    ],
  }),
});
// end snippet

const greeting = placement("greeting", {
  variants: [
    variant("sleeping", {
      when: sleeping,
      content: { text: "It has been a while, {{name}}." },
      fields: { name: coalesce(trait("name"), "friend") },
    }),
    variant("known", {
      when: exists(trait("name")),
      content: { text: "Hello, {{name}}." },
      fields: { name: trait("name") },
    }),
    variant("returning", {
      when: and(visitor, gte(add(productViews, searches), 6)),
      content: { text: "Nice to see you again." },
    }),
  ],
  fallback: { text: "Welcome." },
});

export default definePlan({
  name: "shop",
  events: [
    productViewed,
    listViewed,
    searched,
    productAdded,
    productRemoved,
    cartViewed,
    checkoutStarted,
    orderCompleted,
    signedIn,
    page,
  ],
  tables: [products],
  joins: [lookUp],
  features: [
    pageViews,
    productViews,
    productViewsToday,
    viewsByCategory,
    favouriteCategory,
    lastCategory,
    firstCategory,
    recentlyViewed,
    distinctProducts,
    meanPriceSeen,
    interest,
    searches,
    lastSearch,
    listsThisSession,
    viewsThisSession,
    cartAdds,
    cartAddsRecent,
    cartRemovals,
    cartViews,
    checkouts,
    orders,
    ordersRecent,
    spendCents,
    largestOrder,
    conversion,
    signIns,
    popular,
    popularInCategory,
    addedOf,
    viewsOf,
  ],
  segments: [visitor, browser, keen, customer, vip, cartLeft, sleeping],
  triggers: [thirdView, becameKeen, becameVip, cartForgotten, orderThanks],
  placements: [homeBanner, recommended, greeting],
});
