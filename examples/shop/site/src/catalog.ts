import rows from "../../products.json" with { type: "json" };

export interface Product {
  readonly product_id: string;
  readonly name: string;
  readonly category: string;
  readonly price: number;
  /** `shape:palette` of its drawing. */
  readonly image: string;
  readonly tags: readonly string[];
}

/** The same file is the plan's reference table, so that the shop and Freshet never disagree. */
export const products: readonly Product[] = rows;

export const categories: readonly string[] = [...new Set(products.map((row) => row.category))];

const byId = new Map(products.map((row) => [row.product_id, row]));

export const productOf = (id: string): Product | undefined => byId.get(id);

export const inCategory = (category: string): readonly Product[] =>
  products.filter((row) => row.category === category);

/** What the shop shows when nobody can be asked. */
export const popular: readonly Product[] = products.filter((row) => row.tags.includes("popular"));

export const slugOf = (category: string): string => category.toLowerCase();

export const categoryOf = (slug: string): string | undefined =>
  categories.find((category) => slugOf(category) === slug);

const INTRO: { readonly [category: string]: string } = {
  Ceramics: "Thrown and glazed in small batches. No two quite alike.",
  Textiles: "Linen, wool and cotton that get better with every wash.",
  Lighting: "Soft light for long evenings.",
  Kitchen: "Tools that stay on the counter because they deserve to.",
  Plants: "Patient company, and what it takes to keep it alive.",
  Paper: "For the things worth writing by hand.",
};

export const introOf = (category: string): string => INTRO[category] ?? "";

/** Every word must be somewhere in the name, the category or the tags. */
export function search(query: string): readonly Product[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return products.filter((row) => {
    const hay = `${row.name} ${row.category} ${row.tags.join(" ")}`.toLowerCase();
    return words.every((word) => hay.includes(word));
  });
}
