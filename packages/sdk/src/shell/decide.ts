import { type Answer, fieldOf, mayRetry } from "../queue/index.ts";
import type { DecidedShape, Undecided } from "./plan.ts";

/** Past this a page that waits flickers; the guides name it. */
export const decideMs = 300;

export type AnyDecision = DecidedShape | Undecided<DecidedShape>;

/** The decision of an answer for one placement. */
export function decisionOf(answer: Answer, name: string): AnyDecision {
  const decisions = fieldOf(answer, "decisions") as DecisionsOf | undefined;
  return decisions?.[name] ?? undecided(mayRetry(answer.status) ? "unreachable" : "refused");
}

interface DecisionsOf {
  readonly [name: string]: DecidedShape | undefined;
}

/** With the fallback for it, where nothing was decided. */
export function filled(decision: AnyDecision, fallback: unknown = null): AnyDecision {
  return decision.variant === null ? { ...decision, content: fallback } : decision;
}

/** What is shown where nothing was decided. */
export function undecided(reason: Undecided<DecidedShape>["reason"]): AnyDecision {
  return { variant: null, content: null, reason };
}

/** The promise, or `late` after the time; a promise that rejects counts as late. */
export function within<T>(promise: Promise<T>, timeoutMs: number, late: T): Promise<T> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(late), timeoutMs);
    promise.then(resolve, () => resolve(late)).finally(() => clearTimeout(timer));
  });
}
