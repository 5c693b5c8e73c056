import { ago, duration, money, number } from "../format.ts";

/** Numbers this large are moments in milliseconds: 2001 and later. */
const MOMENT_MS_MIN = 1e12;

/** A value with the unit that its name ends in. */
export function amount(name: string, value: unknown): string {
  if (typeof value !== "number") return shortText(value);
  if (/cents/i.test(name)) return money(value / 100);
  if (value >= MOMENT_MS_MIN) return ago(value, Date.now());
  if (/Ms$/.test(name)) return duration(value);
  return number(value);
}

/** Any value in one short line. */
export function shortText(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value;
  if (typeof value === "number")
    return value >= MOMENT_MS_MIN ? ago(value, Date.now()) : number(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return JSON.stringify(value);
}
