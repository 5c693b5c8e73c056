import type { Json, JsonObject } from "@freshet/protocol";
import { withoutNulls } from "./page-view.ts";

/** What Google Analytics recommends as names, by the names of Segment's e-commerce specification. */
const segmentNames: ReadonlyMap<string, string> = new Map([
  ["page_view", "Page"],
  ["screen_view", "Screen"],
  ["view_item", "Product Viewed"],
  ["view_item_list", "Product List Viewed"],
  ["select_item", "Product Clicked"],
  ["add_to_cart", "Product Added"],
  ["remove_from_cart", "Product Removed"],
  ["add_to_wishlist", "Product Added to Wishlist"],
  ["view_cart", "Cart Viewed"],
  ["begin_checkout", "Checkout Started"],
  ["add_shipping_info", "Checkout Step Completed"],
  ["add_payment_info", "Payment Info Entered"],
  ["purchase", "Order Completed"],
  ["ecommerce_purchase", "Order Completed"],
  ["refund", "Order Refunded"],
  ["view_promotion", "Promotion Viewed"],
  ["select_promotion", "Promotion Clicked"],
  ["search", "Products Searched"],
  ["view_search_results", "Products Searched"],
  ["share", "Product Shared"],
  ["sign_up", "Signed Up"],
  ["login", "Signed In"],
  ["first_open", "Application Installed"],
  ["app_update", "Application Updated"],
]);

/** Events of one product, whose properties Segment has at the top. */
const productEvents: ReadonlySet<string> = new Set([
  "Product Viewed",
  "Product Clicked",
  "Product Added",
  "Product Removed",
  "Product Added to Wishlist",
  "Product Shared",
]);

/** Segment's name of an event, or its own where there is none. */
export function segmentName(name: string): string {
  return segmentNames.get(name) ?? name;
}

/** Segment's properties of an event that `segmentName` names, beside those that it came with. */
export function segmentProperties(name: string, properties: JsonObject): JsonObject {
  const { products } = properties;
  const first: Json | undefined = Array.isArray(products) ? (products[0] as Json) : undefined;
  const product = productEvents.has(name) && isObject(first) ? first : {};
  const search = name === "Products Searched" ? { query: properties.search_term ?? null } : {};
  const list =
    name === "Product List Viewed"
      ? { list_id: properties.item_list_id ?? null, category: properties.item_list_name ?? null }
      : {};
  return {
    ...properties,
    ...product,
    ...orderOf(name, properties),
    ...withoutNulls({ ...search, ...list }),
  };
}

/** `total` is what the client called the value of the order, `revenue` what the export worked out. */
function orderOf(name: string, properties: JsonObject): JsonObject {
  if (name !== "Order Completed" && name !== "Order Refunded") return {};
  const { ecommerce, value } = properties;
  const known = isObject(ecommerce) ? ecommerce : {};
  const amount = name === "Order Refunded" ? known.refund_value : known.purchase_revenue;
  return withoutNulls({
    order_id: properties.transaction_id ?? known.transaction_id ?? null,
    total: value ?? amount ?? null,
    revenue: amount ?? value ?? null,
    shipping: properties.shipping ?? known.shipping_value ?? null,
    tax: properties.tax ?? known.tax_value ?? null,
  });
}

/** An item of Google Analytics as a product of Segment. What has no name there keeps its own. */
export function productOf(item: JsonObject): JsonObject {
  const product: Record<string, Json> = {};
  for (const [name, value] of Object.entries(item)) {
    if (value === undefined || isNothing(value) || name === "item_params") continue;
    product[productNames.get(name) ?? name] = numberNames.has(name) ? numberOf(value) : value;
  }
  return product;
}

const productNames: ReadonlyMap<string, string> = new Map([
  ["item_id", "product_id"],
  ["item_name", "name"],
  ["item_brand", "brand"],
  ["item_variant", "variant"],
  ["item_category", "category"],
  ["item_list_index", "position"],
  ["index", "position"],
]);

const numberNames: ReadonlySet<string> = new Set([
  ...["price", "price_in_usd", "quantity", "item_revenue", "item_revenue_in_usd", "item_refund"],
  ...["item_refund_in_usd", "item_list_index", "index", "discount"],
]);

/** BigQuery writes whole numbers of 64 bits as text; one that a double cannot hold stays text. */
export function numberOf(value: Json): Json {
  if (typeof value !== "string" || !numberForm.test(value)) return value;
  const number = Number(value);
  const isExact = value.includes(".") || /e/i.test(value) || Number.isSafeInteger(number);
  return isExact && Number.isFinite(number) ? number : value;
}

const numberForm = /^-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?$/;

/** What BigQuery and the SDKs write where there is no value. */
export function isNothing(value: Json | undefined): boolean {
  return value === undefined || value === null || value === "" || value === "(not set)";
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
