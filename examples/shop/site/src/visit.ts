import { cart } from "./cart.ts";
import { categoryOf, inCategory, productOf, search } from "./catalog.ts";
import { CURRENCY } from "./format.ts";
import type { Capture } from "./live/capture.ts";
import type { Route } from "./route.ts";
import { facts } from "./shop.ts";

/** A page, and what going there means in a shop. */
interface Visit {
  readonly page: string;
  readonly event?: string;
  readonly properties?: object;
}

/** Tells Freshet where the visitor went. */
export function tellVisit(capture: Capture, route: Route): void {
  const { page, event, properties } = visitOf(route);
  capture.page(page);
  if (event !== undefined) capture.track(event, properties);
}

function visitOf(route: Route): Visit {
  switch (route.kind) {
    case "home":
      return { page: "Home" };
    case "category":
      return categoryVisit(categoryOf(route.slug));
    case "product":
      return productVisit(route.id);
    case "search":
      return searchVisit(route.query);
    case "checkout":
      return checkoutVisit();
    case "thanks":
      return { page: "Order Confirmation" };
    case "missing":
      return { page: "Not Found" };
  }
}

function categoryVisit(category: string | undefined): Visit {
  if (category === undefined) return { page: "Not Found" };
  const products = inCategory(category).map(({ product_id }) => ({ product_id }));
  return { page: "Category", event: "Product List Viewed", properties: { category, products } };
}

function productVisit(id: string): Visit {
  const product = productOf(id);
  if (product === undefined) return { page: "Not Found" };
  return { page: "Product", event: "Product Viewed", properties: facts(product) };
}

function searchVisit(query: string): Visit {
  const properties = { query, results: search(query).length };
  return { page: "Search", event: "Products Searched", properties };
}

/** An empty cart starts no checkout: somebody only typed the address. */
function checkoutVisit(): Visit {
  const lines = cart.lines();
  if (lines.length === 0) return { page: "Checkout" };
  const products = lines.map(({ product, quantity }) => ({
    product_id: product.product_id,
    price: product.price,
    quantity,
  }));
  const properties = { total: cart.total(), currency: CURRENCY, products };
  return { page: "Checkout", event: "Checkout Started", properties };
}
