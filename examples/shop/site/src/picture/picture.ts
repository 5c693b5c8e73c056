import type { Product } from "../catalog.ts";
import { s } from "../dom.ts";
import { ceramics } from "./ceramics.ts";
import { kitchen } from "./kitchen.ts";
import { lighting } from "./lighting.ts";
import { paletteOf } from "./palette.ts";
import { paper } from "./paper.ts";
import { circle, type Drawing, oval } from "./pen.ts";
import { plants } from "./plants.ts";
import { textiles } from "./textiles.ts";

const drawings = new Map<string, Drawing>(
  [ceramics, textiles, lighting, kitchen, plants, paper].flatMap((table) => Object.entries(table)),
);

/** Draws a product. An unknown picture is a pebble, so that new products never look broken. */
export function picture(product: Pick<Product, "name" | "image">): SVGElement {
  const [shape = "", palette = ""] = product.image.split(":");
  const p = paletteOf(palette);
  const draw = drawings.get(shape) ?? pebble;
  return s(
    "svg",
    { viewBox: "0 0 240 240", role: "img", "aria-label": product.name, class: "picture" },
    s("rect", { width: 240, height: 240, fill: p.back }),
    circle(120, 122, 86, p.sun),
    oval(120, 192, 70, 7, "#00000014"),
    draw(p),
  );
}

const pebble: Drawing = (p) => [oval(120, 160, 58, 32, p.main), oval(108, 150, 30, 12, p.light)];

/** The same drawing without its ground, for the banner's still life. */
export function cutOut(product: Pick<Product, "image">): SVGElement {
  const [shape = "", palette = ""] = product.image.split(":");
  const draw = drawings.get(shape) ?? pebble;
  return s("svg", { viewBox: "30 0 180 200", "aria-hidden": "true" }, draw(paletteOf(palette)));
}
