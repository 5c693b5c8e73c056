import { kindWords } from "./kind.ts";
import type { KindShare, Property, Type } from "./proposal.ts";

/** Texts of proposals, all of one line: names and libraries are what clients sent. */

/** In quotes, with everything escaped that a terminal or a source file would take for its own. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** As a key of an object literal. */
export function keyText(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
}

export const plain = (text: string): string => quoted(text).slice(1, -1).replaceAll('\\"', '"');

/** Never "100 %" of less than all, and never "0 %" of something. */
export function percent(count: number, of: number): string {
  if (of === 0 || count === of) return "100 %";
  const share = (100 * count) / of;
  if (share > 99.9) return "over 99.9 %";
  return share < 0.1 && count > 0 ? "under 0.1 %" : `${Number(share.toFixed(1))} %`;
}

export const number = (value: number): string =>
  Math.abs(value) < 1e15 ? value.toLocaleString("en", { maximumFractionDigits: 20 }) : `${value}`;

/** What there is to say about a property beside its type. */
export function remarks(property: Property): string[] {
  return [...observations(property), ...property.value.types.flatMap(textRemarks)];
}

/** The same without what a schema says with its own keywords. */
export function observations({ count, of, nulls, kinds, value }: Property): string[] {
  return [
    ...(count < of ? [`in ${percent(count, of)} of ${number(of)}`] : []),
    ...(nulls > 0 ? [`null in ${percent(nulls, count)}`] : []),
    ...(kinds.length > 1 ? [conflict(kinds)] : []),
    ...value.types.flatMap(valueRemarks),
  ];
}

/** "number in 98 %, text in 2 % (source web, library analytics.js 4.1)" */
export function conflict(kinds: readonly KindShare[]): string {
  const total = kinds.reduce((sum, { count }) => sum + count, 0);
  return kinds
    .map(({ kind, count, origins }, at) => {
      const share = `${kindWords[kind]} in ${percent(count, total)}`;
      // Who sends what most do is no news.
      if (at === 0 || origins.length === 0) return share;
      const more = origins.length > shownOrigins ? " and others" : "";
      return `${share} (${origins.slice(0, shownOrigins).map(plain).join("; ")}${more})`;
    })
    .join(", ");
}

const shownOrigins = 2;

function valueRemarks(type: Type): string[] {
  if (type.kind === "string" && type.values?.length === 1)
    return [`always ${quoted(type.values[0] ?? "")}`];
  if ((type.kind !== "integer" && type.kind !== "number") || type.range === undefined) return [];
  const { min, max } = type.range;
  return [min === max ? `always ${number(min)}` : `${number(min)} to ${number(max)}`];
}

function textRemarks(type: Type): string[] {
  if (type.kind !== "string") return [];
  if (type.format !== undefined) return [type.format];
  const { values = [] } = type;
  return values.length > 1 ? [`one of ${values.map(quoted).join(", ")}`] : [];
}
