import type { Rejection } from "@freshet/protocol";

/** An event as it is sent, on every attempt the same text. */
export interface QueuedEvent {
  /** Counts the events that were taken. */
  readonly number: number;
  /** When it was taken, by the clock of the shell. */
  readonly at: number;
  readonly id: string;
  /** The event as JSON. */
  readonly text: string;
  readonly bytes: number;
}

export interface OpenRequest {
  readonly number: number;
  readonly events: readonly QueuedEvent[];
}

export interface QueueState {
  /** The oldest first. */
  readonly waiting: readonly QueuedEvent[];
  readonly open: readonly OpenRequest[];
  /** Events that were added so far: the number of the next one. */
  readonly added: number;
  /** Requests so far: the number of the next one. */
  readonly requests: number;
  /** Events below this number do not wait for others to share their request. */
  readonly flushTo: number;
  /** Events of the next request: halved by 413, whole again after a request that was accepted. */
  readonly batchMax: number;
  /** The last wait after a failure, before chance; 0 since a request that did not fail. */
  readonly retryMs: number;
  /** No request before this. */
  readonly retryAt: number;
  /** True while `retryAt` is what the server asked for. */
  readonly isHeld: boolean;
}

/** `now` is in milliseconds, and never goes back. */
export type QueueInput =
  /** An event was captured, or found again where it was kept. */
  | { readonly kind: "add"; readonly now: number; readonly id: string; readonly text: string }
  /** Time has passed. */
  | { readonly kind: "tick"; readonly now: number }
  /** Nothing that was taken so far may wait for company. */
  | { readonly kind: "flush"; readonly now: number }
  /** There is a network again. */
  | { readonly kind: "reach"; readonly now: number }
  /** The page may end: as many as fit into `bytesMax` go at once, whatever is open. */
  | { readonly kind: "leave"; readonly now: number; readonly bytesMax: number }
  /** Somebody else's request takes what waits along. */
  | { readonly kind: "lend"; readonly now: number }
  /** `random` is from 0 to 1. */
  | {
      readonly kind: "answer";
      readonly now: number;
      readonly request: number;
      readonly outcome: Outcome;
      readonly random: number;
    }
  /** What waits must not be sent any more. */
  | { readonly kind: "withdraw"; readonly now: number };

export type Outcome =
  /** The server has all but the rejected ones, which are dead letters there. */
  | { readonly kind: "accepted"; readonly rejected: readonly Rejection[] }
  /** The server will never take this request; after 413 it may take a part of it. */
  | { readonly kind: "refused"; readonly status: number }
  /** Nothing is known of the events. */
  | { readonly kind: "failed"; readonly retryAfterMs: number | null }
  /** The request that had borrowed them was refused for a reason of its own. */
  | { readonly kind: "returned" };

export type QueueCommand =
  /** Write it where it survives. */
  | { readonly kind: "keep"; readonly event: QueuedEvent }
  | { readonly kind: "send"; readonly request: OpenRequest }
  | { readonly kind: "lend"; readonly request: OpenRequest }
  /** The end of events: forget what was kept of them. */
  | { readonly kind: "settle"; readonly events: readonly QueuedEvent[]; readonly end: End }
  /** Call `tick` then, and not because of an earlier `wake`; `Infinity` where nothing will be due by itself. */
  | { readonly kind: "wake"; readonly at: number };

export type End =
  | { readonly kind: "delivered" }
  | { readonly kind: "dropped"; readonly reason: DropReason; readonly detail: string };

/** `withdrawn`: consent was refused. `invalid`: it never became an event. */
export type DropReason = "full" | "tooLarge" | "refused" | "rejected" | "withdrawn" | "invalid";
