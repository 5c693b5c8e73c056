import { type Json, limits } from "@freshet/protocol";
import { type Issue, pointer, show } from "./issue.ts";

export interface TimeInput {
  readonly timestamp: Json | undefined;
  /** Field that it came from. */
  readonly field: string;
  readonly sentAtMs: number | undefined;
  readonly now: number;
}

/**
 * When the event happened, in milliseconds since 1970 (DESIGN section 3). An attempt whose clock is off by more
 * than the dead band is corrected by its own `sentAt`; what is still after now is now, since a client cannot
 * know the future and one far date would stop every window.
 */
export function readTime(input: TimeInput, issues: Issue[], notes: string[]): number {
  const { timestamp, now, sentAtMs } = input;
  if (timestamp === undefined || timestamp === null) return now;
  let time = parseTime(timestamp);
  if (time === undefined) {
    const bare = `"${input.field}" should be ISO 8601 or milliseconds since 1970`;
    const message = `${bare}, but came as ${show(timestamp)}`;
    issues.push({ code: "timestampInvalid", message, bare, path: pointer([input.field]) });
    return now;
  }
  if (sentAtMs !== undefined && Math.abs(now - sentAtMs) > limits.clockSkewMsDeadBand) {
    time = now - (sentAtMs - time);
    notes.push("skewCorrected");
  }
  if (time > now) {
    notes.push("timeClamped");
    return now;
  }
  if (time < limits.eventTimeMsMin) issues.push(outOfRange(input, time));
  return time;
}

function outOfRange(input: TimeInput, time: number): Issue {
  const seconds =
    typeof input.timestamp === "number" && input.timestamp * 1000 >= limits.eventTimeMsMin;
  const why = seconds ? "; it looks like seconds, send milliseconds" : "";
  const came = Math.abs(time) <= dateMsMax ? new Date(time).toISOString() : String(time);
  return {
    code: "timestampOutOfRange",
    message: `"${input.field}" should not be before 2000-01-01, but is ${came}${why}`,
    path: pointer([input.field]),
  };
}

/** What `Date` can hold; beyond it `toISOString` throws. */
const dateMsMax = 8.64e15;

/**
 * ISO 8601 date or date and time with any number of fractional digits, or milliseconds since 1970 as number or
 * thirteen digits. Without a zone it is UTC. Undefined for everything else: `Date.parse` would guess, and in
 * the server's zone.
 */
export function parseTime(value: Json | undefined): number | undefined {
  if (typeof value === "number")
    return Math.abs(value) <= dateMsMax ? Math.floor(value) : undefined;
  if (typeof value !== "string") return undefined;
  const parts = isoForm.exec(value);
  if (parts === null) return millisecondsForm.test(value) ? Number(value) : undefined;
  const year = Number(parts[1]);
  const month = Number(parts[2]);
  const day = Number(parts[3]);
  const hour = Number(parts[4] ?? 0);
  const minute = Number(parts[5] ?? 0);
  const second = Number(parts[6] ?? 0);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  // ISO 8601 has 24:00 for the end of a day, and a leap second is the first moment of the next minute.
  if (hour > 24 || minute > 59 || second > 60) return undefined;
  if (hour === 24 && minute + second > 0) return undefined;
  const zoneMs = zoneMsOf(parts[8]);
  if (zoneMs === undefined) return undefined;
  const clockMs = ((hour * 60 + minute) * 60 + second) * 1000 + fractionMs(parts[7]);
  return utcDay(year, month, day) + clockMs - zoneMs;
}

const isoForm =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,30}))?)? ?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$/;
const millisecondsForm = /^\d{13}$/;

/** `Date.UTC` reads the years 0 to 99 as 1900 to 1999; four centuries later the calendar is the same. */
function utcDay(year: number, month: number, day: number): number {
  return year > 99
    ? Date.UTC(year, month - 1, day)
    : Date.UTC(year + 400, month - 1, day) - fourCenturiesMs;
}

const fourCenturiesMs = 146_097 * 86_400_000;

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Whole milliseconds; finer digits are cut, never rounded into the next second. */
function fractionMs(digits: string | undefined): number {
  return digits === undefined ? 0 : Number(digits.slice(0, 3).padEnd(3, "0"));
}

function zoneMsOf(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === "Z" || zone === "z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2));
  const whole = zone.length === 3;
  if (hours > 23 || (!whole && minutes > 59)) return undefined;
  const ms = (hours * 60 + (whole ? 0 : minutes)) * 60_000;
  return zone.startsWith("-") ? -ms : ms;
}
