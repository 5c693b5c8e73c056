import { productOf } from "../catalog.ts";
import { h, withLength } from "../dom.ts";
import { label } from "../format.ts";
import { isFields } from "../json.ts";
import { amount, shortText } from "./value.ts";

type Entry = readonly [name: string, value: unknown];

/** Map entries past this many are a tail that nobody reads in a side panel. */
const BARS_MAX = 6;

/**
 * Features in groups by the shape of their value. The plan may define any: nothing here knows
 * their names, but for the endings that give a unit (`Cents`, `At`).
 */
export function featuresView(
  features: { readonly [name: string]: unknown },
  changed: readonly string[],
): readonly HTMLElement[] {
  const entries: readonly Entry[] = Object.entries(features).sort(([a], [b]) => (a < b ? -1 : 1));
  const maps = entries.filter(([, value]) => isFields(value));
  const lists = entries.filter(([, value]) => Array.isArray(value));
  const plain = entries.filter(([, value]) => typeof value !== "object" || value === null);
  const said = plain.filter(([, value]) => value !== 0 && value !== null && value !== false);
  const silent = plain.filter((entry) => !said.includes(entry));
  const isNew = (name: string): string => (changed.includes(name) ? "changed" : "");
  return [
    ...maps.map(([name, value]) => bars(name, isFields(value) ? value : {}, isNew(name))),
    ...(said.length > 0 ? [figures(said, isNew)] : []),
    ...(silent.length > 0 ? [silence(silent)] : []),
    ...lists.map(([name, value]) => items(name, Array.isArray(value) ? value : [], isNew(name))),
  ];
}

const figures = (entries: readonly Entry[], isNew: (name: string) => string): HTMLElement =>
  h(
    "section",
    null,
    h("h3", null, "Features"),
    h(
      "dl",
      { class: "figures" },
      entries.map(([name, value]) =>
        h(
          "div",
          { class: isNew(name), title: name },
          h("dt", null, label(name)),
          h("dd", null, amount(name, value)),
        ),
      ),
    ),
  );

/** A plan counts much that a new visitor has not done; one line is enough for that. */
const silence = (entries: readonly Entry[]): HTMLElement =>
  h("p", { class: "silent" }, `Nothing yet: ${entries.map(([name]) => label(name)).join(", ")}`);

function bars(name: string, map: { readonly [key: string]: unknown }, mark: string): HTMLElement {
  const rows = Object.entries(map)
    .map(([key, value]) => ({ key, value, size: typeof value === "number" ? value : 0 }))
    .sort((a, b) => b.size - a.size);
  const most = Math.max(1e-9, ...rows.map((row) => row.size));
  return h(
    "section",
    { class: mark, title: name },
    h("h3", null, label(name)),
    rows.length === 0 && h("p", { class: "none" }, "Empty"),
    rows.length > 0 &&
      h(
        "dl",
        { class: "bars" },
        rows
          .slice(0, BARS_MAX)
          .map(({ key, value, size }) =>
            h(
              "div",
              null,
              h("dt", null, productOf(key)?.name ?? key),
              withLength(h("dd", null, h("span", null, amount(name, value))), size / most),
            ),
          ),
      ),
    rows.length > BARS_MAX && h("p", { class: "none" }, `and ${rows.length - BARS_MAX} more`),
  );
}

const items = (name: string, values: readonly unknown[], mark: string): HTMLElement =>
  h(
    "section",
    { class: mark, title: name },
    h("h3", null, label(name)),
    values.length === 0
      ? h("p", { class: "none" }, "Empty")
      : h(
          "ol",
          { class: "list" },
          values.slice(0, BARS_MAX).map((value) => h("li", null, itemText(value))),
        ),
  );

/** Ids of products read as their names; pairs such as { item, count } as both. */
function itemText(value: unknown): string {
  if (typeof value === "string") return productOf(value)?.name ?? value;
  if (!isFields(value)) return shortText(value);
  return Object.values(value).map(itemText).join(" · ");
}
