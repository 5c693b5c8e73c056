import type { Tracker } from "./track.ts";

/** A product in the words of Segment's e-commerce events. */
export interface Product {
  readonly product_id: string;
  readonly name?: string;
  readonly category?: string;
  readonly price?: number;
  readonly quantity?: number;
  readonly [property: string]: unknown;
}

export interface Order {
  readonly order_id: string;
  readonly total: number;
  readonly currency?: string;
  readonly products?: readonly Product[];
  readonly [property: string]: unknown;
}

/** A shop's events under the names that everybody uses. */
export interface Cart {
  added(product: Product): void;
  removed(product: Product): void;
  viewed(products?: readonly Product[]): void;
  checkout(facts?: { readonly [property: string]: unknown }): void;
  completed(order: Order): void;
}

export function cartOf(freshet: Pick<Tracker, "track">): Cart {
  return {
    added: (product) => freshet.track("Product Added", { quantity: 1, ...product }),
    removed: (product) => freshet.track("Product Removed", product),
    viewed: (products) => freshet.track("Cart Viewed", products === undefined ? {} : { products }),
    checkout: (facts) => freshet.track("Checkout Started", facts),
    completed: (order) => freshet.track("Order Completed", order),
  };
}
