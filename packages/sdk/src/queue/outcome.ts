import type { Rejection } from "@freshet/protocol";
import { isCore } from "./build.ts";
import type { Outcome } from "./types.ts";

/** An answer as it came; status 0 where none came in time. */
export interface Answer {
  readonly status: number;
  /** The header as it came. */
  readonly retryAfter: string | null;
  /** The parsed body, where it was JSON. */
  readonly body: unknown;
}

/** What an answer to a capture request means for its events (WIRE section 5). */
export function outcomeOf(answer: Answer): Outcome {
  const { status, retryAfter } = answer;
  // A captive portal says 200 to everything: only the server's own word counts.
  const isOwn =
    fieldOf(answer, "success") === true || (!isCore && fieldOf(answer, "decisions") !== undefined);
  if (isOwn && status < 300)
    return { kind: "accepted", rejected: [fieldOf(answer, "rejected")].flat().filter(isRow) };
  if (!mayRetry(status)) return { kind: "refused", status };
  // A date says nothing here, as the clock may be wrong.
  const seconds = Number(retryAfter || Number.NaN);
  return { kind: "failed", retryAfterMs: seconds >= 0 ? seconds * 1000 : null };
}

/** The same for a request that only took events along: what it asks for itself may be what was refused. */
export function lentOutcomeOf(answer: Answer): Outcome {
  const outcome = outcomeOf(answer);
  return outcome.kind === "refused" ? { kind: "returned" } : outcome;
}

/** A field of the body, whatever that is. */
export function fieldOf({ body }: Answer, name: string): unknown {
  return (body as { readonly [field: string]: unknown } | null)?.[name];
}

/** A request that may succeed when it is sent again. A redirect is no delivery. */
export function mayRetry(status: number): boolean {
  return status < 400 || status >= 500 || [408, 425, 429].includes(status);
}

function isRow(value: unknown): value is Rejection {
  return typeof (value as Rejection | null | undefined)?.index === "number";
}
