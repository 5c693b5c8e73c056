import type { ParsedLine } from "../lines.ts";
import { type AccessLog, accessValues } from "./access.ts";

/**
 * A line of a web server's log in the common or combined format, as Apache, nginx and many others write it:
 *
 *   host identity user [10/Oct/2000:13:55:36 -0700] "GET /path?query HTTP/1.1" 200 2326 "referrer" "user agent"
 *
 * With the site before the host (`vhost_combined`) too; whatever follows the user agent is stepped over. The time in
 * its brackets is what the line is cut at: a user name may hold spaces, and none of it can look like a time that is
 * followed by a quote, since servers escape quotes. Each part is read from left to right once, so that no line takes
 * longer than its length.
 */
export function parseAccessLine(line: string): ParsedLine {
  const time = timeForm.exec(line);
  if (time === null)
    return broken("it has no time like [10/Oct/2000:13:55:36 -0700] before a quote");
  const who = whoOf(line.slice(0, time.index));
  if (who === null) return broken("it does not begin with a host and two names");
  const timeMs = timeMsOf(time);
  if (timeMs === null) return broken(`there is no moment ${time[0].slice(2, -3)}`);
  const request = quoted(line, time.index + time[0].length - 1);
  if (request === null) return broken("its request is not closed by a quote");
  const result = resultForm.exec(line.slice(request.end, request.end + resultCharsMax));
  if (result === null) return broken("no status and size follow its request");
  const referrer = quoted(line, request.end + result[0].length + 1);
  const userAgent = referrer === null ? null : quoted(line, referrer.end + 1);
  if (referrer !== null && userAgent === null)
    return broken("its user agent is missing or not closed by a quote");
  return {
    kind: "values",
    values: accessValues({
      ...who,
      timeMs,
      ...requestOf(request.text),
      status: numberOf(result[1]),
      bytes: numberOf(result[2]),
      referrer: said(referrer?.text),
      userAgent: said(userAgent?.text),
    }),
  };
}

const broken = (message: string): ParsedLine => ({ kind: "broken", message });

const timeForm =
  / \[(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})? ([+-])(\d\d)(\d\d)\] "/;
const resultForm = /^ (\d{3}|-) (\d{1,15}|-)(?= |$)/;
/** Longer than any status and size. */
const resultCharsMax = 32;

/** `host identity user`, with the site before them in some logs. The user may hold spaces. */
function whoOf(text: string): Pick<AccessLog, "host" | "user" | "site"> | null {
  const words = text.split(" ");
  const withSite = words.length > 3 && siteForm.test(words[0] ?? "") && !isPlainHost(words[0]);
  const [host = "", identity, ...user] = withSite ? words.slice(1) : words;
  if (host === "" || identity === undefined || user.length === 0) return null;
  return {
    host: said(unescaped(host)),
    user: said(unescaped(user.join(" "))),
    site: withSite ? (words[0] ?? null) : null,
  };
}

/** `example.com:443`; an address of IPv6 has more colons. */
const siteForm = /^[^:\s]+:\d{1,5}$/;
const isPlainHost = (text: string | undefined): boolean => /^[\d.]+$/.test(text ?? "");

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Milliseconds since 1970, or null where the calendar or the clock has no such moment. */
function timeMsOf(found: RegExpExecArray): number | null {
  const [day, year, hour, minute, second] = [1, 3, 4, 5, 6].map((at) => Number(found[at]));
  const month = months.indexOf(found[2] ?? "");
  const [zoneHours, zoneMinutes] = [Number(found[8]), Number(found[9])];
  const midnight = new Date(Date.UTC(year ?? 0, month, day));
  if (month === -1 || midnight.getUTCDate() !== day || midnight.getUTCMonth() !== month)
    return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null;
  if (zoneHours > 23 || zoneMinutes > 59) return null;
  const clock = (Number(hour) * 60 + Number(minute)) * 60 + Number(second);
  const zone = (zoneHours * 60 + zoneMinutes) * (found[7] === "-" ? -60 : 60);
  return midnight.getTime() + (clock - zone) * 1000;
}

interface Quoted {
  readonly text: string;
  /** Behind the closing quote. */
  readonly end: number;
}

/** The text between the quote at `at` and the next one that no backslash escapes; null where there is none. */
function quoted(line: string, at: number): Quoted | null {
  if (line[at] !== '"') return null;
  for (let end = at + 1; end < line.length; end++) {
    if (line[end] === "\\") end++;
    else if (line[end] === '"') return { text: unescaped(line.slice(at + 1, end)), end: end + 1 };
  }
  return null;
}

/** Apache escapes as C does, nginx as `\xHH` byte by byte: bytes that are UTF-8 together are one character. */
export function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  const parts: Buffer[] = [];
  let from = 0;
  for (const found of text.matchAll(escapeForm)) {
    parts.push(Buffer.from(text.slice(from, found.index)), escapedByte(found));
    from = found.index + found[0].length;
  }
  return Buffer.concat([...parts, Buffer.from(text.slice(from))]).toString("utf8");
}

const escapeForm = /\\(?:x([0-9a-fA-F]{2})|([nrtbfv"'\\/]))/g;
const controls: Readonly<Record<string, string>> = {
  ...{ n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", v: "\v" },
};

function escapedByte([, hex, letter = ""]: RegExpExecArray): Buffer {
  return hex === undefined ? Buffer.from(controls[letter] ?? letter) : Buffer.from(hex, "hex");
}

/**
 * `GET /path?query HTTP/1.1`. What scanners send is no request often enough (bytes of TLS, nothing at all): such a
 * line is whole, and has neither method nor path.
 */
export function requestOf(text: string): Pick<AccessLog, "method" | "target" | "protocol"> {
  const found = requestForm.exec(text);
  if (found === null) return { method: null, target: null, protocol: null };
  const [, method = null, target = null, protocol = null] = found;
  return { method, target, protocol };
}

const requestForm = /^([A-Za-z][A-Za-z-]{0,31}) (\S.*?)(?: (HTTP\/\d(?:\.\d)?))?$/s;

/** A dash, and nothing at all, stand for what is not known. */
export function said(text: string | undefined): string | null {
  return text === undefined || text === "" || text === "-" ? null : text;
}

function numberOf(text: string | undefined): number | null {
  return text === undefined || text === "-" ? null : Number(text);
}
