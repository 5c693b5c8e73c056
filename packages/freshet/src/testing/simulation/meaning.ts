import type { Json } from "@freshet/protocol";
import type { AcceptedEvent } from "../../core/event.ts";
import type { KeyedItem } from "../../core/feature/compiled.ts";

/**
 * What the simulated plan means, said by hand: the judge of the engine, which must not share its code. Windows and
 * feature types are judged by the naive oracle over the items that come from here.
 */
export type Prepared =
  | { readonly kind: "kept"; readonly event: AcceptedEvent }
  | { readonly kind: "filtered" }
  | { readonly kind: "failed" };

export function prepare(event: AcceptedEvent): Prepared {
  const { properties } = event;
  if (properties["bot"] === true) return { kind: "filtered" };
  if (event.name === "Ordered")
    return { kind: "kept", event: { ...event, properties: ofNow(event) } };
  if (event.name !== "Viewed") return { kind: "kept", event };
  if (properties["broken"] === true) return { kind: "failed" };
  const { category } = properties;
  if (typeof category !== "string") return { kind: "kept", event };
  return {
    kind: "kept",
    event: { ...event, properties: { ...properties, category: category.toLowerCase() } },
  };
}

/** Orders were told in euros and cents once. */
function ofNow({ version, properties }: AcceptedEvent): AcceptedEvent["properties"] {
  if (version === 2) return properties;
  const { euros, cents } = properties;
  return { ...properties, total: Number(euros) + Number(cents) / 100 };
}

type Row = (event: AcceptedEvent) => readonly Partial<KeyedItem>[];

const view = (
  pick: (properties: AcceptedEvent["properties"]) => Partial<KeyedItem> | null,
): Row => {
  return (event) => {
    const item = event.name === "Viewed" ? pick(event.properties) : null;
    return item === null || item.value === undefined ? [] : [item];
  };
};
const order = (pick: (total: Json) => Partial<KeyedItem>): Row => {
  return (event) => (event.name === "Ordered" ? [pick(event.properties["total"] ?? null)] : []);
};
const propOf = (name: string) => view((properties) => given({ value: properties[name] }));
const given = (item: { readonly value: Json | undefined }) =>
  item.value === undefined || item.value === null ? null : { value: item.value };
const byCategory = view(({ category }) =>
  typeof category === "string" && category !== "" ? { value: 1, by: category } : null,
);

/** Feature -> its items in an event that was kept. */
export const profileFeatures: { readonly [name: string]: Row } = {
  views: view(() => ({ value: 1 })),
  recentViews: view(() => ({ value: 1 })),
  viewsBy: byCategory,
  spend: order((value) => ({ value })),
  recentSpend: order((value) => ({ value })),
  meanPrice: propOf("price"),
  minPrice: propOf("price"),
  maxPrice: propOf("price"),
  firstProduct: propOf("product"),
  lastProduct: propOf("product"),
  lastProducts: propOf("product"),
  products: propOf("product"),
  topCategories: propOf("category"),
  interest: view(() => ({ value: 1 })),
  interestBy: byCategory,
  buyRate: (event) =>
    event.name === "Ordered"
      ? [{ value: 1, input: 0 }]
      : event.name === "Viewed"
        ? [{ value: 1, input: 1 }]
        : [],
  sessionViews: view(() => ({ value: 1 })),
  sessionSpend: order((value) => ({ value })),
  orders: order(() => ({ value: 1 })),
};

const categoryOf = ({ properties: { category } }: AcceptedEvent) =>
  typeof category === "string" && category !== "" ? category : null;

/** Feature of an entity -> its key and items. */
export const entityFeatures: {
  readonly [name: string]: {
    readonly entity: string;
    key(event: AcceptedEvent): string | null;
    readonly items: Row;
  };
} = {
  popular: { entity: "shop", key: () => "all", items: propOf("product") },
  categoryViews: { entity: "category", key: categoryOf, items: view(() => ({ value: 1 })) },
  categoryPrices: {
    entity: "category",
    key: categoryOf,
    items: view(({ price }) => (typeof price === "number" && price > 5 ? { value: price } : null)),
  },
};

/** Segments from naive values; null where the floats are too near to the threshold to tell. */
export function naiveSegments(
  value: (feature: string) => Json,
  tier: Json,
  segments: ReadonlySet<string>,
): Map<string, boolean | null> {
  const number = (name: string) => Number(value(name));
  const interest = number("interest");
  const hot = Math.abs(interest - 2.5) < 1e-6 ? null : interest >= 2.5;
  const keen = number("recentViews") >= 3;
  const buyer = number("spend") >= (segments.has("topCategories") ? 5000 : 2000);
  const shoes = (value("viewsBy") as { readonly [key: string]: Json })["shoes"] ?? 0;
  const all: [string, boolean | null][] = [
    ["keen", keen],
    ["buyer", buyer],
    ["inShoes", Number(shoes) >= 2],
    ["active", number("sessionViews") >= 2],
    ["hot", hot],
    ["lapsed", number("views") >= 2 && number("recentViews") === 0],
    ["keenBuyer", keen && buyer],
    ["cold", hot === null ? null : !keen && number("views") >= 1 && !hot],
    ["gold", tier === "gold"],
    ["repeat", segments.has("orders") ? number("orders") >= 2 : null],
  ];
  return new Map(all);
}
