import { categories, type Product, popular, productOf } from "../catalog.ts";
import { type Fields, fields, list, num, text } from "../json.ts";

export interface Banner {
  readonly variant: string;
  readonly title: string;
  readonly text: string;
  readonly cta: string;
  readonly category: string | undefined;
  readonly theme: string;
}

export interface Recommendation {
  readonly product: Product;
  readonly reason: string;
}

export interface Decisions {
  readonly banner: Banner;
  readonly recommended: readonly Recommendation[];
  /** Empty when the plan has nothing to say to this visitor. */
  readonly greeting: string;
  /** `eligible` or `fallback` as decided; `offline` when nobody could be asked. */
  readonly reason: string;
  readonly why: unknown;
  readonly stale: boolean;
}

/** What the shop shows before the first decision, and when no decision can be had. */
export const offlineDecisions: Decisions = {
  banner: {
    variant: "offline",
    title: "Slow things, well made",
    text: "Forty-eight pieces from six small workshops, for rooms you like to come home to.",
    cta: "Look around",
    category: undefined,
    theme: "default",
  },
  recommended: popular.slice(0, 6).map((product) => ({ product, reason: "A house favourite" })),
  greeting: "",
  reason: "offline",
  why: undefined,
  stale: false,
};

export function decisionsOf(body: unknown): Decisions {
  const { decisions, stale } = fields(body);
  const banner = fields(fields(decisions).homeBanner);
  const recommended = list(fields(fields(decisions).recommended).items).flatMap(itemOf);
  return {
    banner: bannerOf(banner),
    recommended: recommended.length > 0 ? recommended : offlineDecisions.recommended,
    greeting: greetingOf(fields(fields(decisions).greeting)),
    reason: text(banner.reason, "fallback"),
    why: banner.why,
    stale: stale === true,
  };
}

/** The plan's fallback is for strangers, whom the page does not address. */
const greetingOf = (decision: Fields): string =>
  decision.reason === "eligible" ? text(fields(decision.content).text) : "";

function bannerOf(decision: Fields): Banner {
  const content = fields(decision.content);
  const title = text(content.title);
  if (title === "") return offlineDecisions.banner;
  return {
    variant: text(decision.variant, "fallback"),
    title,
    text: text(content.text),
    cta: text(content.cta, "Look around"),
    // A text that is no category of the shop would lead to an empty shelf.
    category: categories.find((category) => category === content.category),
    theme: text(content.theme, "default"),
  };
}

/** The catalogue fills what an item leaves out; an item that is in neither is not shown. */
function itemOf(value: unknown): readonly Recommendation[] {
  const item = fields(value);
  const id = text(item.product_id) || text(value);
  const known = productOf(id);
  const product: Product = {
    product_id: id,
    name: text(item.name) || known?.name || "",
    category: text(item.category) || known?.category || "",
    price: num(item.price) ?? known?.price ?? 0,
    image: text(item.image) || known?.image || "",
    tags: known?.tags ?? [],
  };
  return product.name === "" ? [] : [{ product, reason: text(item.reason) }];
}
