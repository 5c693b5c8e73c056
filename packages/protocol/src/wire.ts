import type { ErrorCode } from "./errors.ts";

/** Plain JSON as it crosses a wire. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** One event that was refused; the others of its request were kept. */
export interface Rejection {
  readonly index: number;
  readonly messageId: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** The answer to every capture request. `accepted` counts duplicates too. */
export interface CaptureAnswer {
  readonly success: boolean;
  readonly accepted: number;
  readonly rejected: readonly Rejection[];
  /** Opaque: pass it as `atLeast` to read what this request wrote. */
  readonly receipt: string;
}

export interface ProfileAnswer {
  readonly profileId: string;
  readonly version: number;
  readonly traits: { readonly [name: string]: Json };
  readonly features: { readonly [name: string]: Json };
  readonly segments: readonly string[];
  readonly session: SessionAnswer | null;
  readonly identifiers: readonly string[];
  /** Milliseconds since 1970: the moment that the values hold for. */
  readonly asOf: number;
  /** True when a receipt was given and its events were not applied in time. */
  readonly stale: boolean;
  /** Only with `?detail=true`: what is known about each value. */
  readonly detail?: JsonObject;
}

export interface SessionAnswer {
  readonly id: string;
  readonly startedAt: number;
  readonly lastAt: number;
  readonly events: number;
}

export interface DecisionAnswer {
  readonly variant: string;
  readonly content: Json;
  readonly items?: readonly Json[];
  /** One of `eligible`, `fallback`. */
  readonly reason: string;
  readonly experiment?: string;
  readonly propensity: number;
  /** Only with `explain`: each variant with the leaves that decided. */
  readonly why?: Json;
}

export interface DecideAnswer {
  readonly decisions: { readonly [placement: string]: DecisionAnswer };
  readonly receipt?: string;
  readonly rejected?: readonly Rejection[];
  /** Id of the session that is open at `asOf`, null where none is. A late event may give it another one. */
  readonly sessionId?: string | null;
  readonly asOf: number;
  readonly stale: boolean;
}

export type EventStatus = "inFlight" | "applied" | "duplicate" | "rejected";

export interface JourneyStep {
  readonly stage: string;
  readonly at: number;
  readonly [detail: string]: Json | undefined;
}

export interface JourneyAnswer {
  readonly messageId: string;
  readonly status: EventStatus;
  readonly profileId?: string;
  /** Session that the event is of, as far as it is known now; only of applied ones. */
  readonly sessionId?: string | null;
  readonly at: number;
  readonly partition: number;
  readonly offset: number;
  readonly duplicates: readonly { readonly at: number; readonly offset: number }[];
  readonly steps: readonly JourneyStep[];
}
