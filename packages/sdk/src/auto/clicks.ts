import { onEvent, type Stop, type Tracker } from "./track.ts";

const prefix = "data-freshet-";
/** Attributes that mean something else. */
const reserved = new Set([
  "event",
  "properties",
  "placement",
  "variant",
  "text",
  "href",
  "src",
  "ignore",
]);
/** Numbers of Segment's e-commerce events. Everything else stays text: an id of digits is no number. */
const numbers = new Set(["price", "quantity", "position", "value", "total", "revenue", "discount"]);

/** Clicks on elements that name an event: `<button data-freshet-event="Product Added" data-freshet-product-id="x">`. */
export function captureClicks(freshet: Tracker): Stop {
  return onEvent(document, ["click"], ({ target }) => {
    if (!(target instanceof Element)) return;
    const element = target.closest(`[${prefix}event]`);
    const name = element?.getAttribute(`${prefix}event`) ?? "";
    if (element !== null && name !== "") freshet.track(name, propertiesOf(element));
  });
}

/** `data-freshet-product-id` is `product_id`; `data-freshet-properties` is JSON of any shape. */
function propertiesOf(element: Element): object {
  const properties: Record<string, unknown> = {};
  for (const { name, value } of element.attributes) {
    const key = name.startsWith(prefix) ? name.slice(prefix.length) : "";
    if (key === "" || reserved.has(key)) continue;
    const isNumber = numbers.has(key) && value !== "" && Number.isFinite(Number(value));
    properties[key.replaceAll("-", "_")] = isNumber ? Number(value) : value;
  }
  try {
    const more: unknown = JSON.parse(element.getAttribute(`${prefix}properties`) ?? "{}");
    return { ...properties, ...(more as object) };
  } catch {
    console.warn(`freshet: ${prefix}properties of "${element.tagName}" is no JSON`);
    return properties;
  }
}
