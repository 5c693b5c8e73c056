import { type Product, productOf } from "./catalog.ts";
import { type Cell, storedCell } from "./cell.ts";
import { isFields, list, num, text } from "./json.ts";

export interface Line {
  readonly product: Product;
  readonly quantity: number;
}

type Stored = readonly { readonly id: string; readonly quantity: number }[];

const stored: Cell<Stored> = storedCell<Stored>("weir.cart", [], (raw) =>
  list(raw).flatMap((row) => {
    const quantity = isFields(row) ? num(row.quantity) : undefined;
    return isFields(row) && quantity ? [{ id: text(row.id), quantity }] : [];
  }),
);

export const cart = {
  watch: (listener: () => void): void => stored.watch(listener),
  lines: (): readonly Line[] =>
    stored.get().flatMap(({ id, quantity }) => {
      const product = productOf(id);
      return product === undefined ? [] : [{ product, quantity }];
    }),
  count: (): number => cart.lines().reduce((sum, line) => sum + line.quantity, 0),
  total: (): number => totalOf(cart.lines()),
  /** Adds `by`, which may be negative; a line with nothing left goes. */
  change(id: string, by: number): void {
    const before = stored.get().find((row) => row.id === id)?.quantity ?? 0;
    const others = stored.get().filter((row) => row.id !== id);
    const quantity = Math.max(0, before + by);
    stored.set(quantity === 0 ? others : replace(stored.get(), id, quantity));
  },
  clear: (): void => stored.set([]),
};

/** In cents, so that 39.9 + 24.5 is not 64.40000000000001 in an order. */
export function totalOf(lines: readonly Line[]): number {
  const cents = lines.reduce(
    (sum, it) => sum + Math.round(it.product.price * 100) * it.quantity,
    0,
  );
  return cents / 100;
}

function replace(rows: Stored, id: string, quantity: number): Stored {
  if (!rows.some((row) => row.id === id)) return [...rows, { id, quantity }];
  return rows.map((row) => (row.id === id ? { id, quantity } : row));
}
