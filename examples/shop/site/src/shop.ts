import { cart, type Line } from "./cart.ts";
import type { Product } from "./catalog.ts";
import { CURRENCY } from "./format.ts";
import type { Capture } from "./live/capture.ts";
import type { Live } from "./live/live.ts";
import { address, go } from "./route.ts";
import { type Persona, visitor } from "./visitor.ts";

/** What can be done in the shop. Each act changes the page and tells Freshet in Segment's words. */
export interface Shop {
  readonly live: Live;
  add(product: Product): void;
  remove(line: Line, quantity: number): void;
  viewCart(): void;
  order(): void;
  signIn(who: Persona): void;
  signOut(): void;
  newDevice(): void;
  say(message: string, detail?: string): void;
}

interface ShopParts {
  readonly capture: Capture;
  readonly live: Live;
  readonly openCart: () => void;
  readonly say: Shop["say"];
}

export function makeShop({ capture, live, openCart, say }: ShopParts): Shop {
  return {
    live,
    say,
    add(product) {
      cart.change(product.product_id, 1);
      capture.track("Product Added", { ...facts(product), quantity: 1 });
      say(`${product.name} is in your cart`);
    },
    remove({ product }, quantity) {
      cart.change(product.product_id, -quantity);
      capture.track("Product Removed", { ...facts(product), quantity });
    },
    viewCart() {
      capture.track("Cart Viewed", { products: linesOf(cart.lines()) });
      openCart();
    },
    order() {
      const orderId = newOrderId();
      const products = linesOf(cart.lines());
      const total = cart.total();
      capture.track("Order Completed", { order_id: orderId, total, currency: CURRENCY, products });
      cart.clear();
      go(address.thanks(orderId));
    },
    signIn(who) {
      visitor.set(who);
      const { userId, name, email, plan } = who;
      capture.identify(userId, { name, email, plan });
      capture.track("Signed In", { username: userId });
      live.become({ userId });
      go(address.home);
    },
    signOut() {
      capture.track("Signed Out");
      leave();
      say("You are signed out");
    },
    newDevice() {
      leave();
      say("You are on a new device now", "Sign in as the same person to see the profiles join.");
    },
  };

  function leave(): void {
    visitor.set(undefined);
    cart.clear();
    capture.reset();
    const anonymousId = capture.anonymousId();
    if (anonymousId !== undefined) live.become({ anonymousId });
    go(address.home);
  }
}

/** What a product event says about its product. */
export function facts({ product_id, name, category, price }: Product): object {
  return { product_id, name, category, price, currency: CURRENCY };
}

const linesOf = (lines: readonly Line[]): readonly object[] =>
  lines.map(({ product, quantity }) => ({
    product_id: product.product_id,
    name: product.name,
    category: product.category,
    price: product.price,
    quantity,
  }));

/** Short enough to read out, long enough not to meet again. */
function newOrderId(): string {
  const digits = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  return `W${Date.now().toString(36)}${digits.toString(36).slice(0, 4)}`.toUpperCase();
}
