import type { SendEffect } from "../../core/effect.ts";

/**
 * The sink port: takes effects to one destination. Called by the dispatcher alone.
 *
 * - K1 `send` may be called with an effect that was delivered before: after a crash, after an answer that got lost.
 *   `effect.id` is the same each time; a sink hands it on, so that the receiver can drop what it has.
 * - K2 Several sends may run at once, up to the dispatcher's `concurrencyMax`; never two of one profile.
 * - K3 `send` resolves; it never rejects for what the world does. A rejection is treated as `retry`.
 * - K4 When `cancellation` is cancelled, the send ends soon with whatever it knows (`retry` if nothing). The dispatcher
 *   does not wait for it: it counts the attempt as failed and may send again, so a sink that goes on regardless sends twice.
 * - K5 A sink has a time limit of its own, shorter than the dispatcher's `sendMsMax`, which is the last resort.
 * - K6 A sink keeps no queue: when `send` resolves, nothing of the effect is left in it.
 */
export interface Sink {
  /** The destination, as plans name it. */
  readonly name: string;
  send(effect: SendEffect, cancellation: Cancellation): Promise<SinkOutcome>;
  /** Frees connections. Called after the last send has settled or was cancelled; may be called twice. */
  close(): Promise<void>;
}

/** `reason` is for people: it is stored and shown, so it holds no secret and no credential. */
export type SinkOutcome =
  /** The destination has it. The effect leaves the outbox with the next checkpoint. */
  | { readonly kind: "delivered" }
  /**
   * Not now. The effect is sent again after a growing delay, and later ones of its profile wait behind it. With
   * `retryAfterMs` the destination asked for a pause: nothing at all is sent to it before.
   */
  | { readonly kind: "retry"; readonly reason: string; readonly retryAfterMs?: number }
  /** Never this one: it would be refused again. It is kept as abandoned; the others go on. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Never again: as `refused`, and nothing more is sent to this destination until the process starts anew. */
  | { readonly kind: "gone"; readonly reason: string };

/** A sink cannot be made from what the configuration says. `message` names the destination, never a secret. */
export class SinkConfigError extends Error {
  readonly code = "sinkConfig";
  readonly retryable = false;
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = "SinkConfigError";
    this.hint = hint;
  }
}

/** Says that an answer is no longer waited for. An `AbortSignal`, without the platform. */
export interface Cancellation {
  readonly cancelled: boolean;
  /** Calls back once; at once where it is cancelled already. */
  onCancel(listener: () => void): void;
}

/** A cancellation with its switch; for the dispatcher and for tests. */
export interface Cancelling extends Cancellation {
  cancel(): void;
}

/** A cancellation that has not happened yet, for whoever will decide about it. */
export function cancelling(): Cancelling {
  let cancelled = false;
  let listeners: (() => void)[] = [];
  return {
    get cancelled() {
      return cancelled;
    },
    onCancel(listener) {
      if (cancelled) listener();
      else listeners.push(listener);
    },
    cancel() {
      if (cancelled) return;
      cancelled = true;
      const waiting = listeners;
      listeners = [];
      for (const listener of waiting) listener();
    },
  };
}
