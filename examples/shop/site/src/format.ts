/** How values look to people. The shop sells in one currency and speaks one language. */
const LOCALE = "en-IE";
export const CURRENCY = "EUR";

const moneyFormat = new Intl.NumberFormat(LOCALE, { style: "currency", currency: CURRENCY });
const numberFormat = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 2 });
const timeFormat = new Intl.DateTimeFormat(LOCALE, { timeStyle: "medium" });

export const money = (amount: number): string => moneyFormat.format(amount);

export const number = (value: number): string => numberFormat.format(value);

export const timeOfDay = (ms: number): string => timeFormat.format(ms);

export function duration(ms: number): string {
  const abs = Math.abs(ms);
  if (abs < 1) return "<1 ms";
  if (abs < 1000) return `${Math.round(abs)} ms`;
  if (abs < 10_000) return `${(abs / 1000).toFixed(1)} s`;
  if (abs < 60_000) return `${Math.round(abs / 1000)} s`;
  const minutes = Math.round(abs / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

export function ago(ms: number, now: number): string {
  const age = now - ms;
  return age < 1500 ? "just now" : `${duration(age)} ago`;
}

/** `productViews7d` -> `Product views 7d`; `spendCents` -> `Spend`. */
export function label(name: string): string {
  const words = name
    .replace(/(Cents|AtMs|At|Ms)$/, "")
    .replace(/[_-]+/g, " ")
    .replace(/([a-z])([A-Z0-9])/g, "$1 $2")
    .toLowerCase()
    .trim();
  return words === "" ? name : words.charAt(0).toUpperCase() + words.slice(1);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}
