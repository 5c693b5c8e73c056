import { isCore } from "../queue/index.ts";
import { withEvents } from "../shell/body.ts";
import {
  type AnyDecision,
  decideMs,
  decisionOf,
  filled,
  undecided,
  within,
} from "../shell/decide.ts";
import type { DecideOptions, Decisions, PlacementName, PlanShape } from "../shell/plan.ts";
import { noAnswer } from "../shell/transport.ts";
import type { Capture, Settings } from "./capture.ts";
import type { openConsent } from "./consent.ts";
import type { openVisitor } from "./visitor.ts";

/** Never rejects: after the budget it gives the fallback, and `reason` says why. */
export type Decide<P extends PlanShape> = <const Name extends PlacementName<P>>(
  placements: readonly Name[],
  options?: DecideOptions<P, Name>,
) => Promise<Decisions<P, Name>>;

interface DecidePorts {
  readonly settings: Settings;
  readonly capture: Capture;
  readonly consent: ReturnType<typeof openConsent>;
  readonly visitor: ReturnType<typeof openVisitor>;
}

interface Options {
  readonly timeoutMs?: number;
  readonly fallback?: { readonly [name: string]: unknown };
  readonly fresh?: boolean;
}

/**
 * Decisions of this page view. Events that wait go along, so that the decision knows of them.
 *
 * - D1 A promise here always resolves, at the latest after its budget.
 * - D2 A placement is asked for once a page view; an answer that comes too late is what the next call gets.
 * - D3 What was not decided is not remembered.
 */
export function openDecide(ports: DecidePorts, budgetMs = decideMs) {
  const { settings, capture, consent, visitor } = ports;
  const { sender } = capture;
  const known = new Map<string, Promise<AnyDecision>>();

  const ask = async (placements: readonly string[], timeoutMs: number) => {
    // What is under way was captured before; an answer that comes in time is worth a part of the budget.
    const before = isCore ? capture.queue.flush() : capture.queue.quiet();
    await within(before, timeoutMs / 3, undefined);
    const { anonymousId, userId } = visitor.read();
    // JSON leaves out what is undefined.
    const fields = {
      writeKey: settings.writeKey,
      anonymousId,
      userId: userId ?? undefined,
      placements,
      context: capture.here(userId),
      atLeast: sender.receipt(),
    };
    if (isCore) return sender.ask("/v1/decide", JSON.stringify(fields));
    return capture.queue.lend((events) =>
      sender.ask("/v1/decide", withEvents(fields, "events", events)),
    );
  };

  const remember = (names: readonly string[], timeoutMs: number): void => {
    const asked = ask(names, timeoutMs).catch(() => noAnswer);
    for (const name of names) {
      const decision = asked.then((answer) => decisionOf(answer, name));
      known.set(name, decision);
      // D3.
      void decision.then(({ variant }) => {
        if (variant === null) known.delete(name);
      });
    }
  };

  const decide = async (
    placements: readonly string[],
    { timeoutMs = budgetMs, fallback, fresh }: Options = {},
  ): Promise<{ readonly [name: string]: AnyDecision }> => {
    const isAllowed = consent.permission() === "granted";
    const late = undecided(isAllowed ? "timeout" : "consent");
    const missing = placements.filter((name) => isAllowed && (fresh || !known.has(name)));
    if (missing[0]) remember(missing, timeoutMs);
    const decided = placements.map(async (name) => {
      const asked = isAllowed && known.get(name);
      const decision = asked ? await within(asked, timeoutMs, late) : late;
      return [name, filled(decision, fallback?.[name])] as const;
    });
    return Object.fromEntries(await Promise.all(decided));
  };

  return {
    decide: (placements: readonly string[], options?: Options) =>
      decide(placements, options).catch((): Record<string, AnyDecision> => ({})),
    /** Another page view, or another visitor. */
    forget: (): void => known.clear(),
  };
}
