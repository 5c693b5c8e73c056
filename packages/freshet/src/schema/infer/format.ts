import { fullFormats } from "ajv-formats/dist/formats.js";
import { schemaLimits } from "../limits.ts";

/** Formats that are looked for, by the names that JSON Schema has for them, and by its own validators. */
export const formatNames = ["date-time", "date", "uuid", "email", "uri"] as const;
export type FormatName = (typeof formatNames)[number];

const tests = formatNames.map((name) => testOf(fullFormats[name]));

/** One bit for each of `formatNames`. */
export const everyFormat = 2 ** formatNames.length - 1;

/** Which of the formats in `among` the text has too. */
export function formatsOf(text: string, among: number): number {
  if (among === 0 || text.length > schemaLimits.formatCharsMax) return 0;
  let found = 0;
  for (let at = 0; at < tests.length; at++)
    if ((among & (1 << at)) !== 0 && tests[at]?.(text) === true) found |= 1 << at;
  return found;
}

/** The most telling one of a set. */
export function formatIn(set: number): FormatName | undefined {
  return formatNames.find((_, at) => (set & (1 << at)) !== 0);
}

function testOf(format: unknown): (text: string) => boolean {
  if (format instanceof RegExp) return (text) => format.test(text);
  if (typeof format === "function") return (text) => format(text) === true;
  if (typeof format === "object" && format !== null && "validate" in format)
    return testOf(format.validate);
  throw new Error("a format of the library has no test");
}
