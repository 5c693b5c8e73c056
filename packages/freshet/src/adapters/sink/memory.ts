import type { SendEffect } from "../../core/effect.ts";
import type { Cancellation, Sink, SinkOutcome } from "../../engine/port/sink.ts";

/** What a memory sink does with one effect. */
export type Respond = (
  effect: SendEffect,
  cancellation: Cancellation,
) => SinkOutcome | Promise<SinkOutcome>;

/** A destination in memory, for tests and simulation: it remembers everything and behaves as it is told. */
export class MemorySink implements Sink {
  readonly name: string;
  /** Every effect that arrived, in order, those that were not taken among them. */
  readonly received: SendEffect[] = [];
  /** Those that it took, with repeats. */
  readonly delivered: SendEffect[] = [];
  #respond: Respond;
  #isClosed = false;

  constructor(name: string, respond: Respond = deliver) {
    this.name = name;
    this.#respond = respond;
  }

  /** From the next effect on. */
  respondWith(respond: Respond): void {
    this.#respond = respond;
  }

  async send(effect: SendEffect, cancellation: Cancellation): Promise<SinkOutcome> {
    if (this.#isClosed) return { kind: "retry", reason: "the sink is closed" };
    this.received.push(effect);
    const outcome = await this.#respond(effect, cancellation);
    if (outcome.kind === "delivered") this.delivered.push(effect);
    return outcome;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }
}

export const deliver: Respond = () => ({ kind: "delivered" });

/** Answers nothing until it is cancelled. */
export const hang: Respond = (_effect, cancellation) =>
  new Promise((resolve) => {
    cancellation.onCancel(() => resolve({ kind: "retry", reason: "cancelled" }));
  });

/** Not now, each time. */
export const failing: Respond = () => ({ kind: "retry", reason: "told to fail" });
