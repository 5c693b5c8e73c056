import type { ErrorCode } from "@freshet/protocol";
import { wellFormed } from "./text.ts";

/**
 * Why one event is refused. Readers push what they find into a list and go on with a stand-in; the first
 * issue is the one that is told. Exceptions would cost more than the event itself.
 */
export interface Issue {
  readonly code: ErrorCode;
  readonly message: string;
  /** The message without anything that the client sent, for sources that must not keep it. */
  readonly bare?: string;
  /** JSON pointer into the event as the client sent it. */
  readonly path?: string;
  /** The schema that was broken, where that is why. */
  readonly schema?: string;
  /** The event holds a message that no rule can look into. */
  readonly isUnread?: true;
}

const shownCharsMax = 60;
/** Messages and pointers go into answers: a small request must not get a large one. */
const pointerCharsMax = 1024;

/** A value as a message shows it: its kind, and its beginning where that helps. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return `text "${shorten(value)}"`;
  return typeof value === "object" ? "an object" : `${typeof value} ${String(value)}`;
}

/** JSON pointer of keys from the event down (RFC 6901); cut where a client's keys are absurdly long. */
export function pointer(keys: readonly (string | number)[]): string {
  let text = "";
  for (const key of keys) text += `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return wellFormed(text.length <= pointerCharsMax ? text : `${text.slice(0, pointerCharsMax)}...`);
}

function shorten(text: string): string {
  if (text.length <= shownCharsMax) return wellFormed(text);
  return `${wellFormed(text.slice(0, shownCharsMax))}...`;
}
