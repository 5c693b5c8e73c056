import type { AcceptContext, EventsInput } from "../request.ts";
import { edgeOf, type Source } from "../sources.ts";
import { EdgeCounts } from "./counts.ts";
import type { Edge } from "./edge.ts";
import type { IdentityCheck } from "./identity.ts";
import { edgeLimits } from "./limits.ts";
import type { RateRequest } from "./rate-limit.ts";

/** The edge of one request: what holds for all of its events, worked out once. */
export interface EdgeRun {
  readonly edge: Edge;
  readonly now: number;
  readonly source: EventsInput["source"];
  readonly identity: IdentityCheck | undefined;
  readonly identityToken: string | undefined;
  readonly userAgent: string | undefined;
  readonly isHistory: boolean;
}

export function openEdge(input: EventsInput, context: AcceptContext): EdgeRun | undefined {
  const found = edgeOf(input.source, context.sources);
  if (found === undefined) return undefined;
  const edge = input.resent === undefined ? found : edgeOfResent(found);
  return {
    edge,
    now: context.now,
    source: input.source,
    // Who holds the secret key, or brings history, is believed.
    identity: input.isVouched === true || isHistory(input) ? undefined : edge.identity?.(),
    identityToken: input.identityToken,
    userAgent: input.userAgent?.slice(0, edgeLimits.agentCharsMax),
    isHistory: isHistory(input),
  };
}

/** What a client did at another time is counted already, and says nothing of how fast it sends now. */
function edgeOfResent(edge: Edge): Edge {
  return { ...edge, counts: new EdgeCounts(), rate: undefined, suspicious: undefined };
}

/** Throws `rateLimited` where not even one event would pass; takes nothing. */
export function checkRate({ edge }: Source, request: RateRequest): void {
  const rate = edge?.rate;
  if (edge !== undefined && rate !== undefined) counted(edge, () => rate.check(request));
}

/** Throws `rateLimited`. Files of history are read as fast as they can be. */
export function takeRate(input: EventsInput, address: string | undefined, now: number): void {
  const { edge } = input.source;
  const rate = edge?.rate;
  if (edge === undefined || rate === undefined) return;
  if (isHistory(input) || input.resent !== undefined) return;
  // A request without events costs a look at it as well.
  const events = Math.max(1, input.events.length);
  counted(edge, () => rate.take({ events, address, now }));
}

function counted({ counts }: Edge, run: () => void): void {
  try {
    run();
  } catch (error) {
    counts.add("rateLimited", 1);
    throw error;
  }
}

function isHistory(input: EventsInput): boolean {
  return input.shape === "import-rows" || input.resent?.isImported === true;
}
