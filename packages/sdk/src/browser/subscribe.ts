import { within } from "../shell/decide.ts";
import type { Decided, PlacementName, PlanShape } from "../shell/plan.ts";
import type { openDecide } from "./decide.ts";
import type { FreshetOptions } from "./options.ts";
import type { openVisitor } from "./visitor.ts";

/** Calls back with the decision, and again whenever it is another one; returns what ends it. */
export type Subscribe<P extends PlanShape> = <Name extends PlacementName<P>>(
  placement: Name,
  callback: (decision: Decided<P["placements"][Name]>) => void,
) => () => void;

interface SubscribePorts {
  readonly url: string;
  readonly token: FreshetOptions["token"];
  readonly visitor: ReturnType<typeof openVisitor>;
  readonly decide: ReturnType<typeof openDecide>;
}

/** Changes that come together are one question. */
const gatherMs = 50;
/** Between attempts to follow the profile. */
const reopenMs = 3000;
const decideMsMax = 10_000;
const tokenMsMax = 10_000;
const told = ["profile", "push", "segment"] as const;

/**
 * Placements of an open page. With tokens the server tells at once when the profile changes; without, the page asks
 * again when its own events have arrived.
 */
export function openSubscribe({ url, token, visitor, decide }: SubscribePorts) {
  const subscriptions = new Set<() => void>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let source: EventSource | undefined;
  let isOpening = false;
  let owner = "";

  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      for (const refresh of subscriptions) refresh();
    }, gatherMs);
  };

  const open = async (): Promise<void> => {
    if (token === undefined || isOpening || subscriptions.size === 0) return;
    isOpening = true;
    source?.close();
    const { anonymousId, userId } = visitor.read();
    owner = userId ?? anonymousId;
    const asked = Promise.resolve({ anonymousId, userId }).then(token);
    const given = await within<string | null>(asked, tokenMsMax, null);
    isOpening = false;
    if (given === null) return void setTimeout(open, reopenMs);
    const opened = new EventSource(`${url}/v1/stream?token=${encodeURIComponent(given)}`);
    source = opened;
    for (const name of told) opened.addEventListener(name, soon);
    // Somebody's now, so that another token is needed; or the token ended.
    const again = () => source === opened && void setTimeout(open, gatherMs);
    opened.addEventListener("linked", again);
    opened.onerror = () => {
      if (opened.readyState === EventSource.CLOSED && source === opened) setTimeout(open, reopenMs);
    };
  };

  /** Events have arrived, or this is another page view or another visitor. */
  const changed = (): void => {
    if (subscriptions.size === 0) return;
    const { anonymousId, userId } = visitor.read();
    if (owner !== (userId ?? anonymousId)) void open();
    soon();
  };

  const subscribe = (placement: string, callback: (decision: never) => void): (() => void) => {
    let shown = "";
    let turns = 0;
    let turnShown = 0;
    const refresh = async (): Promise<void> => {
      const turn = ++turns;
      const options = { fresh: shown !== "", timeoutMs: decideMsMax };
      const decision = (await decide.decide([placement], options))[placement];
      const text = JSON.stringify(decision);
      // Answers may overtake one another.
      if (turn < turnShown || decision?.variant == null || text === shown) return;
      turnShown = turn;
      shown = text;
      if (subscriptions.has(run)) callback(decision as never);
    };
    const run = () => void refresh().catch(console.warn);
    subscriptions.add(run);
    run();
    if (source === undefined) void open();
    return () => {
      subscriptions.delete(run);
      if (subscriptions.size > 0) return;
      source?.close();
      source = undefined;
    };
  };
  return { subscribe, changed };
}
