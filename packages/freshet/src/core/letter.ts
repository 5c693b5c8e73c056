import type { Json } from "@freshet/protocol";

/** Which dead letters are meant; every field that is there must agree. */
export interface LetterFilter {
  readonly ids?: readonly number[];
  readonly code?: string;
  readonly source?: string;
  /** Name of the event. */
  readonly name?: string;
  readonly messageId?: string;
  /** In the event as JSON, or in the reason; upper and lower case are the same. */
  readonly contains?: string;
  /** Seen last at this time or later, in milliseconds since 1970. */
  readonly from?: number;
  /** Seen first before this time. */
  readonly to?: number;
}

/** One step of a correction, over the event as it came. Paths are JSON pointers (RFC 6901). */
export type LetterChange =
  | { readonly op: "set"; readonly path: string; readonly value: Json }
  /** As `set`, where there is nothing or null. */
  | { readonly op: "default"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "rename"; readonly path: string; readonly to: string }
  | { readonly op: "convert"; readonly path: string; readonly to: Conversion }
  /** A text into a list of texts. */
  | { readonly op: "split"; readonly path: string; readonly by: string }
  /** Another name for the event, in whatever field its wire has it. */
  | { readonly op: "event"; readonly name: string };

export const conversions = [
  ...(["number", "text", "boolean", "trim", "lowercase", "uppercase"] as const),
  /** Whatever accept reads as a time, and seconds since 1970, as ISO 8601. */
  "time",
] as const;
export type Conversion = (typeof conversions)[number];

export const letterVerbs = ["correct", "retry", "discard", "restore"] as const;
export type LetterVerb = (typeof letterVerbs)[number];

/** A run over many letters, as it was asked for. */
export interface LetterJobPlan {
  readonly id: string;
  readonly verb: LetterVerb;
  readonly filter: LetterFilter;
  /** Letters that came later are not of this run: it has an end. */
  readonly before: number;
  /** Who asked, in the asker's own words. */
  readonly by: string;
  readonly reason?: string;
  /** `correct` only. */
  readonly changes?: readonly LetterChange[];
  /** The asker answers for identities, consent and bots, which cannot be checked again. */
  readonly vouched?: true;
}

/** How a run ended, and what it left as it was. */
export interface LetterJobEnd {
  readonly id: string;
  readonly outcome: "done" | "cancelled" | "failed";
  /** Why it failed. */
  readonly message?: string;
  readonly matched: number;
  /** Letters whose event is still refused, by code. */
  readonly refused: { readonly [code: string]: number };
}

/** Offsets of the letters, which are their ids. */
export type LetterAction =
  | {
      readonly kind: "discard";
      readonly letters: readonly number[];
      readonly by: string;
      readonly reason?: string;
      readonly job?: string;
    }
  | {
      readonly kind: "restore";
      readonly letters: readonly number[];
      readonly by: string;
      readonly job?: string;
    }
  | { readonly kind: "jobStarted"; readonly job: LetterJobPlan }
  | { readonly kind: "jobEnded"; readonly end: LetterJobEnd };
